"""How good a model is, and how far its probabilities can be trusted."""

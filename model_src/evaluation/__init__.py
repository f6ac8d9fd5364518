"""How good a model is, how far its probabilities can be trusted, and what breaks it."""

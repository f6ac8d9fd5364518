"""What the model shows of its reasons."""

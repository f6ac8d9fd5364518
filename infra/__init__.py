"""The rooms above the model: embedded stack, command line, checks and operations."""

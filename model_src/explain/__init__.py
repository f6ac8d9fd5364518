"""Why the model said so: where it looked, what it heard."""

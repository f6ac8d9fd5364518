"""Why the model said so: which places in a face speak for fake, and which stretches of the sound."""

"""Videos and their labels: found, split once, and dealt out as windows to learn from."""

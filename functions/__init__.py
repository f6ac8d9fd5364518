"""One small file per step or route; each is a thin handler over `functions.core`."""

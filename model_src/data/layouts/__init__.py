"""Public datasets as their makers lay them out on disk, recognised by what is there."""

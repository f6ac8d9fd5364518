"""What `make check` runs: the gate every change goes through, here and on the build machine alike."""

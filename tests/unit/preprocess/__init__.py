"""The promises of probe and split."""

"""From a video file to aligned faces, sound and windows: everything before the network, and never torch."""

"""The model's home: everything from a video file to the scores that become a verdict."""

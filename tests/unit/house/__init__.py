"""The house itself: walls, pins, checks, what is carried where."""

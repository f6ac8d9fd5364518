"""The model: its parts against references, the whole against its promises."""

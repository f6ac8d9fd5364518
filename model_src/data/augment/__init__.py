"""Changes that leave real real and fake fake: what happens to honest videos on their way through the world."""

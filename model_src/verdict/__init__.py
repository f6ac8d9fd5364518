"""The rules that turn window scores into an answer: plain Python, written once, used wherever a verdict is made."""

"""Broken videos, made by the thousand."""

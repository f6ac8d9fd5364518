"""Tests of training: numbers, resuming, files."""

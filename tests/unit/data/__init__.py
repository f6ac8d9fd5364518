"""Tests of the datasets: what is dealt, and that nobody crosses splits."""

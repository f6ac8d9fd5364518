"""Tests of the inference endpoint."""

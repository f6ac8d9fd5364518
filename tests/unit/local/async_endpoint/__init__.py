"""Tests of the local asynchronous endpoint."""

"""Tests of one piece at a time; the folders mirror the product's."""

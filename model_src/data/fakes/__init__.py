"""Fakes made from real windows, for training without a single found fake."""

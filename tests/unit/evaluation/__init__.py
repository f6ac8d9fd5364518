"""Tests of evaluation: metrics, calibration, reports."""

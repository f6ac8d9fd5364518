"""Training as a SageMaker job: what the platform puts under /opt/ml, and what it finds there afterwards."""

"""Training on SageMaker, seen from outside: order a job, watch it, fetch what it made."""

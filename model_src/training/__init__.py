"""Training: from windows to weights, so that a run can be stopped anywhere and gone on with."""

"""The inference endpoint: one Predictor, used by evaluation, the tests and the HTTP server alike."""

"""The studies keep what they promise: fair comparisons, honest intervals, attacks within their bounds."""

"""The asynchronous endpoint of the embedded stack: what SageMaker's InvokeEndpointAsync does, on one machine."""

"""What the functions share: contracts, settings, the job store, the file store, observability. Light and typed."""

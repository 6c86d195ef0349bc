"""What a flow is configured with: datastores, executors, schedulers, layers, hooks and serialisation."""

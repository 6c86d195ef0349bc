"""The configuration of a flow: datastores, executors, schedulers, layers, hooks and serialisation."""

"""AWS Lambda: a layer has a function of its own, the splits of a fan-out are invocations."""

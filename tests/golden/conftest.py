"""The flows in here are inputs, many of them wrong on purpose: they are compiled, never collected."""

collect_ignore_glob = ["*"]

"""The rules that a flow must keep: each pass takes the graph and yields problems, and changes nothing."""

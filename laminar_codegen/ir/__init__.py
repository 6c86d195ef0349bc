"""The values that the passes hand on: the graph of layers, the plan, states, Terraform blocks and expressions."""

"""The planner: plans a layer of a deployed flow before its jobs, and after a failure of them."""

"""The planner: answers the questions that a state machine asks about a layer before and after its jobs."""

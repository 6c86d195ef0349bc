"""The events that each kind of state adds to the history of an execution. No other module counts them.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

from typing import assert_never

from laminar_codegen.ir.asl import Choice, Fail, Map, Parallel, State, Succeed, Task, Wait

__all__ = ["EXECUTION_EVENTS", "ITEM_EVENTS", "events_of", "own_events"]

#: An execution starts and ends.
EXECUTION_EVENTS = 2
#: An iteration of a Map state starts and ends.
ITEM_EVENTS = 2

#: The ends of the integrations whose tasks are awaited.
_AWAITED = (".sync", ".sync:2", ".waitForTaskToken")


def own_events(state: State) -> int:
    """Return how many events a state that succeeds adds, without the states in it.

    Args:
        state: The state.
    """
    match state:
        case Task(integration=integration):
            # Entered, scheduled, started, succeeded, exited; and submitted, if the end of the task is awaited.
            return 6 if integration.endswith(_AWAITED) else 5
        case Map() | Parallel():
            # Entered, started, succeeded, exited.
            return 4
        case Choice() | Wait() | Succeed():
            # Entered, exited.
            return 2
        case Fail():
            return 0
        case _:
            assert_never(state)


def events_of(state: State) -> int:
    """Return how many events a state and all states in it add, with the iterations that the history must have room for.

    Args:
        state: The state.
    """
    match state:
        case Map(states=inner, iterations=iterations):
            return own_events(state) + iterations * (ITEM_EVENTS + sum(map(events_of, inner)))
        case Parallel(branches=branches):
            return own_events(state) + sum(events_of(inner) for branch in branches for inner in branch)
        case _:
            return own_events(state)

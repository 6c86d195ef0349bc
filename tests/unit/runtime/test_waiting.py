"""Waits for executions: how long they sleep between two looks."""

from __future__ import annotations

import pytest

from laminar_runtime.deployed import waiting
from laminar_runtime.exceptions import FlowError

_RUNS = {"status": "RUNNING"}


def test_a_wait_does_not_spin() -> None:
    """Each look is a request, so there is a pause, whatever is asked for."""
    steps = waiting.waiting("execution e1", _RUNS, None, 0)
    assert [next(steps), steps.send(_RUNS), steps.send(_RUNS)] == [0.1, 0.1, 0.1]


def test_a_negative_time_between_two_looks() -> None:
    """It is refused, not slept."""
    with pytest.raises(FlowError, match=r"each -1 seconds: give a number from 0"):
        next(waiting.waiting("execution e1", _RUNS, None, -1))

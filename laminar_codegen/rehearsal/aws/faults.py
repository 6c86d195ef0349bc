"""Faults of AWS itself, which an embedded AWS can simulate, to test how a flow handles them."""

from __future__ import annotations

from collections.abc import Callable

import attrs

__all__ = ["Faults", "StartFailure"]


@attrs.frozen
class StartFailure:
    """The description of a job whose container did not start, or was ended from outside.

    Args:
        status_reason: The status reason of the job.
        reason: The reason of the container; None for no reason.
        exit_code: The exit code of the container; None if it did not start.
    """

    status_reason: str = "Task failed to start"
    reason: str | None = None
    exit_code: int | None = None


def _no_failure(_: str, __: int | None, ___: int) -> StartFailure | None:
    return None


def _no_refusal(_: str) -> str | None:
    return None


@attrs.frozen
class Faults:
    """The faults to simulate.

    Args:
        start: Is called with the name of a job, the index of a child of an array job, and the number of the attempt,
            from 1. It returns why the attempt does not start, or None if it starts.
        invoke: Is called with the name of a function. It returns the exception that refuses the invocation, or None.
    """

    start: Callable[[str, int | None, int], StartFailure | None] = _no_failure
    invoke: Callable[[str], str | None] = _no_refusal

"""What goes wrong in AWS itself now and then, and on demand in an embedded AWS: to see what a flow makes of it."""

from __future__ import annotations

from collections.abc import Callable

import attrs

__all__ = ["Faults", "StartFailure"]


@attrs.frozen
class StartFailure:
    """How AWS Batch tells that the container of a job did not start.

    Args:
        status_reason: What it says of the job.
        reason: What it says of the container, None for nothing.
    """

    status_reason: str = "Task failed to start"
    reason: str | None = None


def _no_failure(_: str, __: int | None, ___: int) -> StartFailure | None:
    return None


def _no_refusal(_: str) -> str | None:
    return None


@attrs.frozen
class Faults:
    """What goes wrong.

    Args:
        start: How an attempt of a job does not start, asked with the job's name, the index of a child of an array job,
            and the number of the attempt, from 1. None if it starts.
        invoke: The exception by which an invocation is refused, asked with the function's name. None if it is not.
    """

    start: Callable[[str, int | None, int], StartFailure | None] = _no_failure
    invoke: Callable[[str], str | None] = _no_refusal

"""The wait for an execution: what is decided between two looks at it. Who waits looks, and sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any

from laminar_runtime.deployed.descriptions import is_running
from laminar_runtime.exceptions import FlowError, WaitTimeoutError

__all__ = ["Look", "drive", "drive_async", "look", "pause_of", "waiting"]

#: Seconds between two looks at an execution: the first, and the longest.
_POLL = (0.1, 10.0)
#: How often a failed look is repeated.
_RETRIES = 6

#: What a look brings: the description of the execution, or the error of the call.
Look = Any


def pause_of(poll: float) -> float:
    """Return the seconds between two looks that a user asks for, at least 0.1: each look is a request.

    Args:
        poll: The seconds.

    Raises:
        FlowError: If they are negative.

    Example:
        >>> pause_of(0), pause_of(5)
        (0.1, 5)
    """
    if not poll >= 0:
        raise FlowError(f"a wait cannot look at an execution each {poll:g} seconds: give a number from 0")
    return max(poll, _POLL[0])


def waiting(title: str, first: Look, timeout: float | None, poll: float | None) -> Generator[float, Look, Look]:
    """Decide how long to sleep until the next look, until the execution has ended.

    Args:
        title: What the execution is called.
        first: Its description.
        timeout: The maximum wait in seconds; None for no limit.
        poll: The seconds between two looks, at least 0.1; None for short ones that become longer.

    Yields:
        Seconds to sleep. Then the next look is sent.

    Returns:
        The description of the execution after its end.

    Raises:
        FlowError: If the time between two looks is negative.
        WaitTimeoutError: If it did not end in time.
        Exception: An error of AWS that does not pass.
    """
    end = None if timeout is None else time.monotonic() + timeout
    pause, longest = (pause_of(poll),) * 2 if poll is not None else _POLL
    described, tries = first, 0
    while is_running(described):
        left = longest if end is None else end - time.monotonic()
        if left <= 0:
            raise WaitTimeoutError(f"{title} did not end within {timeout:g} seconds; it still runs")
        found = yield min(_POLL[0] * 2**tries if tries else pause, left)
        if isinstance(found, Exception):
            # Imported here: it is for errors only.
            from laminar_runtime.causes.calls import is_of_aws, is_transient

            if tries == _RETRIES or not is_of_aws(found) or not is_transient(found):
                raise found
            tries += 1
        else:
            described, tries, pause = found, 0, min(pause * 1.5, longest)
    return described


def look(describe: Callable[[], Look]) -> Look:
    """Return what a call brings: its result, or its error.

    Args:
        describe: The call.
    """
    try:
        return describe()
    except Exception as error:  # noqa: BLE001 - `waiting` decides
        return error


def drive(steps: Generator[float, Look, Look], describe: Callable[[], Look]) -> Look:
    """Wait in this thread.

    Args:
        steps: The wait.
        describe: Looks at the execution.

    Returns:
        The description of the execution after its end.
    """
    try:
        pause = next(steps)
        while True:
            time.sleep(pause)
            pause = steps.send(look(describe))
    except StopIteration as end:
        return end.value


async def drive_async(steps: Generator[float, Look, Look], describe: Callable[[], Look]) -> Look:
    """Wait in the event loop. The looks run in threads.

    Args:
        steps: The wait.
        describe: Looks at the execution.

    Returns:
        The description of the execution after its end.
    """
    import asyncio

    try:
        pause = next(steps)
        while True:
            await asyncio.sleep(pause)
            pause = steps.send(await asyncio.to_thread(look, describe))
    except StopIteration as end:
        return end.value

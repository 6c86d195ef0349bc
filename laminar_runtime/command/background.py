"""A run in the background: a process that continues after the command that started it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from laminar_runtime.command.exits import Exit
from laminar_runtime.exceptions import ExecutionError, FlowError, LaminarError, StillRunningError

__all__ = ["start"]

#: Seconds between two looks at the process, and within which its run begins.
_POLL, _PATIENCE = 0.05, 60.0
#: The error for the exit code of the process, so that the command that started it ends with the same one.
_ERRORS: Mapping[int, type[LaminarError]] = {Exit.USAGE: FlowError, Exit.RUNNING: StillRunningError}


def start(words: Sequence[str], has_begun: Callable[[int], bool]) -> None:
    """Start the command in a process without a terminal, and wait until its run has begun.

    Args:
        words: The arguments of the command.
        has_begun: Returns whether the process of that number has begun the run.

    Raises:
        StillRunningError: If the process ends before that, as the execution runs. Each error has what it printed.
        FlowError: If it ends before that because of its arguments, such as an id that was used before.
        ExecutionError: If it ends before that for another reason, or does not begin in time.
    """
    import tempfile

    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(  # noqa: S603 - this command itself
            [sys.executable, "-m", "laminar_runtime.command.main", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=printed,
            start_new_session=True,
        )
        end = time.monotonic() + _PATIENCE
        while not has_begun(process.pid):
            if process.poll() is not None and not has_begun(process.pid):
                printed.seek(0)
                text = printed.read().decode(errors="replace").strip()
                error = _ERRORS.get(process.returncode, ExecutionError)
                raise error(f"the run did not begin: {text.removeprefix('laminar: ') or 'it printed nothing'}")
            if time.monotonic() > end:
                process.terminate()
                raise ExecutionError(f"the run did not begin within {_PATIENCE:g} seconds")
            time.sleep(_POLL)
    process.returncode = 0  # it is left to itself: no warning that it still runs

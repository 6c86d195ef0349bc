"""A run in the background: a process that continues after the command that started it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from laminar_runtime.exceptions import ExecutionError

__all__ = ["start"]

#: Seconds between two looks at the process, and within which its run begins.
_POLL, _PATIENCE = 0.05, 60.0


def start(words: Sequence[str], has_begun: Callable[[int], bool]) -> None:
    """Start the command in a process without a terminal, and wait until its run has begun.

    Args:
        words: The arguments of the command.
        has_begun: Returns whether the process of that number has begun the run.

    Raises:
        ExecutionError: If the process ends before that. The error has what it printed.
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
                raise ExecutionError(f"the run did not begin: {text.removeprefix('laminar: ') or 'it printed nothing'}")
            if time.monotonic() > end:
                process.terminate()
                raise ExecutionError(f"the run did not begin within {_PATIENCE:g} seconds")
            time.sleep(_POLL)
    process.returncode = 0  # it is left to itself: no warning that it still runs

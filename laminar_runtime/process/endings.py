"""Exceptions that end a run because of a signal."""

from __future__ import annotations

import sys

__all__ = ["SIGNALLED", "Ended", "Interrupted", "interruption"]

#: A shell adds this to the number of a signal to get the exit code.
SIGNALLED = 128


class Ended(SystemExit):
    """A signal ended a run. The exit code is 128 plus the number of the signal, as in a shell.

    A task that runs another flow must not take it for an exit of its own layer.
    """


class Interrupted(Ended, KeyboardInterrupt):
    """Ctrl-C ended a run.

    Programs can catch it as a `KeyboardInterrupt`. Python handles it as a `SystemExit`: it ends the script with the
    exit code of a shell and prints no traceback, which would show frames of asyncio only.
    """


def interruption() -> KeyboardInterrupt:
    """Return what ends a run after Ctrl-C. In an interactive session, that is no end of the session."""
    import signal  # slow to load

    interactive = hasattr(sys, "ps1") or sys.flags.interactive
    return KeyboardInterrupt() if interactive else Interrupted(SIGNALLED + signal.SIGINT)

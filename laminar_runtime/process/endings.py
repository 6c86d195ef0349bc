"""How a run ends that its process is told to end."""

from __future__ import annotations

__all__ = ["Ended", "Interrupted"]


class Ended(SystemExit):
    """A run was ended by a signal; the exit code is that which shells have for it.

    In a task that runs another flow, it is not the layer that exits the process.
    """


class Interrupted(Ended, KeyboardInterrupt):
    """A run was ended by Ctrl-C.

    It is a `KeyboardInterrupt` to programs. Python itself takes it for a `SystemExit`, and so ends a script by the exit
    code that shells have for it, without a traceback: that would be one of asyncio.
    """

"""What this process does with a flow's file: launch its flows, run one task, or only read it.

The compiler reads a file inside `loading()`: flows that it makes are noted, and none is run, guarded or not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from laminar_runtime import _records

__all__ = ["Loaded", "LoadingStopped", "active", "loading", "read_only"]


class LoadingStopped(BaseException):
    """The file goes on to what only a run can give, the results of a flow: reading it ends there.

    It is no `Exception`, so that the file's own ``except Exception`` does not take it.
    """


@_records.define
class Loaded:
    """What reading a file brought up.

    Args:
        module: The name that the file's module has, None if it is read as the program: what modules that it imports
            make and call is theirs.
        flows: The flows that it makes, in order.
        calls: The flows that it calls, in order, each with the flow whose end it waits for, if any.
    """

    module: str | None = None
    flows: list[Any] = _records.field(factory=list)
    calls: list[tuple[Any, Any | None]] = _records.field(factory=list)


_active: Loaded | None = None
_read_only = False


def active() -> Loaded | None:
    """Return the load in progress, None if this process only launches flows or runs a task."""
    return _active


def read_only() -> bool:
    """Whether this process has read files, as the compiler does: it is none of a task then, whatever it inherited."""
    return _read_only


@contextlib.contextmanager
def loading(module: str | None = None) -> Iterator[Loaded]:
    """Have flows be noted and not run while the ``with`` block runs, in all threads of this process.

    Args:
        module: The name that the module of the file has that is read, None if it is read as the program.
    """
    global _active, _read_only  # noqa: PLW0603 - user code cannot be handed the state, it calls us
    before, _active, _read_only = _active, Loaded(module), True
    try:
        yield _active
    finally:
        _active = before

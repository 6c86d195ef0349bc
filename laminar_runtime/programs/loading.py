"""The state of a process that only reads a flow's file, without running its flows.

The compiler runs a file inside of `loading()`: its flows are recorded, and none of them runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from laminar_runtime import _records
from laminar_runtime.blocks import block

__all__ = ["Call", "Loaded", "LoadingStopped", "active", "loading", "read_only"]


class LoadingStopped(BaseException):
    """The file uses the results of a flow, which only a run has. The compiler stops reading there.

    It is not an `Exception`, so that an ``except Exception`` of the file does not catch it.
    """


@_records.frozen
class Call:
    """A call of a flow in a file that is read.

    Args:
        flow: The flow.
        before: The previous flow of its chain, if any.
        linker: What makes its parameters from the execution of that flow.
    """

    flow: Any
    before: Any = None
    linker: Any = None


@_records.define
class Loaded:
    """The flows of a file that was read.

    Args:
        module: The name of the file's module; None if it is read as the program. Flows of modules that it imports do
            not count.
        flows: The flows that the file makes, in order.
        calls: The calls of flows in the file, in order.
    """

    module: str | None = None
    flows: list[Any] = _records.field(factory=list)
    calls: list[Call] = _records.field(factory=list)


_active: Loaded | None = None
_read_only = False


def active() -> Loaded | None:
    """Return the file that is being read; None if this process launches flows or runs a task."""
    return _active


def read_only() -> bool:
    """Return whether this process has read files. It is not a task's process then, whatever its environment says."""
    return _read_only


@block
def loading(module: str | None = None) -> Iterator[Loaded]:
    """Record flows instead of running them in the ``with`` block, in all threads of this process.

    Args:
        module: The name of the module of the file; None if it is read as the program.
    """
    global _active, _read_only  # noqa: PLW0603 - the user's code calls us, and cannot pass the state
    before, _active, _read_only = _active, Loaded(module), True
    try:
        yield _active
    finally:
        _active = before

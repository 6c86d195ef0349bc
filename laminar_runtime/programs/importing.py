"""Whether code runs because a module is imported: an import starts no flow, and no task that others will run.

Who imports a flow's module wants its classes, or its flow to call later. So while a module is imported its flows are
false, and a call of one is an error that names the guard::

    flow = Nightly(scheduler=AWS.StepFunctions())

    if __name__ == "__main__" and flow:
        flow()

What runs is found by the frames of the caller: code at the top of a module is in a frame named ``<module>``, which has
the module's globals. The innermost one decides. That of the program itself is named ``__main__`` and is no import; a
function that is called after its module was imported is called by some program, and so are tests and applications.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

__all__ = ["AGAIN", "by_program", "fix", "in_charge", "module", "runs_no_task"]

#: The name under which a process that multiprocessing starts reads the program's file again:
#: https://docs.python.org/3/library/multiprocessing.html#the-spawn-and-forkserver-start-methods
AGAIN = "__mp_main__"
#: The functions that run the code of a module for an import, those of the import system and those of loaders.
_IMPORTS = frozenset({"_call_with_frames_removed", "exec_module", "load_module"})
#: Whose frames are those of a layer's callers: the import that runs a task is none of what the layer calls.
_TASK = "laminar_runtime.tasks.task"
#: Whose frames are those of others that call flows: of us, but for those functions, and of forked processes.
_OTHERS, _CALLS = ("laminar_runtime.", "multiprocessing."), frozenset({"__call__", "next", "resume", "launch", "chain"})

_in_charge = False


def module(frame: FrameType | None) -> str | None:
    """Return the name of the module that is imported where code runs.

    Args:
        frame: The frame of the code.

    Returns:
        The name, `AGAIN` in a process that multiprocessing starts, None if no import runs the code.
    """
    found = _globals(frame)
    return None if found is None else str(found["__name__"])


def runs_no_task(frame: FrameType | None) -> bool:
    """Whether code that runs for an import leaves the task of its process to others: the program comes to it later.

    Args:
        frame: The frame of the code.

    Returns:
        Whether the program's own file is read a second time, under another name, or the program has said by
        `in_charge` that it runs the task itself. What else a program imports may run it: ``import flows`` may be all
        that the ``main.py`` of an image does.
    """
    found = _globals(frame)
    if found is None:
        return False
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    return _in_charge or found["__name__"] == AGAIN or (main is not None and found.get("__file__") == main)


def by_program(frame: FrameType | None) -> bool:
    """Whether the program calls a flow by itself, and so also in a process that runs the program for a task.

    A layer, a hook, a linker, a thread or another process that calls it does not get there again.

    Args:
        frame: The frame of the code that calls it.
    """
    while frame is not None:
        name, function = str(frame.f_globals.get("__name__")), frame.f_code.co_name
        if name.startswith(_OTHERS) and function not in _CALLS:
            return False
        if name == "__main__" and function == "<module>":
            return True
        frame = frame.f_back
    return False


@contextlib.contextmanager
def in_charge() -> Iterator[None]:
    """Have modules that the ``with`` block imports run no task: the program does, when they are there."""
    global _in_charge  # noqa: PLW0603 - modules cannot be handed the state, they call us
    before, _in_charge = _in_charge, True
    try:
        yield
    finally:
        _in_charge = before


def fix(flow: str) -> str:
    """Return how to fix a call that an import makes.

    Args:
        flow: The flow's name.
    """
    guard = (
        f'make it at module level, flow = {flow}(...), and guard the call: if __name__ == "__main__" and flow: flow()'
    )
    return f"{guard}. Another program that means to run it calls it in a function"


def _globals(frame: FrameType | None) -> dict[str, Any] | None:
    """Return the globals of the module that is imported where code runs, None if there is none."""
    while frame is not None:
        name = frame.f_globals.get("__name__")
        if name == _TASK:
            return None
        if frame.f_code.co_name == "<module>":
            if name == "__main__":
                return None
            if name == AGAIN or (name is not None and _imports(frame)):
                return frame.f_globals
        frame = frame.f_back
    return None


def _imports(frame: FrameType) -> bool:
    """Whether the code of a module runs for an import: others run such code too, such as debuggers and doctest."""
    if getattr(frame.f_globals.get("__spec__"), "_initializing", False):
        return True
    # Modules that are loaded by their path, or loaded again, are not marked as being initialised.
    return frame.f_back is not None and frame.f_back.f_code.co_name in _IMPORTS

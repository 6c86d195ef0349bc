"""Detection of imports: an import starts no flow, and no task that the program itself will run.

Code that imports a flow's module needs its classes, or its flow to call it later. So during the import the module's
flows are false, and a call of one is an error, which shows the right condition::

    flow = Nightly(scheduler=AWS.StepFunctions())

    if __name__ == "__main__" and flow:
        flow()

The frames of the caller show what runs: code at the top level of a module is in a frame named ``<module>``, which has
the module's globals. The innermost of these frames decides. If its module is ``__main__``, the program itself runs.
Functions that tests and applications call after the import of their module have no such frame of their module.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from laminar_runtime.blocks import block

__all__ = ["AGAIN", "ARGUMENTS", "by_program", "fix", "in_charge", "module", "runs_no_task"]

#: The name of the program's module in a multiprocessing child, which runs the program's file again:
#: https://docs.python.org/3/library/multiprocessing.html#the-spawn-and-forkserver-start-methods
AGAIN = "__mp_main__"
#: The arguments of the program, as they were when it imported this package: it may change ``sys.argv`` after that.
ARGUMENTS = tuple(sys.argv)
#: The functions of the import system and of loaders that run the code of an imported module.
_IMPORTS = frozenset({"_call_with_frames_removed", "exec_module", "load_module"})
#: The module that calls layers. An import that runs a task is above its frames, and does not matter to the layer.
_TASK = "laminar_runtime.tasks.task"
#: Packages whose frames show that a layer, a hook or another process calls a flow; and the functions of this package
#: that do not count, because they are called by the program.
_OTHERS, _CALLS = ("laminar_runtime.", "multiprocessing."), frozenset({"__call__", "next", "resume", "launch", "chain"})

_in_charge = False


def module(frame: FrameType | None) -> str | None:
    """Return the name of the module whose import runs the code of a frame.

    Args:
        frame: The frame of the code.

    Returns:
        The name; `AGAIN` in a multiprocessing child; None if no import runs the code.
    """
    found = _globals(frame)
    return None if found is None else str(found["__name__"])


def runs_no_task(frame: FrameType | None) -> bool:
    """Return whether an import must not run the task of its process, because the program will run it later.

    Args:
        frame: The frame of the code.

    Returns:
        Whether the program's own file is imported under another name, or the program runs the task itself: see
        `in_charge`. Any other import may run the task, because the ``main.py`` of an image may have nothing but
        ``import flows``.
    """
    found = _globals(frame)
    if found is None:
        return False
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    return _in_charge or found["__name__"] == AGAIN or (main is not None and found.get("__file__") == main)


def by_program(frame: FrameType | None) -> bool:
    """Return whether the program calls a flow by itself, not a layer, a hook, a linker, a thread or another process.

    Only then does a process that runs the program for a task call the flow as well.

    Args:
        frame: The frame of the call.
    """
    while frame is not None:
        name, function = str(frame.f_globals.get("__name__")), frame.f_code.co_name
        if name.startswith(_OTHERS) and function not in _CALLS:
            return False
        if name == "__main__" and function == "<module>":
            return True
        frame = frame.f_back
    return False


@block
def in_charge() -> Iterator[None]:
    """Run no task for the imports of the ``with`` block: the program runs it after them."""
    global _in_charge  # noqa: PLW0603 - the imported modules call us, and cannot pass the state
    before, _in_charge = _in_charge, True
    try:
        yield
    finally:
        _in_charge = before


def fix(flow: str) -> str:
    """Return the fix for a call of a flow during an import.

    Args:
        flow: The flow's name.
    """
    guard = (
        f"make the flow at module level with flow = {flow}(...), and call it under a condition: "
        'if __name__ == "__main__" and flow: flow()'
    )
    return f"{guard}. If another program runs the flow, call it in a function"


def _globals(frame: FrameType | None) -> dict[str, Any] | None:
    """Return the globals of the module whose import runs the code of a frame; None if no import runs it."""
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
    """Return whether an import runs the code of a module. Debuggers and doctest run such code, too."""
    if getattr(frame.f_globals.get("__spec__"), "_initializing", False):
        return True
    # Modules that are loaded by path, or reloaded, do not have this mark.
    return frame.f_back is not None and frame.f_back.f_code.co_name in _IMPORTS

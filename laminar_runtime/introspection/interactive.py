"""Classes that are defined again interactively: in the cells of a notebook, or at a prompt.

There a new class replaces the class with the same name. In a file, a second class with the same name is a mistake.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

__all__ = ["cell_of", "defining_cell", "redefines", "same"]


def same(one: type, other: type) -> bool:
    """Return whether two classes are one class, defined twice: of one name, at the top level of an interactive module.

    Args:
        one: The class.
        other: The other one.
    """
    module = sys.modules.get(one.__module__)
    interactive = module is not None and not hasattr(module, "__file__") and "." not in one.__qualname__
    return interactive and (one.__module__, one.__qualname__) == (other.__module__, other.__qualname__)


def redefines(new: type, old: type) -> bool:
    """Return whether a class replaces an earlier class, because a cell was run again, edited or not.

    Two classes of one name in the same cell are different. So are those of a script that is read from standard input.

    Args:
        new: The new class.
        old: The earlier class.
    """
    if not same(new, old):
        return False
    before, now = _place(old), _place(new)
    return before[0] != now[0] or before == now or _prompt(now[0])


def cell_of(cls: type) -> str:
    """Return the file name of the code that defines a class with methods."""
    return _place(cls)[0]


def defining_cell(cls: type) -> str:
    """Return the file name of the code that is defining a class, or '' at a prompt.

    Args:
        cls: The class, whose ``__init_subclass__`` is running.
    """
    frame = sys._getframe(1)  # noqa: SLF001 - the frame that defines the class is above
    while frame.f_back is not None and frame.f_globals.get("__name__") != cls.__module__:
        frame = frame.f_back
    file = frame.f_code.co_filename
    return "" if _prompt(file) else file


def _place(cls: type) -> tuple[str, int]:
    """Return the file name and the first line of the first method of a class; '' and 0 if it has no method."""
    own: list[Callable[..., Any]] = [
        one for one in vars(cls).values() if hasattr(one, "__code__") and one.__module__ == cls.__module__
    ]
    return min(((one.__code__.co_filename, one.__code__.co_firstlineno) for one in own), default=("", 0))


def _prompt(file: str) -> bool:
    """Return whether a file name is that of Python's own prompt, where all statements have the same file name."""
    return file == "<stdin>" and hasattr(sys, "ps1")

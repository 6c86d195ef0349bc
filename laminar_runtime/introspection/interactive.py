"""Classes that are defined again where people try things out: in the cells of a notebook, or at a prompt.

There a name means what was defined last. In a file it means one thing, and a second class of that name is a mistake.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

__all__ = ["cell_of", "defining_cell", "redefines", "same"]


def same(one: type, other: type) -> bool:
    """Whether two classes are one, defined twice: of one name, at the top level of a module that is no file.

    Args:
        one: The class.
        other: The other one.
    """
    module = sys.modules.get(one.__module__)
    interactive = module is not None and not hasattr(module, "__file__") and "." not in one.__qualname__
    return interactive and (one.__module__, one.__qualname__) == (other.__module__, other.__qualname__)


def redefines(new: type, old: type) -> bool:
    """Whether a class takes the place of one that was defined before: a cell was run again, as it was or edited.

    Two classes of one name in the same cell are two, and so are those of a script that comes by standard input.

    Args:
        new: The class.
        old: The one before.
    """
    if not same(new, old):
        return False
    before, now = _place(old), _place(new)
    return before[0] != now[0] or before == now or _prompt(now[0])


def cell_of(cls: type) -> str:
    """Return the name under which the text was compiled that defines a class with methods."""
    return _place(cls)[0]


def defining_cell(cls: type) -> str:
    """Return the file name of the code that defines a class now, or '' where each line has its own.

    Args:
        cls: The class, in whose ``__init_subclass__`` this is asked.
    """
    frame = sys._getframe(1)  # noqa: SLF001 - of whom the interpreter asks this for
    while frame.f_back is not None and frame.f_globals.get("__name__") != cls.__module__:
        frame = frame.f_back
    file = frame.f_code.co_filename
    return "" if _prompt(file) else file


def _place(cls: type) -> tuple[str, int]:
    """Where the text of a class with methods lies, as far as is known: the name of the text, and a line of it."""
    own: list[Callable[..., Any]] = [
        one for one in vars(cls).values() if hasattr(one, "__code__") and one.__module__ == cls.__module__
    ]
    return min(((one.__code__.co_filename, one.__code__.co_firstlineno) for one in own), default=("", 0))


def _prompt(file: str) -> bool:
    """Whether a text was typed at Python's own prompt, where each statement is a text of the same name."""
    return file == "<stdin>" and hasattr(sys, "ps1")

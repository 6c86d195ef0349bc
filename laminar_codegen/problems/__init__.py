"""What is wrong with a flow, told so that it can be mended: where, what and how. All problems are told at once."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from laminar_runtime.exceptions import LaminarError

__all__ = ["CompileError", "Location", "NotWrittenError", "Problem"]


@attrs.frozen(order=True)
class Location:
    """A place in a file.

    Args:
        file: The file, as the user named it.
        line: The line, from 1; 0 for the file as a whole.
    """

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@attrs.frozen(order=True)
class Problem:
    """One thing that keeps a flow from being compiled, or a warning.

    Args:
        location: Where it is.
        code: Its code, the same in all releases, such as ``LAM010``.
        what: What is wrong.
        fix: How to mend it.
        at: Which part of the flow it is about, such as ``Report.Merge(clean)``.
        warning: Whether it is only most often a mistake: the flow can be compiled all the same.

    Example:
        >>> print(Problem(Location("flow.py", 3), "LAM010", "parameter 'a' has no type hint", "write 'a: A'"))
        flow.py:3: LAM010 parameter 'a' has no type hint
          fix  write 'a: A'
    """

    location: Location
    code: str
    what: str
    fix: str
    at: str = ""
    warning: bool = False

    def __str__(self) -> str:
        at = f"  at   {self.at}\n" if self.at else ""
        warning = "warning: " if self.warning else ""
        return f"{self.location}: {self.code} {warning}{self.what}\n{at}  fix  {self.fix}"


class CompileError(Exception):
    """A flow cannot be compiled.

    Args:
        problems: Why not, at least one.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


class NotWrittenError(LaminarError):
    """The files of a module cannot be written or read. Those that were there are as they were."""

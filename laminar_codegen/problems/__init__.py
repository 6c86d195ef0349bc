"""The problems of a flow: where, what, and how to fix it. The compiler reports all of them at once."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from laminar_codegen.problems.rules import Rule
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
        rule: The rule that the flow breaks.
        what: What is wrong.
        fix: How to fix it.
        at: The part of the flow that it is about, such as ``Report.Merge(clean)``.

    Example:
        >>> from laminar_codegen.problems.rules import LAM010
        >>> print(Problem(Location("flow.py", 3), LAM010, "parameter 'a' has no type hint", "write 'a: A'"))
        flow.py:3: LAM010 parameter 'a' has no type hint
          fix  write 'a: A'
    """

    location: Location
    rule: Rule
    what: str
    fix: str
    at: str = ""

    @property
    def code(self) -> str:
        """The code of the rule, the same in all releases, such as ``LAM010``."""
        return self.rule.code

    @property
    def warning(self) -> bool:
        """Whether the flow compiles all the same: most often, it is a mistake."""
        return self.rule.warning

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
    """The files of a module cannot be written or read. Existing files are unchanged."""

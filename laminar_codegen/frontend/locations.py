"""Finds where classes are defined by the code of their modules: `inspect` would parse a file anew for each class."""

from __future__ import annotations

import contextlib
import inspect
import linecache
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

import attrs

from laminar_codegen.frontend.loader import Source
from laminar_codegen.problems import Location

__all__ = ["Locator"]


@attrs.frozen(eq=False, repr=False)
class Locator:
    """Finds the places of classes; each file is read once.

    Args:
        source: The flow's place: classes in its file are reported under the name that the user gave.
    """

    source: Source
    _modules: dict[str, tuple[str, dict[str, int]]] = attrs.field(factory=dict, init=False)

    def location(self, cls: type) -> Location:
        """Return where a class is defined: the place of its first decorator, if it has one.

        Args:
            cls: The class.
        """
        if cls.__module__ not in self._modules:
            self._modules[cls.__module__] = self._module(cls)
        name, lines = self._modules[cls.__module__]
        return Location(name, lines.get(cls.__qualname__, 0))

    def shown_name(self, file: str) -> str:
        """Return the name that messages give to a file.

        Args:
            file: The file.
        """
        return self.source.name if Path(file).absolute() == self.source.file else file

    def _module(self, cls: type) -> tuple[str, dict[str, int]]:
        """Return the name of the file that a class is in, and the lines of its classes."""
        try:
            file = inspect.getsourcefile(cls)
        except (OSError, TypeError):
            file = None
        if file is None:
            return self.source.name, {}
        return self.shown_name(file), _class_lines(_code(cls.__module__, file))


def _code(module: str, file: str) -> CodeType:
    """Return the code of a module, from Python's cache if the module was imported."""
    loader = getattr(sys.modules[module], "__loader__", None)
    if isinstance(loader, SourceFileLoader) and loader.name == module != "__main__":
        with contextlib.suppress(OSError):
            if (code := loader.get_code(module)) is not None:
                return code
    linecache.checkcache(file)
    return compile("".join(linecache.getlines(file)), file, "exec", dont_inherit=True)


def _class_lines(module: CodeType) -> dict[str, int]:
    """Return the lines of the classes in the code of a module, by their qualified names."""
    lines: dict[str, int] = {}

    def visit(code: CodeType) -> None:
        for inner in code.co_consts:
            if isinstance(inner, CodeType):
                # The code of a function has names of its own; that of a class has not.
                if not inner.co_flags & inspect.CO_NEWLOCALS:
                    lines.setdefault(inner.co_qualname, inner.co_firstlineno)
                visit(inner)

    visit(module)
    return lines

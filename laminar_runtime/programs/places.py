"""Finds the file that the user named, and how Python imports it: as a script, or as a module of a package.

::

    flow.py                a script: its folder is what it imports from
    reports/daily.py       a module of the package reports, if it says `from .common import ...`, or `from reports...`
    reports.daily          the same, named as `python -m` takes it
"""

from __future__ import annotations

import ast
import contextlib
import functools
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Literal

from laminar_runtime import _records
from laminar_runtime.blocks import block
from laminar_runtime.exceptions import FlowError

__all__ = ["FlowFileError", "Kind", "Place", "find_place", "importing_from"]

#: What is wrong with a flow's file, or with its choice.
Kind = Literal["no file", "no Python", "unreadable", "no flow", "several flows", "unknown flow"]

_FIX = "name the Python file that defines the flow, such as flow.py"


class FlowFileError(FlowError):
    """A flow cannot be read from its file.

    Args:
        kind: What is wrong.
        what: The same, for people.
        fix: How to fix it.
        file: The file, as the user named it.
        line: The line, from 1; 0 for the file as a whole.
    """

    def __init__(self, kind: Kind, what: str, fix: str, *, file: str, line: int = 0) -> None:
        self.kind, self.what, self.fix, self.file, self.line = kind, what, fix, file, line
        super().__init__(f"{file}{f':{line}' if line else ''}: {what}. Fix: {fix}")

    def __reduce__(self) -> tuple[object, ...]:
        # By default, pickle restores an error from its message.
        named = functools.partial(type(self), file=self.file, line=self.line)
        return named, (self.kind, self.what, self.fix)


@_records.frozen
class Place:
    """The place of a flow's file.

    Args:
        file: The file, by an absolute path.
        name: The file's name in messages.
        target: The path or the module that the user named.
        module: Its name as a module of a package, None if it is a script.
    """

    file: Path
    name: str
    target: str
    module: str | None = None

    @property
    def folder(self) -> Path:
        """The folder that it imports from: its own, or that of its package."""
        return self.file.parents[(self.module or "").count(".")]


def find_place(target: str) -> Place:
    """Find a file.

    Args:
        target: A path, or the name of a module.

    Raises:
        FlowFileError: If the file does not exist.
    """
    # Absolute now: reading the file may change the working directory.
    file = Path(target).absolute()
    if file.is_file():
        return Place(file, target, target, _package_module(file))
    named = all(part.isidentifier() for part in target.split(".")) and not target.endswith(".py")
    if named and not file.exists():
        return _module_place(target)
    raise _missing(target, "it is a folder" if file.is_dir() else "there is no such file", _FIX)


def _missing(target: str, what: str, fix: str) -> FlowFileError:
    return FlowFileError("no file", what, fix, file=target)


def _package_module(file: Path) -> str | None:
    """Return the name that a file has in a package, if it imports from there."""
    source, above = file.read_bytes(), list(file.parents)[:-1]
    relative = re.search(rb"^\s*from\s+\.", source, re.MULTILINE)
    if not relative and not any(folder.name.encode() in source for folder in above):
        return None
    try:
        level, tops = _imports(ast.parse(source))
    except (SyntaxError, ValueError):
        return None  # the loader reports it
    named = [number for number, folder in enumerate(above, 1) if folder.name in tops and _is_package(folder)]
    marked = next(number for number, folder in enumerate(file.parents) if not (folder / "__init__.py").is_file())
    depth = max(named, default=max(level, marked) if level else 0)
    return ".".join([*reversed([folder.name for folder in above[:depth]]), file.stem]) if depth else None


def _is_package(folder: Path) -> bool:
    """Return whether Python imports a folder by its name: it finds the folder, or nothing else of that name."""
    spec = _spec([folder.name])
    return spec is None or str(folder) in (spec.submodule_search_locations or ())


def _imports(module: ast.Module) -> tuple[int, set[str]]:
    """Return how many packages up a file imports from, and the first names of its other imports."""
    level, tops = 0, set()
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom):
            level = max(level, node.level)
            tops.add((node.module or "").partition(".")[0] if not node.level else "")
        elif isinstance(node, ast.Import):
            tops.update(alias.name.partition(".")[0] for alias in node.names)
    return level, tops


def _module_place(target: str) -> Place:
    """Return the place of a module, found as ``python -m`` finds it, from the working directory. Import nothing."""
    with importing_from(Path.cwd()):
        spec, module = _spec(target.split(".")), target
        if spec is not None and spec.submodule_search_locations is not None:
            spec, module = _spec([*target.split("."), "__main__"]), f"{target}.__main__"
    if spec is None or not spec.has_location or spec.origin is None:
        fix = f"{_FIX}, or its module as python -m takes it, such as package.flow"
        raise _missing(target, "there is no such file or module", fix)
    file = Path(spec.origin).absolute()
    shown = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    return Place(file, str(shown), target, module if "." in module else None)


def _spec(parts: Sequence[str]) -> ModuleSpec | None:
    """Return the spec of a module without importing it: search its packages, and do not run them."""
    spec, path = None, None
    for number in range(len(parts)):
        name = ".".join(parts[: number + 1])
        found = (finder.find_spec(name, path) for finder in sys.meta_path)
        spec = next((one for one in found if one is not None), None)
        if spec is None or (spec.submodule_search_locations is None and number < len(parts) - 1):
            return None
        path = spec.submodule_search_locations
    return spec


@block
def importing_from(folder: Path) -> Iterator[None]:
    """Have Python look for modules in a folder first, while the ``with`` block runs.

    Args:
        folder: The folder.
    """
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        # The code that ran meanwhile may have removed it.
        with contextlib.suppress(ValueError):
            sys.path.remove(str(folder))

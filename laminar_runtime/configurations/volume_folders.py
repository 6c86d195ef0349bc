"""The folders of volumes on this machine: those of the command line and the environment, else folders that are made."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable

from laminar_runtime import task_environment
from laminar_runtime.exceptions import FlowError

__all__ = ["NAME", "OPTION", "find_folder", "folder_of", "folders_in", "variable_of"]

#: The name of a volume, which is a part of the name of an environment variable.
NAME = "[A-Za-z][A-Za-z0-9_]*"
#: The option of the command line, and the folder of volumes that are given none.
OPTION, _FOLDERS = "--volume", ".laminar/.volumes"


def variable_of(name: str) -> str:
    """Return the environment variable that holds the folder of a volume, in a task and on this machine.

    Args:
        name: The name of the volume.

    Example:
        >>> variable_of("models")
        'LAMINAR_VOLUME_models'
    """
    return f"{task_environment.VOLUME}{name}"


def folders_in(words: Iterable[str]) -> dict[str, str]:
    """Return the folders that a command line gives to volumes, by their names.

    Args:
        words: The words of the command line: ``--volume NAME=DIR`` or ``--volume=NAME=DIR``.

    Raises:
        FlowError: If a word has another form.

    Example:
        >>> folders_in(["--day", "1", "--volume", "models=/data"])
        {'models': '/data'}
    """
    found, pending = {}, iter(words)
    for word in pending:
        option, equals, value = word.partition("=")
        if option == OPTION:
            name, folder = parse(value if equals else next(pending, ""))
            found[name] = folder
    return found


def parse(text: str) -> tuple[str, str]:
    """Return the name of a volume and its folder, as an absolute path.

    Args:
        text: ``NAME=DIR``.

    Raises:
        FlowError: If the text has another form.
    """
    name, equals, folder = text.partition("=")
    if not (equals and folder and re.fullmatch(NAME, name)):
        raise FlowError(f"{OPTION} needs the name of a volume and a folder, as in {OPTION} models=/data, not {text!r}")
    return name, os.path.abspath(os.path.expanduser(folder))  # noqa: PTH100, PTH111 - pathlib is slow to load


def find_folder(name: str) -> str | None:
    """Return the folder that the command line, or else the environment, gives to a volume; None without one.

    Args:
        name: The name of the volume.

    Raises:
        FlowError: If there is no such folder.
    """
    variable = variable_of(name)
    found = folders_in(sys.argv[1:]).get(name) or os.environ.get(variable)
    if not found:
        return None
    if not os.path.isdir(found):  # noqa: PTH112 - pathlib is slow to load
        msg = f"the folder of the volume '{name}' does not exist: {found}. Make it, or give another one by "
        raise FlowError(f"{msg}{OPTION} {name}=DIR or {variable}")
    return os.path.abspath(found)  # noqa: PTH100 - pathlib is slow to load


def folder_of(name: str) -> str:
    """Return the folder of a volume on this machine. One that is not given is in ``.laminar/.volumes``, and is made.

    Args:
        name: The name of the volume.

    Raises:
        FlowError: If there is no such folder.
    """
    found = find_folder(name)
    if found is None:
        found = os.path.abspath(f"{_FOLDERS}/{name}")  # noqa: PTH100 - pathlib is slow to load
        os.makedirs(found, exist_ok=True)  # noqa: PTH103 - pathlib is slow to load
    return found

"""Folders that the package brings besides its modules: in the wheel, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

import laminar_codegen
from laminar_codegen.problems import NotWrittenError

__all__ = ["folder"]


def folder(name: str) -> Path:
    """Return a folder that the package brings.

    Args:
        name: Its name.

    Raises:
        NotWrittenError: If this installation does not have it.

    Example:
        >>> (folder("terraform_modules") / "platform" / "main.tf").is_file()
        True
    """
    package = Path(laminar_codegen.__file__).parent
    for found in (package / name, package.parent / name):
        if found.is_dir():
            return found
    raise NotWrittenError(f"this installation has no folder {name}: install laminar-terraform again")

"""The text of files that the user gives."""

from __future__ import annotations

from pathlib import Path

from laminar_codegen.rehearsal.document.errors import DocumentError

__all__ = ["read_file"]


def read_file(file: Path) -> str:
    """Return the text of a file.

    Args:
        file: The file.

    Raises:
        DocumentError: If it is not text in UTF-8.
        OSError: If it cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DocumentError(f"{file}: this is not text in UTF-8: save it as such, or name another file") from error

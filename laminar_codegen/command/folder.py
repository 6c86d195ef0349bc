"""The folder of ``laminar-codegen compile --output``: the document is written there, or compared with its files."""

from __future__ import annotations

import sys
from pathlib import Path

from laminar_codegen.ir.terraform import Document
from laminar_codegen.render.kept_revisions import keep_revisions
from laminar_codegen.render.split_document import render_module
from laminar_codegen.render.write_folder import compare_module, leftover_warnings, write_module

__all__ = ["check", "write"]


def write(document: Document, syntax: str, directory: Path) -> None:
    """Write a document into a folder as a module, and print the names of the files on standard error.

    Args:
        document: The document.
        syntax: ``terraform`` for JSON, or ``hcl``.
        directory: The folder; it is made if it does not exist.

    Raises:
        NotWrittenError: If it cannot be written; the folder is unchanged.
    """
    files = render_module(keep_revisions(document, directory), syntax)
    write_module(directory, files)
    print(f"wrote {', '.join(str(directory / name) for name in files)}", file=sys.stderr)
    for line in leftover_warnings(directory, files):
        print(line, file=sys.stderr)


def check(document: Document, syntax: str, directory: Path) -> bool:
    """Compare the files in a folder with a document, and print the differences. Write nothing.

    Args:
        document: The document.
        syntax: ``terraform`` for JSON, or ``hcl``.
        directory: The folder.

    Returns:
        Whether they are equal.

    Raises:
        NotWrittenError: If the folder cannot be read.
    """
    files = render_module(keep_revisions(document, directory), syntax)
    difference = compare_module(directory, files)
    difference += "".join(f"{line}\n" for line in leftover_warnings(directory, files))
    sys.stdout.buffer.write(difference.encode())
    sys.stdout.buffer.flush()
    if difference:
        print(f"{directory} differs from what the flow compiles to: compile it again without --check", file=sys.stderr)
    return not difference

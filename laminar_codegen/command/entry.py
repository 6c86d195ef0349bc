"""Where the commands ``laminar`` and ``laminar-codegen`` begin.

Most of the first tenths of a second of a command goes into imports. They are made here, where Ctrl-C ends the command
with one line already. Before that Python itself starts, which says what it likes.
"""

from __future__ import annotations

import importlib
import sys

__all__ = ["laminar", "laminar_codegen"]

#: The exit code of a command that Ctrl-C has ended, as of a shell.
_STOPPED = 130


def laminar() -> int:
    """Run the command ``laminar`` with the arguments of this process, and return its exit code."""
    return _run("laminar", "laminar_runtime.command.main")


def laminar_codegen() -> int:
    """Run the command ``laminar-codegen`` with the arguments of this process, and return its exit code."""
    return _run("laminar-codegen", "laminar_codegen.command.main")


def _run(name: str, module: str) -> int:
    try:
        return int(importlib.import_module(module).main())
    except KeyboardInterrupt:
        sys.stderr.write(f"{name}: stopped\n")
        return _STOPPED

"""Write the files of the Terraform module ``flow``, or compare the existing ones.

::

    python -m tools.flow_module --write    # write them into terraform_modules/flow
    python -m tools.flow_module --check    # fail if they are not up to date

A self-contained document declares the resources of one flow. The module declares those of any flow, from its inputs.
Both come from the same values: a threshold, a timeout, a description or a validation is written once, in
``laminar_codegen``. This package has the parts that only the module has: the inputs that replace the flow's own values
(`inputs`), and the number of each resource (`resources`).

Exit codes: 0 success, 1 a file is not up to date (the difference is on standard output).
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.flow_module.files import render_files

__all__ = ["FOLDER", "differences", "main"]

FOLDER = Path(__file__).resolve().parents[2] / "terraform_modules" / "flow"


def differences(folder: Path) -> str:
    """Return how the files of a folder differ from the generated ones, empty if they do not.

    Args:
        folder: The folder of the module.
    """
    lines: list[str] = []
    for name, text in render_files().items():
        file = folder / name
        found = file.read_text(encoding="utf-8") if file.exists() else ""
        lines += difflib.unified_diff(
            found.splitlines(), text.splitlines(), str(file), f"{name} (generated)", lineterm=""
        )
    return "".join(f"{line}\n" for line in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or compare them.

    Args:
        arguments: The arguments of the command; those of the process unless given.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.flow_module", description="Writes the module flow.")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="write the files")
    mode.add_argument("--check", action="store_true", help="fail if the files are not up to date")
    if parser.parse_args(arguments).write:
        for name, text in render_files().items():
            (FOLDER / name).write_text(text, encoding="utf-8")
        return 0
    found = differences(FOLDER)
    print(found, end="")
    if found:
        print("the module flow is not up to date: run python -m tools.flow_module --write", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""The command ``laminar report``: writes the page of an execution."""

from __future__ import annotations

import argparse
from pathlib import Path

from laminar_runtime.command.exits import Exit
from laminar_runtime.command.options import add_execution, add_json, find_target
from laminar_runtime.command.printing import print_json, print_line
from laminar_runtime.command.targets import choose

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Writes the page of an execution, one HTML file: its graph, a timeline, failures, artifacts and cost.

  laminar report flow.py
  laminar report nightly 2026-01-31 --output nightly.html
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Args:
        parser: Its parser.
    """
    add_execution(parser)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the file (default: the flow's name and the id, as in Report-e1.html)",
    )
    parser.add_argument(
        "--previews",
        action="store_true",
        help="also preview values that are not plain: that unpickles them, so it runs code of who wrote them",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Write the page of an execution.

    Args:
        options: The parsed arguments.
    """
    from laminar_runtime.report import write_page

    target = find_target(options)
    handle = target.execution(choose(target, options.id))
    resume = "" if target.here else f"laminar resume {target.words} {handle.id}"  # as the user named it
    page = write_page(handle, flow=target.flow, previews=options.previews, resume=resume)
    file = options.output or Path(f"{handle.flow_name}-{handle.id}.html")
    file.write_text(page, encoding="utf-8")
    if options.json:
        print_json({"id": handle.id, "flow": handle.flow_name, "file": str(file)})
    else:
        print_line(str(file))
    return Exit.OK

"""The command ``laminar stop``: stops an execution and all that it has started."""

from __future__ import annotations

import argparse

from laminar_runtime.command.exits import Exit
from laminar_runtime.command.options import add_id, add_json, find_target
from laminar_runtime.command.printing import print_json, print_line, row_as_json
from laminar_runtime.command.resume import require_id

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Stops an execution and all that it has started. One that has ended is left as it is.

  laminar stop nightly 2026-01-31 --reason "wrong day"
  laminar stop flow.py last
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Args:
        parser: Its parser.
    """
    add_id(parser)
    parser.add_argument("--reason", default="it was stopped by laminar stop", help="why, for its description")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Stop an execution.

    Args:
        options: The parsed arguments.
    """
    target = find_target(options)
    name = require_id(target, options)
    target.execution(name).stop(options.reason)
    row = target.row(name)
    if options.json:
        print_json(row_as_json(row))
    else:
        print_line(f"execution {row.id} of {row.flow}: {row.status}")
    return Exit.OK

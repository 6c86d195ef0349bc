"""The command ``laminar start``: starts an execution, prints its id and returns."""

from __future__ import annotations

import argparse

from laminar_runtime.command.exits import Exit
from laminar_runtime.command.local_values import add_values, set_values
from laminar_runtime.command.options import add_json, add_start, find_target
from laminar_runtime.command.printing import print_json, print_line

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Starts an execution, prints its id and returns. The runs of a flow's file continue in the background.

  laminar start --param day=2026-01-31 nightly
  id=$(laminar start flow.py) && laminar wait flow.py "$id"

An id starts one execution. Of a deployment, the same command with the same --id starts nothing again.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Args:
        parser: Its parser.
    """
    add_start(parser)
    add_values(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Start an execution.

    Args:
        options: The parsed arguments.
    """
    target = find_target(options)
    set_values(target, options)
    handle = target.start(options.param, options.id)
    if options.json:
        print_json({"id": handle.id, "flow": handle.flow_name})
    else:
        print_line(handle.id)
    return Exit.OK

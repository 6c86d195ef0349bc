"""The command ``laminar run``: runs a flow and shows its progress until it ends."""

from __future__ import annotations

import argparse

from laminar_runtime.command.local_values import add_values, set_values
from laminar_runtime.command.options import add_json, add_start, find_target
from laminar_runtime.command.outcome import finish
from laminar_runtime.identifiers import new_execution_id

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Runs a flow and shows its progress until it ends. A flow's file is run on this machine, a deployment on AWS.

  laminar run flow.py
  laminar run --param day=2026-01-31 --param 'limits=[1, 2]' flow.py:Report
  laminar run --id nightly-2026-01-31 nightly
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
    """Run an execution to its end.

    Args:
        options: The parsed arguments.

    Returns:
        The exit code of its status.
    """
    target = find_target(options)
    set_values(target, options)
    parameters, name = target.read(options.param), options.id or new_execution_id()
    return finish(target, name, lambda: target.run(parameters, name), as_json=options.json)

"""The command ``laminar status``: prints how far an execution is."""

from __future__ import annotations

import argparse

from laminar_runtime.command.options import add_execution, add_json, find_target
from laminar_runtime.command.outcome import report
from laminar_runtime.command.targets import choose

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Prints how far an execution is and, if it did not succeed, why. The exit code says the same.

  laminar status nightly
  laminar status nightly 2026-01-31
  laminar status --layers nightly
  laminar status --json flow.py last
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Args:
        parser: Its parser.
    """
    add_execution(parser)
    parser.add_argument(
        "--layers",
        action="store_true",
        help="also count the tasks of each layer, by how far they are: a deployed execution takes a request for "
        "each 100 of them",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print how far an execution is.

    Args:
        options: The parsed arguments.

    Returns:
        The exit code of its status.
    """
    target = find_target(options)
    return report(target, choose(target, options.id), as_json=options.json, layers=options.layers)

"""The command ``laminar wait``: waits for the end of an execution."""

from __future__ import annotations

import argparse

from laminar_runtime.command.options import add_execution, add_json, find_target, positive
from laminar_runtime.command.outcome import finish
from laminar_runtime.command.targets import choose

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Waits for the end of an execution and, if it did not succeed, prints why.

  laminar wait nightly 2026-01-31
  laminar wait --timeout 3600 nightly || echo "it failed, or still runs: $?"
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Args:
        parser: Its parser.
    """
    add_execution(parser)
    parser.add_argument(
        "--timeout", type=positive, metavar="SECONDS", help="end with 4 if it still runs then (default: no limit)"
    )
    parser.add_argument(
        "--poll", type=positive, metavar="SECONDS", help="the time between two looks at it (default: what suits it)"
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Wait for the end of an execution.

    Args:
        options: The parsed arguments.

    Returns:
        The exit code of its status.
    """
    target = find_target(options)
    name = choose(target, options.id)
    handle = target.execution(name)
    return finish(target, name, lambda: handle.wait(timeout=options.timeout, poll=options.poll), as_json=options.json)

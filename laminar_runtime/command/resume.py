"""The command ``laminar resume``: runs a failed or stopped execution again, without what has finished."""

from __future__ import annotations

import argparse

from laminar_runtime.command.local_values import add_values, set_values
from laminar_runtime.command.options import add_id, add_json, find_target
from laminar_runtime.command.outcome import finish, report
from laminar_runtime.command.targets import Target, choose
from laminar_runtime.exceptions import FlowError

__all__ = ["DESCRIPTION", "add_arguments", "require_id", "run"]

DESCRIPTION = """\
Runs a failed or stopped execution again, without the layers and splits that have finished. On this machine the command
shows the progress until the end; a deployed execution continues on AWS.

  laminar resume flow.py e1
  laminar resume nightly 2026-01-31
  laminar resume --wait nightly 2026-01-31
  laminar resume --from Train nightly 2026-01-31
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Args:
        parser: Its parser.
    """
    add_id(parser)
    parser.add_argument(
        "--from",
        dest="from_layer",
        metavar="LAYER",
        help="run this layer again, and all layers after it, even if they have finished",
    )
    parser.add_argument("--wait", action="store_true", help="wait for the end of a deployed execution")
    add_values(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Resume an execution.

    Args:
        options: The parsed arguments.

    Returns:
        The exit code of its status; 0 if it runs again on AWS.
    """
    target = find_target(options)
    set_values(target, options)
    name = require_id(target, options)

    def begin() -> object:
        handle = target.resume(name, options.from_layer)
        return handle.wait() if options.wait else handle

    if options.wait or target.here:
        return finish(target, name, begin, as_json=options.json)
    begin()
    report(target, name, as_json=options.json)
    return 0


def require_id(target: Target, options: argparse.Namespace) -> str:
    """Return the id of the execution that a command changes. The newest one must be asked for by name.

    Args:
        target: The target.
        options: The parsed arguments.

    Raises:
        FlowError: If no execution is named.
    """
    if target.chosen is None and options.id is None:
        msg = "name the execution, or 'last' for the newest one: `laminar list` has their ids"
        raise FlowError(msg)
    return choose(target, options.id)

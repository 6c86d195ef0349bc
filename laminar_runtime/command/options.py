"""The arguments that several commands share."""

from __future__ import annotations

import argparse

from laminar_runtime.command.targets import NEWEST, Target

__all__ = ["add_execution", "add_id", "add_json", "add_start", "add_target", "find_target", "positive"]


def add_target(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names a flow.

    Args:
        parser: The parser of a command.
    """
    parser.add_argument(
        "target",
        metavar="TARGET",
        help="a flow's file or module, of several flows FILE:FLOW; the name of a deployment; the ARN of a state "
        "machine or of an execution; or rehearsal:NAME, what 'laminar-codegen rehearse --keep' keeps running",
    )
    parser.add_argument(
        "--deployed", action="store_true", help="the deployment of the file's flow, instead of runs on this machine"
    )


def add_execution(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names an execution, the newest one by default.

    Args:
        parser: The parser of a command.
    """
    add_target(parser)
    parser.add_argument(
        "id", metavar="ID", nargs="?", help=f"the execution's id; '{NEWEST}', the default, is the newest execution"
    )


def add_id(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names an execution, for a command that changes it.

    Args:
        parser: The parser of a command.
    """
    add_target(parser)
    parser.add_argument(
        "id",
        metavar="ID",
        nargs="?",
        help=f"the execution's id, or '{NEWEST}' for the newest execution; only the ARN of an execution needs none",
    )


def add_start(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a command that starts a flow.

    Args:
        parser: The parser of a command.
    """
    from laminar_runtime.command.parameters import add_parameters

    add_target(parser)
    add_parameters(parser)
    parser.add_argument("--id", metavar="ID", help="the execution's id (default: a new one, which sorts by time)")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--json``.

    Args:
        parser: The parser of a command.
    """
    parser.add_argument(
        "--json", action="store_true", help="print JSON for programs; docs/reference/laminar.md has its form"
    )


def find_target(options: argparse.Namespace) -> Target:
    """Find the target that the arguments name.

    Args:
        options: The parsed arguments.
    """
    from laminar_runtime.command import finding

    return finding.find(options.target, deployed=options.deployed)


def positive(text: str) -> float:
    """Parse a number of seconds.

    Args:
        text: The text.

    Raises:
        ArgumentTypeError: If it is no number of at least 0.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds

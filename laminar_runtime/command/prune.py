"""The command ``laminar prune``: removes old executions, and the values that nothing names any more."""

from __future__ import annotations

import argparse
import datetime as dt
import re
import shlex

from laminar_runtime import _records
from laminar_runtime.command.exits import Exit
from laminar_runtime.command.options import add_json, add_target, find_target
from laminar_runtime.command.printing import print_json, print_line, spell_bytes
from laminar_runtime.exceptions import FlowError
from laminar_runtime.storage.pruning import Pruned

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Removes executions that wrote nothing for a time and do not run, and the artifacts that no other execution names.

  laminar prune --older-than 90d --dry-run nightly     what would go
  laminar prune --older-than 90d nightly
  laminar prune --older-than 2w flow.py

Removed executions can no longer be read or resumed. All executions of the flow in the datastore count, whichever
deployment ran them. A bucket needs versions.
"""

_HOURS = {"h": 1, "d": 24, "w": 7 * 24}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Args:
        parser: Its parser.
    """
    add_target(parser)
    parser.add_argument(
        "--older-than",
        type=_duration,
        metavar="AGE",
        help="for how long an execution has written nothing: hours (12h), days (90d) or weeks (2w)",
    )
    parser.add_argument("--dry-run", action="store_true", help="print what would go, and remove nothing")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Remove old executions.

    Args:
        options: The parsed arguments.

    Raises:
        FlowError: If the age is not given.
    """
    if options.older_than is None:
        deployed = "--deployed " if options.deployed else ""
        call = f"laminar prune --older-than 90d --dry-run {deployed}{shlex.quote(options.target)}"
        raise FlowError(f"prune needs the age of the executions that go, for example: {call}")
    target = find_target(options)
    for pruned in target.prune(options.older_than, dry_run=options.dry_run):
        if options.json:
            print_json({**_records.plain(pruned), "dry_run": options.dry_run}, indent=None)
        else:
            print_line(_line(pruned, dry_run=options.dry_run))
    return Exit.OK


def _line(pruned: Pruned, *, dry_run: bool) -> str:
    verb = "would remove" if dry_run else "removed"
    counts = (
        _count(pruned.executions, "execution"),
        _count(pruned.records, "record"),
        _count(pruned.artifacts, "artifact"),
    )
    line = f"{pruned.flow}: {verb} {', '.join(counts)}: {spell_bytes(pruned.bytes)}"
    if not pruned.waiting:
        return line
    return f"{line}; {_count(pruned.waiting, 'artifact')} without a record may still be named, and stay for now"


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def _duration(text: str) -> dt.timedelta:
    found = re.fullmatch(r"([0-9]{1,6})([hdw])", text)
    if found is None or not int(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is not an age: use hours, days or weeks, such as 12h, 90d or 2w")
    return dt.timedelta(hours=int(found[1]) * _HOURS[found[2]])

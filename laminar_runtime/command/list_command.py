"""The command ``laminar list``: lists executions, the newest first."""

from __future__ import annotations

import argparse
import itertools

from laminar_runtime.command.exits import Exit
from laminar_runtime.command.options import add_json, add_target, find_target
from laminar_runtime.command.printing import print_json, print_line, row_as_json, spell_duration, spell_ms
from laminar_runtime.command.targets import Row

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Lists executions, the newest first.

  laminar list nightly
  laminar list --status FAILED --last 100 nightly
  laminar list --all --json nightly | jq -r .id

They are printed as they are found, so any number of them takes little memory. With --all, or more than 100, what
started a deployed execution is left out: it takes a request for each. --started-by asks for it.
"""

#: How many deployed executions are asked, one by one, what started them.
_FEW = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Args:
        parser: Its parser.
    """
    add_target(parser)
    how_many = parser.add_mutually_exclusive_group()
    how_many.add_argument("--last", type=_count, default=20, metavar="N", help="how many (default: 20)")
    how_many.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument(
        "--status",
        choices=("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"),
        help="only executions with this status",
    )
    parser.add_argument("--started-by", action="store_true", help="always find what started them")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print executions.

    Args:
        options: The parsed arguments.
    """
    target = find_target(options)
    starters = options.started_by or not (options.all or options.last > _FEW)
    found = (row for row in target.rows(starters=starters) if options.status in {None, row.status})
    shown = 0
    for row in found if options.all else itertools.islice(found, options.last):
        if options.json:
            print_json(row_as_json(row), indent=None)
        else:
            if not shown:
                print_line(f"{'ID':<36}  {'STATUS':<9}  {'STARTED':<20}  {'DURATION':>12}  STARTED BY")
            print_line(_line(row))
        shown += 1
    if not shown and not options.json:
        print_line(f"'{target.name}' has no {f'{options.status} ' if options.status else ''}executions")
    return Exit.OK


def _line(row: Row) -> str:
    created = (spell_ms(row.created) or "").partition(".")[0]
    took = "" if row.seconds is None else spell_duration(row.seconds)
    started = f"{created}Z" if created else ""
    return f"{row.id:<36}  {row.status:<9}  {started:<20}  {took:>12}  {row.started_by}".rstrip()


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)

"""The command ``laminar results``: prints the results of an execution, or saves them as files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from laminar_runtime.command.exits import Exit
from laminar_runtime.command.options import add_execution, add_json, find_target
from laminar_runtime.command.printing import print_json, print_line
from laminar_runtime.command.targets import choose
from laminar_runtime.exceptions import MissingError, NotFoundError
from laminar_runtime.handles import ExecutionHandle
from laminar_runtime.results import Result

__all__ = ["DESCRIPTION", "add_arguments", "run"]

DESCRIPTION = """\
Prints the results of an execution: the attributes of its layers, as far as they have finished.

  laminar results flow.py
  laminar results flow.py e1 --only Best.accuracy --only Report
  laminar results nightly 2026-01-31 --save results
  laminar results --json nightly 2026-01-31 | jq '.results["Best.accuracy"]'

What is not JSON can be read only with the flow's code: give the flow's file, with --deployed for its deployment.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Args:
        parser: Its parser.
    """
    add_execution(parser)
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="LAYER[.ATTRIBUTE]",
        help="only the results of this layer, or this one result; may be given again",
    )
    parser.add_argument("--save", type=Path, metavar="DIR", help="save the results as files in DIR/<Layer>/")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print or save results.

    Args:
        options: The parsed arguments.

    Raises:
        NotFoundError: If the execution has no such results.
    """
    target = find_target(options)
    handle = target.execution(choose(target, options.id))
    from laminar_runtime.results import plain

    found: dict[str, Any] = {}
    unreadable: dict[str, str] = {}
    for result in _results(handle, options.only):
        name = f"{result.layer}.{result.attribute}"
        if result.warning:
            unreadable[name] = result.warning
            sys.stderr.write(f"laminar: warning: {result.warning}\n")
        if result.value is None and result.warning:
            continue
        saved = "" if options.save is None else _save(result, options.save)
        if options.json:
            found[name] = plain(result.value)
        else:
            print_line(f"{result}{saved}")
    if options.json:
        print_json({"id": handle.id, "flow": handle.flow_name, "results": found, "unreadable": unreadable})
    return Exit.OK


def _results(handle: ExecutionHandle, only: list[str]) -> Iterator[Result]:
    from laminar_runtime.results import read

    results = handle.results()
    chosen = [name for name in results if not only or name in only or name.partition(".")[0] in only]
    if only and not chosen:
        msg = f"execution {handle.id} has no result of {', '.join(only)}. It has: {', '.join(results) or 'none'}"
        raise NotFoundError(msg)
    yield from (read(results, name) for name in chosen)


def _save(result: Result, folder: Path) -> str:
    from laminar_runtime.results import save

    try:
        return f"  -> {save(result, folder)}"
    except MissingError as error:
        sys.stderr.write(f"laminar: warning: {error}\n")
        return ""

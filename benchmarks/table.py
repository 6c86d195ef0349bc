"""All benchmarks one after the other, and the table of their figures.

``python -m benchmarks table --workflows DIR [--output benchmarks/README.md] [NAME ...]``: each runs in a process of its
own, and its output is kept in the cache folder. With names only those are run, and the others keep their rows.
With ``--output`` the table takes the place of the one in that file, between two comments; else it is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import makespan, peers, report, startup

__all__ = ["NAMES", "main", "place"]

#: In the order of the table.
NAMES = (
    "compile",
    "growth",
    "definition",
    "transitions",
    "makespan",
    "startup",
    "task",
    "container",
    "local",
    "artifacts",
    "join",
    "rehearse",
    "scheduler",
    "invoke",
    "import",
)
#: Benchmarks of a folder of workflows.
_OF_WORKFLOWS = {"makespan": makespan.rows, "startup": startup.rows}
#: Benchmarks of milliseconds are run more often than the others.
_QUICK, _OFTEN = {"task", "invoke", "import"}, 4
_START, _END = "<!-- figures -->", "<!-- end of the figures -->"


def main(arguments: Sequence[str]) -> int:
    """Run benchmarks and write the table.

    Args:
        arguments: The command's arguments.

    Returns:
        The exit code: 1 if a benchmark failed. The table then has the rows of its last success, if there was one.
    """
    options = _options(arguments)
    if options.cache:
        os.environ[peers.CACHE] = options.cache
    if options.output is not None:
        place(
            options.output.read_text(encoding="utf-8"), ""
        )  # a file without a place is an error before an hour is lost
    folder = peers.cache() / "results"
    folder.mkdir(parents=True, exist_ok=True)
    failed = [name for name in options.names or NAMES if not _run(name, folder, options)]
    files = [folder / f"{name}.json" for name in NAMES]
    figures = report.section(json.loads(file.read_text(encoding="utf-8")) for file in files if file.exists())
    if options.output is None:
        print(figures)
    else:
        options.output.write_text(place(options.output.read_text(encoding="utf-8"), figures), encoding="utf-8")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks table", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which to run, all unless given: {', '.join(NAMES)}")
    parser.add_argument("--workflows", type=Path, help="the folder with the workflows of makespan and startup")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the file that has the table")
    parser.add_argument("--runs", type=int, default=3, help="how often each command is run (default: 3)")
    parser.add_argument("--cache", help="where peers and results are")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"unknown benchmark {', '.join(sorted(unknown))}")
    if options.workflows is None and (needing := [name for name in _OF_WORKFLOWS if name in (options.names or NAMES)]):
        parser.error(f"{' and '.join(needing)} need --workflows DIR")
    return options


def _run(name: str, folder: Path, options: argparse.Namespace) -> bool:
    """Run a benchmark and keep its output, if it succeeds."""
    print(f"== {name}", file=sys.stderr, flush=True)
    file = folder / f"{name}.json"
    if name in _OF_WORKFLOWS:
        rows = _OF_WORKFLOWS[name](options.workflows)
        file.write_text(json.dumps(report.document(name, rows), indent=2), encoding="utf-8")
        return True
    runs = options.runs * (_OFTEN if name in _QUICK else 1)
    words = [sys.executable, "-m", "benchmarks", name, "--json", "--runs", str(runs)]
    ended = subprocess.run(words, stdout=subprocess.PIPE, check=False)
    if ended.returncode == 0:
        file.write_bytes(ended.stdout)
    return ended.returncode == 0


def place(text: str, figures: str) -> str:
    """Put figures into a text, in the place of those that are there.

    Args:
        text: The text.
        figures: The figures.

    Raises:
        ValueError: If the text has no place for them.
    """
    before, start, rest = text.partition(_START)
    _, end, after = rest.partition(_END)
    if not start or not end:
        raise ValueError(f"the file lacks a place for the figures: a line {_START} and a line {_END}")
    return f"{before}{start}\n\n{figures}\n\n{end}{after}"

"""The command ``laminar logs``: prints the output of a layer, or of one of its splits."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence

from laminar_runtime import _records
from laminar_runtime.command.exits import Exit
from laminar_runtime.command.options import add_json, add_target, find_target
from laminar_runtime.command.printing import print_json, print_line
from laminar_runtime.command.targets import Target, choose
from laminar_runtime.exceptions import FlowError, NotFoundError
from laminar_runtime.handles import ExecutionHandle

__all__ = ["DESCRIPTION", "Task", "add_arguments", "parse_words", "run"]

DESCRIPTION = """\
Prints the output of a layer, or of one of its splits, of all attempts, and, to standard error, why it failed.

  laminar logs nightly Train                       of the newest execution
  laminar logs nightly 2026-01-31 'Train[17]'      of split 17
  laminar logs nightly 2026-01-31                  of the first task that failed
  laminar logs --follow nightly last 'Train[17]'
"""

_SPLIT = re.compile(r"([^\W\d]\w*)(?:\[(\d+)\]|/(\d+))?")


@_records.frozen
class Task:
    """The layer, or split, whose output is printed.

    Args:
        layer: The layer's name.
        index: The split's index.

    Example:
        >>> Task.parse("Train[17]"), Task.parse("Train")
        (Task(layer='Train', index=17), Task(layer='Train', index=0))
    """

    layer: str
    index: int = 0

    @classmethod
    def parse(cls, text: str) -> Task:
        """Parse a layer, ``Train``, or a split of it, ``Train[17]``, or ``Train/17`` as the output of a run has it.

        Args:
            text: The text.

        Raises:
            FlowError: If it is neither.
        """
        found = _SPLIT.fullmatch(text)
        if found is None:
            raise FlowError(f"{text!r} is no layer: name it as Train, or one of its splits as 'Train[17]'")
        return cls(found[1], int(found[2] or found[3] or 0))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Args:
        parser: Its parser.
    """
    add_target(parser)
    parser.add_argument(
        "words",
        nargs="*",
        metavar="[ID] [LAYER]",
        help="the execution's id (default: the newest execution), and the layer, or one of its splits as 'LAYER[17]' "
        "(default: the first task that failed)",
    )
    parser.add_argument(
        "--follow",
        "-f",
        action="store_true",
        help="wait for more output until the layer, or the split, has ended; a run on this machine shows the "
        "output of an attempt at its end",
    )
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Print the output of a task.

    Args:
        options: The parsed arguments.
    """
    target = find_target(options)
    name, task = parse_words(target, options.words)
    handle = target.execution(choose(target, name))
    task = task or _first_failure(handle)
    try:
        for line in handle.logs(task.layer, task.index, follow=options.follow):
            if options.json:
                print_json({"layer": task.layer, "index": task.index, "line": line}, indent=None)
            else:
                print_line(line)
    except NotFoundError:
        if not _print_failure(handle, task, as_json=options.json):
            raise
    else:
        _print_failure(handle, task, as_json=options.json)
    return Exit.OK


def _print_failure(handle: ExecutionHandle, task: Task, *, as_json: bool) -> bool:
    """Print why a task failed, which its output need not say, and return whether it did."""
    failures = handle.failures(most=1, layer=task.layer, index=task.index)
    for failure in failures:
        if as_json:
            record = json.loads(failure.to_json())
            print_json({"layer": task.layer, "index": task.index, "failure": record}, indent=None)
        else:
            sys.stderr.write(f"laminar: {failure.headline}\n")
    return bool(failures)


def parse_words(target: Target, words: Sequence[str]) -> tuple[str | None, Task | None]:
    """Return the execution and the task that the words behind the target name.

    Args:
        target: The target.
        words: The words: an id, a layer, both, or none.

    Raises:
        FlowError: If there are too many.
    """
    most = 2 if target.chosen is None else 1
    if len(words) > most:
        raise FlowError(f"{' '.join(words)!r} is too much: name an execution and a layer, as in ID 'LAYER[17]'")
    if len(words) == most:
        return (words[0] if most > 1 else None), Task.parse(words[-1])
    if words and ("[" in words[0] or words[0] in target.layers):
        return None, Task.parse(words[0])
    return (words[0] if words else None), None


def _first_failure(handle: ExecutionHandle) -> Task:
    """Return the first task that failed."""
    failures = handle.failures()
    for failure in failures:
        if failure.layer:
            return Task(failure.layer, failure.index)
    reasons = "".join(f"\n{failure.headline}" for failure in failures)  # of the execution as a whole
    msg = f"execution {handle.id} has no task that failed: name a layer, as in ID 'LAYER[17]'{reasons}"
    raise NotFoundError(msg)

"""The commands of ``laminar``: the only list. The module of a command is loaded if the command is used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

__all__ = ["COMMANDS", "load"]

#: The commands with what they do, in the order of the help.
COMMANDS: Mapping[str, str] = {
    "run": "run a flow and show its progress until it ends",
    "start": "start an execution, print its id and return",
    "status": "print how far an execution is",
    "wait": "wait for the end of an execution",
    "logs": "print the output of a layer, or of one of its splits",
    "results": "print the results of an execution, or save them as files",
    "list": "list executions, the newest first",
    "stop": "stop an execution and all that it has started",
    "resume": "run a failed or stopped execution again, without what has finished",
    "report": "write the page of an execution: graph, timeline, failures, artifacts, cost",
    "prune": "remove old executions, and values that nothing names any more",
    "completion": "print the completion of this command for a shell",
}
#: Commands whose module has another name: `list` is a built-in class.
_MODULES = {"list": "list_command"}


def load(name: str) -> Any:
    """Load the module of a command: it has a `DESCRIPTION`, `add_arguments(parser)` and `run(options)`.

    Args:
        name: The command.

    Example:
        >>> load("list").DESCRIPTION.splitlines()[0]
        'Lists executions, the newest first.'
    """
    return importlib.import_module(f"laminar_runtime.command.{_MODULES.get(name, name)}")

"""Reads a flow's file without running the flow, and picks the flow that the user named.

Before: ``flow.py:Report``. After: an instance of the class ``Report``, configured as the file configures it.
`laminar_runtime.flow_files` reads the file, for the command that runs flows as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs

from laminar_codegen.ir.structs import Struct
from laminar_codegen.problems import CompileError, Location, Problem
from laminar_codegen.problems.rules import LAM001, LAM002, LAM003, LAM004, LAM005, LAM006, Rule
from laminar_runtime import Flow, flow_files
from laminar_runtime.configurations.schedulers.step_functions import StepFunctions
from laminar_runtime.programs.places import FlowFileError, Kind

__all__ = ["Source", "load"]

_RULES: Mapping[Kind, Rule] = {
    "no file": LAM001,
    "no Python": LAM002,
    "unreadable": LAM003,
    "no flow": LAM004,
    "several flows": LAM005,
    "unknown flow": LAM006,
}


@attrs.frozen(eq=False, repr=False)
class Source(Struct):
    """A flow, as its file configures it.

    Args:
        flow: The flow.
        file: The file.
        name: The file as the user named it.
        following: The flows that run after it, each after the one before it ended.
        given: The scheduler that compiles it, if it is not the flow's own.
        module: The file's name as a module of a package, None if it is a script.
        called: Whether the file calls a flow while it is read. It may also call one where it is run only.
    """

    flow: Flow
    file: Path
    name: str
    following: tuple[Flow, ...] = ()
    given: StepFunctions | None = None
    module: str | None = None
    called: bool = True

    @property
    def scheduler(self) -> StepFunctions:
        """The scheduler that deploys the flow."""
        own = self.given or self.flow.configuration.scheduler
        return own if isinstance(own, StepFunctions) else StepFunctions()


def load(target: str) -> Source:
    """Read a file and pick a flow.

    Args:
        target: A path, or the name of a module, as for ``python -m``. A colon and a name choose one of several flows,
            as in ``path:FlowName``.

    Returns:
        The flow.

    Raises:
        CompileError: If the file does not exist, cannot be read, or does not have that one flow.
    """
    try:
        found = flow_files.read(target)
    except FlowFileError as error:
        problem = Problem(Location(error.file, error.line), _RULES[error.kind], error.what, error.fix)
        raise CompileError([problem]) from error
    place = found.place
    return Source(found.flow, place.file, place.name, found.following, module=place.module, called=found.called)

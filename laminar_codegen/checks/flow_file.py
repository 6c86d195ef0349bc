"""The rule about the file of a flow: a task runs it, and it must call the flow."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from laminar_codegen.frontend.loader import Source
from laminar_codegen.ir.graph import Graph
from laminar_codegen.problems import Location, Problem
from laminar_codegen.problems.rules import LAM008
from laminar_runtime.configurations.containers import DEFAULT_COMMAND
from laminar_runtime.programs.main_guard import calls_behind_condition

__all__ = ["check_call"]


def check_call(source: Source, graphs: Sequence[Graph]) -> Iterator[Problem]:
    """Check that the default command of a container starts a layer: that the flow's file calls the flow.

    Args:
        source: The flow.
        graphs: The graphs of the flow and of those that follow it.
    """
    usual = tuple(shlex.split(DEFAULT_COMMAND))
    uses = any(layer.container.command == usual for graph in graphs for layer in graph.layers)
    if uses and not source.called and not calls_behind_condition(source.file.read_bytes()):
        flow = source.flow.name
        what = f"the file never calls flow '{flow}', so '{DEFAULT_COMMAND}' in a container would run no layer"
        fix = f"add 'if flow := {flow}(): flow()', or let Container(command=...) run a file that does this"
        yield Problem(Location(source.name), LAM008, what, fix)

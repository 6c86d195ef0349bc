"""The tags that all jobs of an execution have: those of its input, and what says which flow and execution it is.

A definition has one of these for each job, and at most 1 MB. So the first state of a flow assigns them to a variable.
Other machines have no such state: a part of a flow, and a flow that follows another one, find them in their input.

Before: ``$merge([$tags, {'laminar:layer': 'A'}])``. After, in a part::

    $merge([$states.context.Execution.Input.tags, {'laminar:layer': 'A'}])
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from laminar_codegen.ir.asl import EXECUTION, JOB_TAGS, Map, Parallel, State, Task
from laminar_codegen.ir.expressions import Expression
from laminar_runtime.configurations import containers
from laminar_runtime.identifiers import RESUMED
from laminar_runtime.storage.layout import TAGS

__all__ = ["IN_INPUT", "replace_tags", "tags_of_execution"]

#: The tags in the input of an execution; undefined if there are none.
IN_INPUT = f"$states.context.Execution.Input.{TAGS}"
_VARIABLE = re.compile(rf"{re.escape(JOB_TAGS)}\b")


def tags_of_execution(flow: str) -> str:
    """Return the expression of the tags that all jobs of an execution have.

    Args:
        flow: The flow's name.

    Example:
        >>> tags_of_execution("Report").partition(", 'laminar:execution'")[0]
        "$merge([$states.context.Execution.Input.tags, {'laminar:flow': 'Report'"
    """
    of_flow, _, of_execution = containers.JOB_TAGS
    # The name of an execution may have letters that tags do not take, such as parentheses.
    name = f"$replace($substringBefore({EXECUTION}, '{RESUMED}'), /{containers.NOT_IN_TAGS}/, '-')"
    return f"$merge([{IN_INPUT}, {{'{of_flow}': '{flow}', '{of_execution}': {name}}}])"


def replace_tags(states: Iterable[State], found: str) -> tuple[State, ...]:
    """Return states of a machine without the variable: they find the tags elsewhere.

    Args:
        states: The states.
        found: The expression by which they find them.
    """
    return tuple(_replace_in_state(state, found) for state in states)


def _replace_in_state(state: State, found: str) -> State:
    match state:
        case Task(arguments=arguments):
            return attrs.evolve(state, arguments=_replace(arguments, found))
        case Map(states=states):
            return attrs.evolve(state, states=replace_tags(states, found))
        case Parallel(branches=branches):
            return attrs.evolve(state, branches=tuple(replace_tags(branch, found) for branch in branches))
        case _:
            return state


def _replace(value: Any, found: str) -> Any:
    match value:
        case Expression():
            return value.with_text(lambda text: _VARIABLE.sub(lambda _: found, text))
        case Mapping():
            return {name: _replace(item, found) for name, item in value.items()}
        case _:
            return value

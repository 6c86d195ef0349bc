"""Validation of a definition: all problems for which Step Functions refuses to create the state machine.

The reference is the API ValidateStateMachineDefinition. The rules come from the documentation of the language,
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html, and from
https://states-language.net/spec.html.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from laminar_codegen import limits
from laminar_codegen.rehearsal.asl.fields import check_fields
from laminar_codegen.rehearsal.asl.variables import check_variables

__all__ = ["validate"]

_BRANCH = frozenset({"Comment", "StartAt", "States"})
_TOP = _BRANCH | {"QueryLanguage", "TimeoutSeconds", "Version"}
_PROCESSOR = _BRANCH | {"ProcessorConfig"}
_ENDS = frozenset({"Succeed", "Fail"})


def validate(definition: Mapping[str, Any] | str) -> list[str]:
    """Return the problems of a definition.

    Args:
        definition: The definition, as JSON text or its value. Its expressions must be JSONata.

    Returns:
        The problems, each with its place. The list is empty if Step Functions accepts the definition.

    Example:
        >>> validate({"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}})
        ["States.A.Next: state 'B' does not exist", 'States: no state ends the machine']
    """
    text = definition if isinstance(definition, str) else json.dumps(definition, ensure_ascii=False)
    try:
        written = json.loads(text)
    except ValueError as error:
        return [f"the definition is not JSON: {error}"]
    if not isinstance(written, dict):
        return ["the definition is not an object"]
    return list(_Validation().definition(written, len(text.encode())))


@attrs.define
class _Validation:
    names: dict[str, str] = attrs.field(factory=dict)

    def definition(self, written: Mapping[str, Any], size: int) -> Iterator[str]:
        if size > limits.DEFINITION_BYTES:
            yield f"the definition has {size} bytes, more than {limits.DEFINITION_BYTES}"
        if written.get("QueryLanguage") != "JSONata":
            yield "QueryLanguage: must be JSONata; without it the definition is JSONPath"
        timeout = written.get("TimeoutSeconds", 1)
        if not isinstance(timeout, int) or timeout < 1:
            yield f"TimeoutSeconds: must be a whole number of at least 1, not {timeout}"
        problems = list(self.machine(written, "", _TOP))
        yield from problems
        if not problems:
            yield from check_variables(written)

    def machine(self, written: Any, place: str, fields: frozenset[str]) -> Iterator[str]:
        """Yield the problems of a machine: the definition, a branch, or an item's processor."""
        states = written.get("States") if isinstance(written, dict) else None
        if not isinstance(states, dict) or not all(isinstance(state, dict) for state in states.values()):
            yield f"{place}States: must be an object of states"
            return
        yield from (f"{place}{field}: unknown field" for field in written if field not in fields)
        for name, state in states.items():
            inner = f"{place}States.{name}"
            yield from self.name(name, inner)
            yield from check_fields(state, inner)
            yield from self.inside(state, inner)
        yield from _check_transitions(written, states, place)

    def name(self, name: str, place: str) -> Iterator[str]:
        if not 0 < len(name) <= limits.STATE_NAME_LENGTH:
            yield f"{place}: a state's name has 1 to {limits.STATE_NAME_LENGTH} characters, not {len(name)}"
        if name in self.names:
            yield f"{place}: another state has this name, {self.names[name]}"
        self.names.setdefault(name, place)

    def inside(self, state: Mapping[str, Any], place: str) -> Iterator[str]:
        branches = state.get("Branches", []) if state.get("Type") == "Parallel" else []
        for index, branch in enumerate(branches if isinstance(branches, list) else []):
            yield from self.machine(branch, f"{place}.Branches[{index}].", _BRANCH)
        if state.get("Type") == "Map" and "ItemProcessor" in state:
            yield from self.machine(state["ItemProcessor"], f"{place}.ItemProcessor.", _PROCESSOR)


def targets(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the possible next states of a state, each with its field."""
    for field in ("Next", "Default"):
        if field in state:
            yield field, state[field]
    for field in ("Choices", "Catch"):
        for index, item in enumerate(state.get(field, ())):
            if isinstance(item, dict) and "Next" in item:
                yield f"{field}[{index}].Next", item["Next"]


def _check_transitions(machine: Mapping[str, Any], states: Mapping[str, Any], place: str) -> Iterator[str]:
    """Check that each transition leads to a state of the machine, each state is reachable, and one ends the machine."""
    start = machine.get("StartAt")
    if start not in states:
        yield f"{place}StartAt: state {start!r} does not exist"
    reached: set[Any] = set()
    todo: list[Any] = [start]
    while todo:
        name = todo.pop()
        if name in states and name not in reached:
            reached.add(name)
            todo += [target for _, target in targets(states[name])]
    for name, state in states.items():
        for field, target in targets(state):
            if target not in states:
                yield f"{place}States.{name}.{field}: state {target!r} does not exist"
        if name not in reached and start in states:
            yield f"{place}States.{name}: this state is unreachable"
    if not any(state.get("End") is True or state.get("Type") in _ENDS for state in states.values()):
        yield f"{place}States: no state ends the machine"

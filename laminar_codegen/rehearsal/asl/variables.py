"""The rules of variables that hold for a definition.

A state in a branch, or in what a Map does for each item, reads the variables outside, but may not assign one of their
names: https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["check_variables"]


def check_variables(machine: Mapping[str, Any], place: str = "", outer: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the problems of the variables of a machine whose ways all lead to states of it.

    Args:
        machine: The machine.
        place: Where it is.
        outer: The variables outside.
    """
    states: Mapping[str, Any] = machine["States"]
    before = _assigned_before(machine)
    for name, state in states.items():
        inner = f"{place}States.{name}"
        for variable in {**state.get("Assign", {}), **_assigned_by_ways(state)}:
            if variable in outer:
                yield f"{inner}.Assign: {variable!r} is a variable outside, which cannot be assigned here"
        visible = outer | before[name]
        for index, branch in enumerate(state.get("Branches", ())):
            yield from check_variables(branch, f"{inner}.Branches[{index}].", visible)
        if state["Type"] == "Map":
            yield from check_variables(state["ItemProcessor"], f"{inner}.ItemProcessor.", visible)


def _assigned_by_ways(state: Mapping[str, Any]) -> dict[str, Any]:
    items = [*state.get("Choices", ()), *state.get("Catch", ())]
    return {variable: value for item in items for variable, value in item.get("Assign", {}).items()}


def _ways(state: Mapping[str, Any]) -> Iterator[tuple[str, frozenset[str]]]:
    """Where a state may lead to, each with what is assigned on the way."""
    own = frozenset(state.get("Assign", ()))
    for field in ("Next", "Default"):
        if field in state:
            yield state[field], own
    for item in (*state.get("Choices", ()), *state.get("Catch", ())):
        yield item["Next"], frozenset(item.get("Assign", ()))


def _assigned_before(machine: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """For each state the variables that may have been assigned in its machine when it is entered."""
    found: dict[str, frozenset[str]] = dict.fromkeys(machine["States"], frozenset())
    todo = [machine["StartAt"]]
    seen = set(todo)
    while todo:
        name = todo.pop()
        for target, assigned in _ways(machine["States"][name]):
            total = found[target] | found[name] | assigned
            if total != found[target] or target not in seen:
                found[target] = total
                seen.add(target)
                todo.append(target)
    return found

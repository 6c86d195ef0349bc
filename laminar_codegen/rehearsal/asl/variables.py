"""The rules of variables in a definition.

A state in a branch, or in the item processor of a Map, reads the variables of outer scopes, but may not assign to their
names: https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["check_variables"]


def check_variables(machine: Mapping[str, Any], place: str = "", outer: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the problems of the variables of a machine whose transitions are all valid.

    Args:
        machine: The machine.
        place: Its place in the definition.
        outer: The variables of outer scopes.
    """
    states: Mapping[str, Any] = machine["States"]
    before = _variables_before(machine)
    for name, state in states.items():
        inner = f"{place}States.{name}"
        for variable in {**state.get("Assign", {}), **_transition_variables(state)}:
            if variable in outer:
                yield f"{inner}.Assign: {variable!r} is a variable of an outer scope, which cannot be assigned here"
        visible = outer | before[name]
        for index, branch in enumerate(state.get("Branches", ())):
            yield from check_variables(branch, f"{inner}.Branches[{index}].", visible)
        if state["Type"] == "Map":
            yield from check_variables(state["ItemProcessor"], f"{inner}.ItemProcessor.", visible)


def _transition_variables(state: Mapping[str, Any]) -> dict[str, Any]:
    items = [*state.get("Choices", ()), *state.get("Catch", ())]
    return {variable: value for item in items for variable, value in item.get("Assign", {}).items()}


def _transitions(state: Mapping[str, Any]) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the possible next states of a state, each with the variables that the transition assigns."""
    own = frozenset(state.get("Assign", ()))
    for field in ("Next", "Default"):
        if field in state:
            yield state[field], own
    for item in (*state.get("Choices", ()), *state.get("Catch", ())):
        yield item["Next"], frozenset(item.get("Assign", ()))


def _variables_before(machine: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Return for each state the variables that may have been assigned in its machine before it is entered."""
    found: dict[str, frozenset[str]] = dict.fromkeys(machine["States"], frozenset())
    todo = [machine["StartAt"]]
    seen = set(todo)
    while todo:
        name = todo.pop()
        for target, assigned in _transitions(machine["States"][name]):
            total = found[target] | found[name] | assigned
            if total != found[target] or target not in seen:
                found[target] = total
                seen.add(target)
                todo.append(target)
    return found

"""Known state + what AWS says -> new state. Pure.

Two uses: after apply, where everything planned must stay as planned and only the unknown is filled
in (`complete`), and when Terraform asks how things are (`refresh`), where AWS has the word, but a
value that means the same keeps its spelling and "empty" does not replace "never set".
"""

from __future__ import annotations

from typing import Any

from tools.terraform_standin.declaration import Resource
from tools.terraform_standin.equality import equal, is_zero
from tools.terraform_standin.schema import Attribute, Block, Nesting
from tools.terraform_standin.values import State, Unknown, has_unknown, without_unknown


def complete(planned: Any, actual: Any) -> Any:
    """Fill in what the plan could not know."""
    if isinstance(planned, Unknown):
        return actual
    if isinstance(planned, dict):
        known = actual if isinstance(actual, dict) else {}
        return {name: complete(value, known.get(name)) for name, value in planned.items()}
    if isinstance(planned, list) and has_unknown(planned):
        return _complete_items(planned, actual if isinstance(actual, list) else [])
    return planned


def refresh(resource: Resource, block: Block, state: State, remote: State) -> State:
    """Bring the state up to date; names that AWS does not return are unchanged."""
    return _refresh_block(resource, block, state, remote, "")


def _complete_items(planned: list[Any], actual: list[Any]) -> list[Any]:
    """Match each item with the one that agrees in all known values, in any order."""
    left = list(actual)
    items = []
    for item in planned:
        match = next((other for other in left if _agrees(item, other)), None)
        if match is not None:
            left.remove(match)
        items.append(complete(item, match))
    known: list[Any] = without_unknown(items)
    return known


def _agrees(planned: Any, actual: Any) -> bool:
    if isinstance(planned, Unknown):
        return True
    if isinstance(planned, dict) and isinstance(actual, dict):
        return all(_agrees(value, actual.get(name)) for name, value in planned.items())
    if isinstance(planned, list) and isinstance(actual, list):
        pairs = zip(planned, actual, strict=False)
        return len(planned) == len(actual) and all(_agrees(*pair) for pair in pairs)
    return bool(planned == actual) or (is_zero(planned) and is_zero(actual))


def _refresh_block(resource: Resource, block: Block, state: State, remote: State, path: str) -> State:
    refreshed = dict(state)
    for name, value in remote.items():
        if name in block.attributes:
            attribute = block.attributes[name]
            refreshed[name] = _refresh_attribute(resource, attribute, state.get(name), value, path + name)
        elif path + name not in resource.computed or state.get(name):
            nesting = block.blocks[name]
            refreshed[name] = _refresh_blocks(resource, nesting, state.get(name) or [], value, f"{path}{name}.")
    return refreshed


def _refresh_attribute(
    resource: Resource,
    attribute: Attribute,
    known: Any,
    remote: Any,
    path: str,
) -> Any:
    never_set = attribute.settable and path not in resource.computed and is_zero(known)
    keep = equal(known, remote, attribute.type, resource.equality(path)) or (never_set and is_zero(remote))
    return known if keep else remote


def _refresh_blocks(
    resource: Resource, nesting: Nesting, state: list[State], remote: list[State], path: str
) -> list[State]:
    left = list(state)
    items = []
    for position, item in enumerate(remote):
        known = _counterpart(resource, nesting, left, item, path)
        if known is None and nesting.mode == "list" and position < len(state):
            known = state[position]
        elif known is not None:
            left.remove(known)
        items.append(_refresh_block(resource, nesting.block, known or nesting.block.empty(), item, path))
    return _in_known_order(state, items)


def _counterpart(resource: Resource, nesting: Nesting, known: list[State], remote: State, path: str) -> State | None:
    """Return the known block that a block of AWS does not change."""
    for item in known:
        if _refresh_block(resource, nesting.block, item, remote, path) == item:
            return item
    return None


def _in_known_order(state: list[State], items: list[State]) -> list[State]:
    """Put blocks of AWS in the known order: another order is not a change."""
    same = len(state) == len(items) and all(item in state for item in items)
    return state if same else items

"""Documents that are broken in one place each: a field of a resource, or an argument of a state."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, Literal

import attrs

__all__ = ["Break", "breaks_of"]

#: The resources whose fields are broken.
RESOURCES = ("aws_batch_job_definition", "aws_lambda_function")
_META = frozenset({"depends_on"})

Path = tuple[str | int, ...]


@attrs.frozen
class Break:
    """One place of a document, and what is done to it.

    Args:
        path: The place, from the document's root.
        how: Whether it is taken out, or has another value.
    """

    path: Path
    how: Literal["without", "broken"]

    @property
    def name(self) -> str:
        """What the place is called: as Terraform and Step Functions call it, entries of lists by their names."""
        return ".".join(map(str, self.path))

    def __str__(self) -> str:
        return f"{self.how} {self.name}"

    def apply(self, document: Any) -> Any:
        """Return the document, broken."""
        broken = copy.deepcopy(document)
        holder = broken
        for step in self.path[:-1]:
            holder = holder[_key(holder, step)]
        key = _key(holder, self.path[-1])
        if self.how == "without":
            del holder[key]
        else:
            holder[key] = _other(holder[key])
        return broken


def _key(holder: Any, step: str | int) -> Any:
    """Return the key of a step: entries of lists are found by their names."""
    if isinstance(holder, list):
        return next(place for place, item in enumerate(holder) if _step(holder, place) == step)
    return step


def _step(items: list[Any], place: int) -> str | int:
    item = items[place]
    named = [item[key] for key in ("name", "Name", "type") if isinstance(item, dict) and key in item]
    return f"[{named[0]}]" if named else place


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return -1
    if isinstance(value, list):
        return ["broken"]
    if isinstance(value, str) and value.startswith("{%"):
        return "{% 'broken' %}"
    return "broken"


def breaks_of(text: str) -> Iterator[tuple[str, Break]]:
    """Yield the breaks of a document, each with what it breaks: the same in all resources, and states, of one kind.

    Args:
        text: The document.
    """
    document = json.loads(text)
    for path, kind in _broken_things(document):
        for inner, how in _breaks(_at(document, path), path):
            if inner[len(path)] not in _META:
                yield f"{how} {kind} {_path_of(inner[len(path) :])}", Break(inner, how)


def _broken_things(document: Any) -> Iterator[tuple[Path, str]]:
    """Yield the places of what is broken, and what kind of thing it is."""
    for type_ in RESOURCES:
        yield from ((("resource", type_, label), type_) for label in document["resource"].get(type_, {}))
    yield from ((("locals", "containers", label), "container") for label in document["locals"].get("containers", {}))
    for name, value in document["locals"].items():
        if name.startswith("definition"):
            yield from _arguments(value, ("locals", name))


def _arguments(machine: Any, before: Path) -> Iterator[tuple[Path, str]]:
    """Yield the arguments of each state, and what kind of state it is: what it calls, and with which arguments."""
    for name, state in machine["States"].items():
        path = (*before, "States", name)
        if "Arguments" in state:
            called = state["Resource"].rpartition(":::")[2]
            yield (*path, "Arguments"), f"{called} {','.join(_leaves(state['Arguments']))}"
        for key in ("ItemProcessor", "ItemSelector"):
            if key == "ItemSelector" and key in state:
                yield (*path, key), "items"
            elif key in state:
                yield from _arguments(state[key], (*path, key))
        for place, branch in enumerate(state.get("Branches", ())):
            yield from _arguments(branch, (*path, "Branches", place))


def _leaves(value: Any) -> list[str]:
    """Return the short names of all arguments."""
    found = [_path_of(path[-1:]).strip("[]") for path, how in _breaks(value, ()) if how == "broken"]
    return [name for name in found if name not in {"Name", "Value"}] + [
        str(path[-1]).strip("[]")
        for path, how in _breaks(value, ())
        if how == "without" and str(path[-1]).startswith("[")
    ]


def _breaks(value: Any, path: Path) -> Iterator[tuple[Path, Literal["without", "broken"]]]:
    """Yield each place in a value, first taken out, then, where nothing is in it, with another value."""
    steps: list[str | int] = []
    if isinstance(value, dict):
        steps = list(value)
    elif isinstance(value, list):
        # Of texts and rules without names the first two are like the others.
        steps = [step for step in (_step(value, place) for place in range(len(value))) if step not in range(2, 100)]
    for step in steps:
        inner = (*path, step)
        item = value[_key(value, step)]
        yield inner, "without"
        if isinstance(item, dict | list) and item:
            yield from _breaks(item, inner)
        else:
            yield inner, "broken"


def _path_of(path: Path) -> str:
    return ".".join(map(str, path))


def _at(document: Any, path: Path) -> Any:
    for step in path:
        document = document[_key(document, step)]
    return document

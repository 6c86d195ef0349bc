"""What ``__call__`` assigns to its layer, apart from what hooks do: its artifacts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from laminar_runtime import _records
from laminar_runtime.exceptions import AssignmentError
from laminar_runtime.introspection import attributes
from laminar_runtime.layer import Layer, sharded_items

__all__ = ["Assigned", "assigning"]


@_records.define(eq=False)
class Assigned:
    """What ``__call__`` assigned.

    Args:
        artifacts: The values by name.
        refused: The errors of names that cannot be stored, and that were assigned where nobody looks.
    """

    artifacts: dict[str, Any] = _records.field(factory=dict)
    refused: list[AssignmentError] = _records.field(factory=list)


@contextlib.contextmanager
def assigning(layer: Layer) -> Iterator[Assigned]:
    """Note what is assigned to a layer in a ``with`` block, and only there: hooks may assign before and after it.

    Args:
        layer: The layer.

    Returns:
        What was assigned, when the block ended.
    """
    private, noted = layer._private, Assigned()  # noqa: SLF001 - one unit
    before, private.assigned = dict(vars(layer)), set()
    try:
        yield noted
    finally:
        names, private.assigned = private.assigned, None
        for name in private.archives.keys() - vars(layer).keys():  # sharded, and deleted since
            del private.archives[name]
        for name, value in vars(layer).items():
            if name == "_private" or sharded_items(layer, name) is not None:
                continue
            # What is kept by a property that is computed once has not been assigned.
            kept = value is not before.get(name, layer) and not attributes.is_computed(type(layer), name)
            if name in names or kept:
                try:
                    attributes.check_assignable(type(layer), name)
                    noted.artifacts[name] = value
                except AssignmentError as error:
                    noted.refused.append(error)

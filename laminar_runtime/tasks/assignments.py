"""The artifacts of a layer: the values that ``__call__`` assigns, without those that hooks assign."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from laminar_runtime import _records
from laminar_runtime.blocks import block
from laminar_runtime.exceptions import AssignmentError
from laminar_runtime.introspection import attributes
from laminar_runtime.layer import Layer, sharded_items

__all__ = ["Assigned", "assigning"]


@_records.define(eq=False)
class Assigned:
    """The values that ``__call__`` assigned.

    Args:
        artifacts: The values by name.
        refused: The errors of names that cannot be stored, and whose assignment was not noticed before.
    """

    artifacts: dict[str, Any] = _records.field(factory=dict)
    refused: list[AssignmentError] = _records.field(factory=list)


@block
def assigning(layer: Layer) -> Iterator[Assigned]:
    """Note the values that are assigned to a layer in the ``with`` block. Hooks may assign before and after it.

    Args:
        layer: The layer.

    Yields:
        The values, which are there when the block has ended.
    """
    private, noted = layer._private, Assigned()  # noqa: SLF001 - one unit
    before, private.assigned = dict(vars(layer)), set()
    try:
        yield noted
    finally:
        names, private.assigned = private.assigned, None
        for name in private.archives.keys() - vars(layer).keys():  # sharded, and then deleted
            del private.archives[name]
        for name, value in vars(layer).items():
            if name == "_private" or sharded_items(layer, name) is not None:
                continue
            # The value of a cached property was not assigned.
            kept = value is not before.get(name, layer) and not attributes.is_computed(type(layer), name)
            if name in names or kept:
                try:
                    attributes.check_assignable(type(layer), name)
                    noted.artifacts[name] = value
                except AssignmentError as error:
                    noted.refused.append(error)

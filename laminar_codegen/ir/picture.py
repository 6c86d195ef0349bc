"""A picture of a flow: what is drawn of its layers and of its plan, whatever draws it.

Before: ``C after A``, ``D after A, B`` and their plan. After: four layers, three dependencies, and a barrier because of
which C waits for B, too.
"""

from __future__ import annotations

from typing import Literal

import attrs

from laminar_codegen.ir.structs import Struct

__all__ = ["Picture", "PictureEdge", "PictureGroup", "PictureNode"]


@attrs.frozen(eq=False, repr=False)
class PictureNode(Struct):
    """A layer, or a barrier.

    Args:
        name: Its name, unique in the picture: that of a layer is the layer's.
        title: What is written first.
        kind: Whether it is a layer that runs once, a fan-out, or a barrier that the compiler added.
        lines: What else is written.
        note: What is known of it: the docstring of a layer, the reason of a barrier.
    """

    name: str
    title: str
    kind: Literal["layer", "fan-out", "barrier"] = "layer"
    lines: tuple[str, ...] = ()
    note: str = ""


@attrs.frozen(eq=False, repr=False)
class PictureEdge(Struct):
    """A line between nodes.

    Args:
        first: The name of the node that comes first.
        second: The name of the node that comes after it.
        kind: A dependency; one that a layer fans out over, of all items at once or item by item; or a wait for a
            barrier, which no dependency demands.
    """

    first: str
    second: str
    kind: Literal["after", "each", "item by item", "waits"] = "after"


@attrs.frozen(eq=False, repr=False)
class PictureGroup(Struct):
    """Layers that belong together.

    Args:
        label: What they have in common.
        members: Their names.
    """

    label: str
    members: tuple[str, ...]


@attrs.frozen(eq=False, repr=False)
class Picture(Struct):
    """A picture of a flow.

    Args:
        title: The flow's name.
        lines: What is known of the flow: its triggers, its time limit.
        nodes: Its layers, and barriers.
        edges: Its dependencies, and waits.
        groups: Layers that run item by item, or in a state machine of their own.
        notes: Why there are barriers, a line for each.
    """

    title: str
    lines: tuple[str, ...]
    nodes: tuple[PictureNode, ...]
    edges: tuple[PictureEdge, ...]
    groups: tuple[PictureGroup, ...] = ()
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return it as text, for people and tests.

        Example:
            >>> print(Picture("Report", (), (PictureNode("A", "A"),), (PictureEdge("A", "B"),)))
            Report
              layer A
              A -> B
        """
        nodes = [f"  {node.kind} {', '.join((node.title, *node.lines))}" for node in self.nodes]
        kinds = {"after": "", "each": ", for each", "item by item": ", item by item", "waits": ", waits"}
        edges = [f"  {edge.first} -> {edge.second}{kinds[edge.kind]}" for edge in self.edges]
        groups = [f"  {group.label}: {', '.join(group.members)}" for group in self.groups]
        lines = [f"  {line}" for line in self.lines]
        return "\n".join([self.title, *lines, *nodes, *edges, *groups, *(f"  note: {note}" for note in self.notes)])

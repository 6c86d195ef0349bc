"""Writes pictures of flows in the language of Graphviz, DOT: https://graphviz.org/doc/info/lang.html."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from laminar_codegen.ir.picture import Picture, PictureNode

__all__ = ["render_dot"]

_SHAPES = {
    "layer": 'shape=box style="rounded"',
    "fan-out": "shape=box3d",
    "barrier": 'shape=box style="filled" fillcolor="gray90" fontsize=10',
}
_STYLES = {
    "after": "",
    "each": "penwidth=2",
    "item by item": 'penwidth=2 label="item by item"',
    "waits": "style=dashed",
}


def render_dot(pictures: Sequence[Picture]) -> str:
    """Write the pictures of a flow, and of the flows that follow it.

    Args:
        pictures: At least one.

    Returns:
        A graph, with a cluster for each flow if there are several.
    """
    lines = [
        f"digraph {_quote(pictures[0].title)} {{",
        '  node [fontname="sans-serif"]',
        '  edge [fontname="sans-serif"]',
    ]
    for number, picture in enumerate(pictures):
        if len(pictures) == 1:
            lines += _lines(picture, "n")
            continue
        lines += [f"  subgraph cluster_f{number} {{", f"    label={_quote(picture.title)}"]
        lines += [f"  {line}" for line in _lines(picture, f"f{number}n")]
        lines.append("  }")
    # Between flows: from the last layer of one to the first of the next, whichever these are.
    lines += [
        f"  f{number}n{len(before.nodes) - 1} -> f{number + 1}n0 [ltail=cluster_f{number} lhead=cluster_f{number + 1}]"
        for number, (before, after) in enumerate(itertools.pairwise(pictures))
        if before.nodes and after.nodes
    ]
    if len(pictures) > 1:
        lines.insert(1, "  compound=true")
    return "".join(f"{line}\n" for line in [*lines, "}"])


def _lines(picture: Picture, prefix: str) -> Iterator[str]:
    ids = {node.name: f"{prefix}{number}" for number, node in enumerate(picture.nodes)}
    for line in (*picture.lines, *picture.notes):
        yield f"  // {' '.join(line.split())}"
    for node in picture.nodes:
        yield f"  {ids[node.name]} [{_SHAPES[node.kind]} label={_quote(_label(node))}]"
    for edge in picture.edges:
        style = _STYLES[edge.kind]
        yield f"  {ids[edge.first]} -> {ids[edge.second]}{f' [{style}]' if style else ''}"
    taken: set[str] = set()
    for number, group in enumerate(picture.groups):
        own = [member for member in group.members if member not in taken]
        taken.update(own)
        if own:
            members = "; ".join(ids[member] for member in own)
            yield f"  subgraph cluster_{prefix}g{number} {{ label={_quote(group.label)}; {members} }}"


def _label(node: PictureNode) -> str:
    return "\n".join([node.title, *([node.note] if node.kind == "barrier" else node.lines)])


def _quote(text: str) -> str:
    """Quote a text. A backslash would begin an escape of a label, such as that of the node's name."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\0", "")
    return f'"{escaped}"'

"""Writes pictures of flows as Mermaid, which hosts of repositories draw in Markdown.

https://mermaid.js.org/syntax/flowchart.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from laminar_codegen.ir.picture import Picture, PictureNode

__all__ = ["render_mermaid"]

_SHAPES = {"layer": ("[", "]"), "fan-out": ("[[", "]]"), "barrier": ("{{", "}}")}
_LINES = {"after": "-->", "each": "==>", "item by item": "==>", "waits": "-.->"}
_LABELS = {"each": "each", "item by item": "item by item"}
#: Marks that mean something to Mermaid, Markdown or HTML inside quotes, as entities of Mermaid.
_MARKS = {mark: f"#{ord(mark)};" for mark in '"#&<>;`*_~\\[](){}|'}


def render_mermaid(pictures: Sequence[Picture]) -> str:
    """Write the pictures of a flow, and of the flows that follow it.

    Args:
        pictures: At least one.

    Returns:
        A flow chart. A flow is a subgraph if there are several.
    """
    lines = ["flowchart TD"]
    for number, picture in enumerate(pictures):
        if len(pictures) == 1:
            lines += _lines(picture, "n")
            continue
        lines.append(f'  subgraph f{number}["{_escape(picture.title)}"]')
        lines += [f"  {line}" for line in _lines(picture, f"f{number}n")]
        lines.append("  end")
    lines += [f"  f{number} --> f{number + 1}" for number in range(len(pictures) - 1)]
    return "".join(f"{line}\n" for line in lines)


def _lines(picture: Picture, prefix: str) -> Iterator[str]:
    ids = {node.name: f"{prefix}{number}" for number, node in enumerate(picture.nodes)}
    for line in (picture.title, *picture.lines, *picture.notes):
        yield f"  %% {' '.join(line.split()).replace('{', '(').replace('}', ')')}"
    for node in picture.nodes:
        opening, closing = _SHAPES[node.kind]
        yield f'  {ids[node.name]}{opening}"{_label(node)}"{closing}'
    for edge in picture.edges:
        label = f'|"{_LABELS[edge.kind]}"|' if edge.kind in _LABELS else ""
        yield f"  {ids[edge.first]} {_LINES[edge.kind]}{label} {ids[edge.second]}"
    # Mermaid has a node in one subgraph only.
    taken: set[str] = set()
    for number, group in enumerate(picture.groups):
        if own := [member for member in group.members if member not in taken]:
            yield f'  subgraph {prefix}g{number}["{_escape(group.label)}"]'
            yield from (f"    {ids[member]}" for member in own)
            yield "  end"
        taken.update(own)


def _label(node: PictureNode) -> str:
    if node.kind == "barrier":
        return f"{_escape(node.title)}<br/>{_escape(node.note)}"
    return "<br/>".join([f"<b>{_escape(node.title)}</b>", *map(_escape, node.lines)])


def _escape(text: str) -> str:
    return "".join(_MARKS.get(mark, mark) for mark in " ".join(text.split()))

"""Draws pictures of flows as SVG, without Graphviz or any other program: one file, in the colours of its reader."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from laminar_codegen.ir.picture import Picture
from laminar_runtime.report.drawing import Card, Drawing, Frame, Link, draw, text_width
from laminar_runtime.report.escaping import as_text

__all__ = ["render_svg"]

#: The most characters of a line of a note.
_NOTE = 96
_STYLE = """\
svg { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
.paper { fill: #ffffff; }
.heading { font-size: 16px; font-weight: 600; fill: #1c2430; }
.note { font-size: 11px; fill: #596579; }
.card .face { fill: #f5f8fc; stroke: #8fa3bf; }
.card .behind { fill: #e8eef6; stroke: #8fa3bf; }
.card.barrier .face { fill: #fff4dc; stroke: #d9a12f; }
.card .title { font-size: 13px; font-weight: 600; fill: #1c2430; text-anchor: middle; }
.card.barrier .title { font-size: 11px; fill: #7a5408; }
.card .line { font-size: 11px; fill: #596579; text-anchor: middle; }
.link .line { fill: none; stroke: #8fa3bf; stroke-width: 1.4; }
.link .tip { fill: #8fa3bf; }
.link.each .line, .link.item-by-item .line { stroke-width: 2.8; }
.link.waits .line { stroke: #d9a12f; stroke-dasharray: 4 3; }
.link.waits .tip { fill: #d9a12f; }
.frame rect { fill: #f0faf5; stroke: #4d9b75; stroke-dasharray: 5 3; }
.frame text { font-size: 11px; fill: #2f7a56; }
@media (prefers-color-scheme: dark) {
  .paper { fill: #12161d; }
  .heading, .card .title { fill: #e8edf5; }
  .note, .card .line { fill: #a3b0c2; }
  .card .face { fill: #1c232e; stroke: #55657d; }
  .card .behind { fill: #161c25; stroke: #55657d; }
  .card.barrier .face { fill: #35290f; stroke: #b98a2c; }
  .card.barrier .title { fill: #f0ce8a; }
  .link .line { stroke: #6d7f99; }
  .link .tip { fill: #6d7f99; }
  .frame rect { fill: #13231c; stroke: #4d9b75; }
  .frame text { fill: #86cfa9; }
}
"""


def render_svg(pictures: Sequence[Picture]) -> str:
    """Draw the pictures of a flow, and of the flows that follow it, one below the other.

    Args:
        pictures: At least one.
    """
    parts: list[str] = []
    width, height = 0.0, 12.0
    for picture in pictures:
        drawing = _draw(picture)
        notes = [*_notes(picture)]
        heading = [*_texts([picture.title], "heading", height + 18, 20)]
        heading += _texts(picture.lines, "note", height + 38, 16)
        top = height + 28 + 16 * len(picture.lines)
        below = _texts(notes, "note", top + drawing.height + 12, 16)
        parts += [*heading, f'<g transform="translate(0 {top:g})">', drawing.body, "</g>", *below]
        width = max(width, drawing.width, text_width(picture.title, 16) + 40)
        width = max([width, *(text_width(line, 11) + 40 for line in (*picture.lines, *notes))])
        height = top + drawing.height + 16 * len(notes) + 16
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    title = as_text(", then ".join(picture.title for picture in pictures))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>{title}</title>'
    paper = '<rect class="paper" width="100%" height="100%"/>'
    return "\n".join([head, f"<style>\n{_STYLE}</style>", paper, *parts, "</svg>", ""])


def _draw(picture: Picture) -> Drawing:
    cards = [
        Card(node.name, node.title, node.lines, node.kind, tooltip=node.note or node.title) for node in picture.nodes
    ]
    links = [Link(edge.first, edge.second, edge.kind) for edge in picture.edges]
    return draw(cards, links, [Frame(group.label, group.members) for group in picture.groups])


def _notes(picture: Picture) -> Iterator[str]:
    for note in picture.notes:
        yield from textwrap.wrap(note, _NOTE)


def _texts(lines: Sequence[str], name: str, top: float, step: float) -> Iterator[str]:
    for place, line in enumerate(lines):
        yield f'<text class="{name}" x="20" y="{top + step * place:g}">{as_text(line)}</text>'

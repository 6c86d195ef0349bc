"""Draws a graph as SVG: a card for each layer, a line for each dependency. The colours are those of a style sheet.

The compiler draws a flow with it, and the page of an execution the same flow with its states.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from laminar_runtime import _records
from laminar_runtime.report.escaping import as_text
from laminar_runtime.report.layered import Box, Layout, Point, lay_out

__all__ = ["Card", "Drawing", "Frame", "Link", "draw", "text_width"]

CardKind = Literal["layer", "fan-out", "barrier"]
LinkKind = Literal["after", "each", "item by item", "waits"]

_TITLE, _LINE = 13.0, 11.0
_PADDING, _ROW, _HEAD = 14.0, 16.0, 22.0
#: How far the cards behind that of a fan-out stick out.
_BEHIND = 4.0
_NARROW, _WIDE = frozenset("fijlrtI.,:;'|!()[]{} /"), frozenset("mwMW@%&")


@_records.frozen
class Card:
    """What is drawn for a layer, or for a barrier.

    Args:
        id: Its id, unique in a drawing.
        title: Its title.
        lines: Further lines.
        kind: Whether it is a layer, a fan-out or a barrier.
        tooltip: What is shown when it is pointed at.
        focusable: Whether it can be reached by the keyboard and clicked.
        state: The state of the layer, which its colours show; empty for none.
    """

    id: str
    title: str
    lines: tuple[str, ...] = ()
    kind: CardKind = "layer"
    tooltip: str = ""
    focusable: bool = False
    state: str = ""


@_records.frozen
class Link:
    """A line from one card down to another.

    Args:
        first: The id of the upper card.
        second: The id of the lower card.
        kind: What it means: a dependency, a fan-out over what the first one has, the same item by item, or a wait
            that no dependency demands.
    """

    first: str
    second: str
    kind: LinkKind = "after"


@_records.frozen
class Frame:
    """A frame around cards that belong together.

    Args:
        label: Its label.
        members: The ids of the cards.
    """

    label: str
    members: tuple[str, ...]


@_records.frozen
class Drawing:
    """A drawing.

    Args:
        width: Its width in pixels.
        height: Its height in pixels.
        body: The elements of SVG.
    """

    width: float
    height: float
    body: str


def draw(cards: Sequence[Card], links: Sequence[Link], frames: Sequence[Frame] = ()) -> Drawing:
    """Draw a graph.

    Args:
        cards: Its nodes.
        links: Its edges, which have no cycle.
        frames: Frames around nodes. A frame that would hold other cards, too, is left out: each card then has its
            label as a line.

    Example:
        >>> drawing = draw([Card("a", "Load"), Card("b", "Train")], [Link("a", "b")])
        >>> "Load" in drawing.body, drawing.width > 0
        (True, True)
    """
    layout, margin = _lay_out(cards, links), 16.0
    kept = [frame for frame in frames if not _strangers(frame, cards, layout)]
    if left := [frame for frame in frames if frame not in kept]:
        cards = [_with_labels(card, left) for card in cards]
        layout = _lay_out(cards, links)
        kept = [frame for frame in kept if not _strangers(frame, cards, layout)]
    parts = [
        f'<g transform="translate({_figure(margin)} {_figure(margin + 12)})">',
        *(_draw_frame(frame, cards, layout) for frame in kept),
        *(_draw_link(link, layout.edges[link.first, link.second]) for link in links),
        *(line for card in cards for line in _draw_card(card, layout.boxes[card.id])),
        "</g>",
    ]
    return Drawing(layout.width + 2 * margin + _BEHIND, layout.height + 2 * margin + 16, "\n".join(parts))


def text_width(text: str, size: float) -> float:
    """Return about how wide a text is, in any common font without serifs.

    Args:
        text: The text.
        size: The size of the font in pixels.

    Example:
        >>> text_width("WWW", 10) > text_width("iii", 10)
        True
    """
    return size * sum(_em(character) for character in text)


def _em(character: str) -> float:
    if character in _NARROW:
        return 0.34
    if character in _WIDE:
        return 0.92
    if ord(character) > 0x2E80:  # noqa: PLR2004 - from here on characters are as wide as they are high
        return 1.05
    return 0.7 if character.isupper() else 0.58


def _lay_out(cards: Sequence[Card], links: Sequence[Link]) -> Layout:
    return lay_out({card.id: _box(card) for card in cards}, [(link.first, link.second) for link in links])


def _box(card: Card) -> Box:
    if card.kind == "barrier":
        return Box(round(max(120.0, text_width(card.title, _LINE) + 2 * _PADDING)), 22.0)
    widest = max([text_width(card.title, _TITLE), *(text_width(line, _LINE) for line in card.lines)])
    return Box(round(max(96.0, widest + 2 * _PADDING)), 34.0 + _ROW * len(card.lines))


def _with_labels(card: Card, frames: Sequence[Frame]) -> Card:
    labels = tuple(frame.label for frame in frames if card.id in frame.members)
    return _records.evolve(card, lines=(*card.lines, *labels)) if labels else card


def _edges_of(frame: Frame, cards: Sequence[Card], layout: Layout) -> tuple[float, float, float, float]:
    boxes = {card.id: (layout.boxes[card.id], _box(card)) for card in cards if card.id in frame.members}
    return (
        min(x for (x, _), _ in boxes.values()) - 10,
        min(y for (_, y), _ in boxes.values()) - 20,
        max(x + box.width for (x, _), box in boxes.values()) + 14,
        max(y + box.height for (_, y), box in boxes.values()) + 12,
    )


def _strangers(frame: Frame, cards: Sequence[Card], layout: Layout) -> bool:
    """Return whether a frame would hold cards that it is not about."""
    left, top, right, bottom = _edges_of(frame, cards, layout)
    for card in cards:
        (x, y), box = layout.boxes[card.id], _box(card)
        apart = x > right or x + box.width < left or y > bottom or y + box.height < top
        if card.id not in frame.members and not apart:
            return True
    return False


def _draw_frame(frame: Frame, cards: Sequence[Card], layout: Layout) -> str:
    left, top, right, bottom = _edges_of(frame, cards, layout)
    return (
        f'<g class="frame"><rect x="{_figure(left)}" y="{_figure(top)}" width="{_figure(right - left)}" '
        f'height="{_figure(bottom - top)}" rx="12"/>'
        f'<text x="{_figure(left + 10)}" y="{_figure(top + 13)}">{as_text(frame.label)}</text></g>'
    )


def _draw_link(link: Link, points: Sequence[Point]) -> str:
    """Return a line: curves between ranks, upright where it passes one. Its end is an arrow."""
    (x, y), *more = points
    path = f"M{_figure(x)} {_figure(y)}"
    *_, (_, last) = points
    for to_x, to_y in more:
        tip = to_y - 6 if to_y == last else to_y
        middle = _figure((y + tip) / 2)
        straight = f"L{_figure(to_x)} {_figure(tip)}"
        curve = f"C{_figure(x)} {middle} {_figure(to_x)} {middle} {_figure(to_x)} {_figure(tip)}"
        path += straight if x == to_x else curve
        x, y = to_x, tip
    arrow = f"M{_figure(x - 4)} {_figure(y - 1)}L{_figure(x)} {_figure(y + 6)}L{_figure(x + 4)} {_figure(y - 1)}Z"
    kind = link.kind.replace(" ", "-")
    return f'<g class="link {kind}"><path class="line" d="{path}"/><path class="tip" d="{arrow}"/></g>'


def _draw_card(card: Card, corner: Point) -> Iterator[str]:
    (x, y), box = corner, _box(card)
    reachable = f' tabindex="0" role="button" data-card="{as_text(card.id)}"' if card.focusable else ""
    state = f" state-{card.state.replace(' ', '-')}" if card.state else ""
    yield f'<g class="card {card.kind}{as_text(state)}"{reachable} transform="translate({_figure(x)} {_figure(y)})">'
    if card.tooltip:
        yield f"<title>{as_text(card.tooltip)}</title>"
    size = {"width": box.width, "height": box.height}
    for behind in (2 * _BEHIND, _BEHIND) if card.kind == "fan-out" else ():
        yield _rectangle({"x": behind, "y": behind, **size, "rx": 8}, "behind")
    yield _rectangle({**size, "rx": 4 if card.kind == "barrier" else 8}, "face")
    if card.state:
        yield _rectangle({"x": 0, "y": 6, "width": 5, "height": box.height - 12, "rx": 2.5}, "mark")
    middle = _figure(box.width / 2)
    if card.kind == "barrier":
        yield f'<text class="title" x="{middle}" y="15">{as_text(card.title)}</text>'
    else:
        yield f'<text class="title" x="{middle}" y="{_figure(_HEAD)}">{as_text(card.title)}</text>'
    for place, line in enumerate(card.lines, 1):
        yield f'<text class="line" x="{middle}" y="{_figure(_HEAD + _ROW * place)}">{as_text(line)}</text>'
    yield "</g>"


def _rectangle(sizes: Mapping[str, float], name: str) -> str:
    return f'<rect class="{name}" ' + " ".join(f'{key}="{_figure(value)}"' for key, value in sizes.items()) + "/>"


def _figure(number: float) -> str:
    return f"{round(number, 1):g}"

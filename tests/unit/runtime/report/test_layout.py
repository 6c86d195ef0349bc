"""The layout of graphs, and drawings of them."""

from __future__ import annotations

import random
from xml.etree import ElementTree as ET

import pytest

from laminar_runtime.report.drawing import Card, Drawing, Frame, Link, draw
from laminar_runtime.report.layered import Box, Layout, lay_out


def random_graph(seed: int, size: int) -> tuple[dict[str, Box], list[tuple[str, str]]]:
    """Return boxes of several sizes, and edges from earlier ones to later ones."""
    source = random.Random(seed)  # noqa: S311 - graphs, not secrets
    boxes = {f"L{number}": Box(source.randrange(40, 200), source.randrange(20, 80)) for number in range(size)}
    names = [*boxes]
    pairs = {tuple(sorted(source.sample(range(size), 2))) for _ in range(2 * size)}
    return boxes, [(names[first], names[second]) for first, second in sorted(pairs)]


@pytest.mark.parametrize("seed", range(8))
def test_boxes_are_apart_and_edges_lead_down(seed: int) -> None:
    """No box covers another one or leaves the drawing, and an edge leads from the foot of a box to the head of one."""
    boxes, edges = random_graph(seed, 20)
    found = lay_out(boxes, edges)
    for name, (x, y) in found.boxes.items():
        assert 0 <= x <= found.width - boxes[name].width + 0.2
        assert 0 <= y <= found.height - boxes[name].height + 0.2
        for other, (left, top) in found.boxes.items():
            assert name == other or _apart((x, y, boxes[name]), (left, top, boxes[other])), (name, other)
    for first, second in edges:
        points = found.edges[first, second]
        (x, y), (left, top) = found.boxes[first], found.boxes[second]
        assert points[0] == pytest.approx((x + boxes[first].width / 2, y + boxes[first].height), abs=0.2)
        assert points[-1] == pytest.approx((left + boxes[second].width / 2, top), abs=0.2)
        assert [height for _, height in points] == sorted(height for _, height in points)


def _apart(one: tuple[float, float, Box], other: tuple[float, float, Box]) -> bool:
    (x, y, box), (left, top, second) = one, other
    gap = 13
    return (
        x + box.width + gap <= left + 0.2
        or left + second.width + gap <= x + 0.2
        or y + box.height + gap <= top
        or top + second.height + gap <= y
    )


def test_no_edges_cross_where_an_order_without_crossings_exists() -> None:
    """Two pairs that are registered crosswise are untangled."""
    box = Box(40, 20)
    found = lay_out(dict.fromkeys(["A", "B", "C", "D"], box), [("A", "D"), ("B", "C")])
    assert (found.boxes["A"] < found.boxes["B"]) == (found.boxes["D"] < found.boxes["C"])


def test_a_chain_is_upright() -> None:
    """What follows one box stands right below it, however wide it is."""
    found = lay_out({"A": Box(100, 20), "B": Box(40, 20)}, [("A", "B")])
    assert found.edges["A", "B"] == ((50.0, 20.0), (50.0, 66.0))


def test_a_long_edge_passes_beside_the_boxes_between() -> None:
    """An edge over a rank does not cross the box there."""
    box = Box(80, 20)
    found = lay_out({"A": box, "B": box, "C": box}, [("A", "B"), ("B", "C"), ("A", "C")])
    left, top = found.boxes["B"]
    bend = [x for x, y in found.edges["A", "C"] if top <= y <= top + 20]
    assert bend
    assert all(x < left or x > left + 80 for x in bend)


def test_a_source_stands_near_what_needs_it() -> None:
    """A box after nothing is one rank above the first that comes after it, not at the very top."""
    box = Box(40, 20)
    found = lay_out(dict.fromkeys("ABCX", box), [("A", "B"), ("B", "C"), ("X", "C")])
    assert found.boxes["X"][1] == found.boxes["B"][1]


def test_nothing_and_one() -> None:
    """A graph may have no box, or no edge."""
    assert lay_out({}, []) == Layout(0.0, 0.0, {}, {})
    assert lay_out({"A": Box(40, 20)}, []).boxes == {"A": (0.0, 0.0)}


def parsed(drawing: Drawing) -> ET.Element:
    """Return a drawing as a tree: it is well-formed."""
    return ET.fromstring(f"<svg>{drawing.body}</svg>")  # noqa: S314 - we wrote it


def test_a_drawing_is_well_formed_whatever_the_texts_are() -> None:
    """Marks of XML and characters that it does not have are escaped."""
    card = Card('a"<', "</text><script>", ("\x00&",), tooltip="]]>", focusable=True)
    tree = parsed(draw([card, Card("b", "B", kind="fan-out")], [Link('a"<', "b", "each")]))
    assert [text.text for text in tree.iter("text")] == ["</text><script>", "\ufffd&", "B"]
    assert tree.find(".//g[@role='button']").attrib["data-card"] == 'a"<'  # type: ignore[union-attr]


def test_a_frame_is_drawn_only_around_its_own_cards() -> None:
    """Where another card would be inside, its cards have the label instead."""
    cards, links = [Card(name, name) for name in "ABC"], [Link("A", "B"), Link("B", "C")]
    around = parsed(draw(cards, links, [Frame("pair", ("A", "B"))]))
    assert [text.text for text in around.iter("text")] == ["pair", "A", "B", "C"]
    beside = parsed(draw(cards, links, [Frame("pair", ("A", "C"))]))
    assert [text.text for text in beside.iter("text")] == ["A", "pair", "B", "C", "pair"]

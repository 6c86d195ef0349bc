"""A layered layout of a directed acyclic graph: boxes in ranks, each below the boxes that it comes after.

The method of Sugiyama, Tagawa and Toda (https://doi.org/10.1109/TSMC.1981.4308636) in four steps: ranks by the longest
path; a bend in each rank that a long edge passes; an order within the ranks that has few crossings; places, as near to
the neighbours as the order allows. The same graph has the same layout everywhere: nothing is random, and all figures
are rounded.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator, Mapping, Sequence

from laminar_runtime import _records

__all__ = ["Box", "Layout", "Point", "lay_out"]

#: The gaps between boxes of a rank, between an edge that passes and its neighbours, and between ranks.
_GAP, _PASSING, _BETWEEN = 28.0, 14.0, 46.0
#: How often the ranks are ordered and boxes are moved, from the top and from the bottom in turn.
_SWEEPS = 12

Point = tuple[float, float]


@_records.frozen
class Box:
    """A box of a layout.

    Args:
        width: Its width.
        height: Its height.
    """

    width: float
    height: float


@_records.frozen
class Layout:
    """Where boxes and edges are.

    Args:
        width: The width of all.
        height: The height of all.
        boxes: The upper left corner of each box.
        edges: The points of each edge, from the lower side of a box to the upper side of another one.
    """

    width: float
    height: float
    boxes: Mapping[str, Point]
    edges: Mapping[tuple[str, str], tuple[Point, ...]]


def lay_out(boxes: Mapping[str, Box], edges: Sequence[tuple[str, str]]) -> Layout:
    """Lay out a graph.

    Args:
        boxes: Its boxes, in the order that they have where nothing else decides.
        edges: Pairs of boxes, of which the first is above the second. There is no cycle.

    Example:
        >>> found = lay_out({"A": Box(40, 20), "B": Box(40, 20)}, [("A", "B")])
        >>> found.boxes
        {'A': (0.0, 0.0), 'B': (0.0, 66.0)}
        >>> found.edges["A", "B"]
        ((20.0, 20.0), (20.0, 66.0))
    """
    ranks = _ranks(boxes, edges)
    graph = _Graph(boxes, edges, ranks)
    graph.order()
    centres = graph.place()
    left = min((centres[name] - box.width / 2 for name, box in boxes.items()), default=0.0)
    centres = {node: centre - left for node, centre in centres.items()}
    tops, heights = _rows(boxes, ranks)
    corners = {
        name: (
            _round(centres[name] - box.width / 2),
            _round(tops[ranks[name]] + (heights[ranks[name]] - box.height) / 2),
        )
        for name, box in boxes.items()
    }
    lines = {edge: _points(boxes, corners, edge, path, centres, tops, heights) for edge, path in graph.paths.items()}
    passed = [x for points in lines.values() for x, _ in points]
    width = max([corners[name][0] + box.width for name, box in boxes.items()] + passed, default=0.0)
    height = tops[-1] + heights[-1] if tops else 0.0
    return Layout(_round(width), _round(height), corners, lines)


def _ranks(boxes: Mapping[str, Box], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return the rank of each box: the longest path to it. One that comes after nothing stands near what follows it."""
    above: dict[str, list[str]] = {name: [] for name in boxes}
    below: dict[str, list[str]] = {name: [] for name in boxes}
    for first, second in edges:
        above[second].append(first)
        below[first].append(second)
    left = {name: len(names) for name, names in above.items()}
    ready = [name for name, count in left.items() if not count]
    ranks = dict.fromkeys(ready, 0)
    for name in ready:  # it grows
        for after in below[name]:
            ranks[after] = max(ranks.get(after, 0), ranks[name] + 1)
            left[after] -= 1
            if not left[after]:
                ready.append(after)
    for name in boxes:
        if not above[name] and below[name]:
            ranks[name] = min(ranks[after] for after in below[name]) - 1
    return ranks


def _rows(boxes: Mapping[str, Box], ranks: Mapping[str, int]) -> tuple[list[float], list[float]]:
    """Return the top and the height of each rank."""
    heights = [0.0] * (max(ranks.values(), default=-1) + 1)
    for name, rank in ranks.items():
        heights[rank] = max(heights[rank], boxes[name].height)
    tops = [sum(heights[:rank]) + rank * _BETWEEN for rank in range(len(heights))]
    return tops, heights


#: A box by its name, or the bend of an edge in a rank.
_Node = str | tuple[str, str, int]


class _Graph:
    """The boxes and the bends of edges, rank by rank."""

    def __init__(self, boxes: Mapping[str, Box], edges: Sequence[tuple[str, str]], ranks: Mapping[str, int]) -> None:
        self.boxes = boxes
        self.rows: list[list[_Node]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
        for name in boxes:
            self.rows[ranks[name]].append(name)
        self.paths: dict[tuple[str, str], list[_Node]] = {}
        self.above: dict[_Node, list[_Node]] = {name: [] for name in boxes}
        self.below: dict[_Node, list[_Node]] = {name: [] for name in boxes}
        for first, second in dict.fromkeys(edges):
            bends: list[_Node] = [(first, second, rank) for rank in range(ranks[first] + 1, ranks[second])]
            for rank, bend in enumerate(bends, ranks[first] + 1):
                self.rows[rank].append(bend)
                self.above[bend], self.below[bend] = [], []
            path = [first, *bends, second]
            self.paths[first, second] = path
            for upper, lower in itertools.pairwise(path):
                self.below[upper].append(lower)
                self.above[lower].append(upper)

    def order(self) -> None:
        """Order each rank so that few edges cross, by the mean places of neighbours."""
        best, fewest = self.rows, self._crossings()
        for sweep in range(_SWEEPS):
            if not fewest:
                break
            downwards = sweep % 2 == 0
            rows = [*self.rows]
            order = range(1, len(rows)) if downwards else range(len(rows) - 2, -1, -1)
            for rank in order:
                beside = rows[rank - 1] if downwards else rows[rank + 1]
                rows[rank] = _by_neighbours(rows[rank], beside, self.above if downwards else self.below)
            self.rows = rows
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = rows, crossings
        self.rows = best

    def _crossings(self) -> int:
        return sum(self._crossings_below(rank) for rank in range(len(self.rows) - 1))

    def _crossings_below(self, rank: int) -> int:
        place = {node: index for index, node in enumerate(self.rows[rank + 1])}
        seen: list[int] = []
        count = 0
        for node in self.rows[rank]:
            ends = sorted(place[after] for after in self.below[node])
            count += sum(len(seen) - bisect.bisect_right(seen, end) for end in ends)
            for end in ends:
                bisect.insort(seen, end)
        return count

    def place(self) -> dict[_Node, float]:
        """Return the centre of each box and bend, as near to those of its neighbours as the order allows."""
        centres: dict[_Node, float] = {}
        for row in self.rows:
            x = 0.0
            for node, gap in zip(row, self._gaps(row), strict=True):
                x += gap
                centres[node] = x
            middle = (centres[row[0]] + centres[row[-1]]) / 2
            centres.update({node: centres[node] - middle for node in row})
        for sweep in range(_SWEEPS):
            downwards = sweep % 2 == 0
            last = sweep == _SWEEPS - 1
            for row in self.rows if downwards else reversed(self.rows):
                self._move(row, centres, self.above if downwards else self.below, both=last)
        return centres

    def _move(
        self, row: Sequence[_Node], centres: dict[_Node, float], beside: Mapping[_Node, list[_Node]], *, both: bool
    ) -> None:
        wanted, weights = [], []
        for node in row:
            near = self.above[node] + self.below[node] if both else beside[node]
            wanted.append(sum(centres[one] for one in near) / len(near) if near else centres[node])
            # An edge that passes is straight if it can be.
            weights.append(8.0 if isinstance(node, tuple) else 1.0 if near else 0.1)
        centres.update(zip(row, _fit(wanted, weights, self._gaps(row)), strict=True))

    def _gaps(self, row: Sequence[_Node]) -> list[float]:
        """Return the least distance of each centre from the one before it in a rank."""
        gaps = [0.0]
        for left, right in itertools.pairwise(row):
            apart = _GAP if isinstance(left, str) and isinstance(right, str) else _PASSING
            gaps.append(self._half(left) + apart + self._half(right))
        return gaps

    def _half(self, node: _Node) -> float:
        return self.boxes[node].width / 2 if isinstance(node, str) else 0.0


def _by_neighbours(row: Sequence[_Node], beside: Sequence[_Node], near: Mapping[_Node, list[_Node]]) -> list[_Node]:
    """Return a rank by the mean places of neighbours. A node without any keeps its place among the others."""
    place = {node: index for index, node in enumerate(beside)}
    means = {node: sum(place[one] for one in near[node]) / len(near[node]) for node in row if near[node]}
    ordered = iter(sorted(means, key=means.__getitem__))  # it keeps the order of equals
    return [next(ordered) if node in means else node for node in row]


def _fit(wanted: Sequence[float], weights: Sequence[float], gaps: Sequence[float]) -> Iterator[float]:
    """Yield the centres nearest to the wanted ones, by weighted squares, that keep the order and the gaps.

    Less the sum of the gaps before it, each must not be less than the one before: an isotonic regression, which
    merging neighbours that violate it solves (https://en.wikipedia.org/wiki/Isotonic_regression).
    """
    blocks: list[tuple[float, float, int]] = []  # the mean, the weight and the number of merged centres
    offset = 0.0
    for target, weight, gap in zip(wanted, weights, gaps, strict=True):
        offset += gap
        mean, total, count = target - offset, weight, 1
        while blocks and blocks[-1][0] > mean:
            before, heavy, many = blocks.pop()
            mean = (before * heavy + mean * total) / (heavy + total)
            total, count = heavy + total, many + count
        blocks.append((mean, total, count))
    offset = 0.0
    fitted = (mean for mean, _, count in blocks for _ in range(count))
    for mean, gap in zip(fitted, gaps, strict=True):
        offset += gap
        yield mean + offset


def _points(  # noqa: PLR0913, PLR0917 - what an edge is drawn by
    boxes: Mapping[str, Box],
    corners: Mapping[str, Point],
    edge: tuple[str, str],
    path: Sequence[_Node],
    centres: Mapping[_Node, float],
    tops: Sequence[float],
    heights: Sequence[float],
) -> tuple[Point, ...]:
    """Return the points of an edge. It passes a rank upright, from its top to its end."""
    first, second = edge
    points = [(_round(centres[first]), _round(corners[first][1] + boxes[first].height))]
    for bend in path[1:-1]:
        rank = int(bend[2])
        x = _round(centres[bend])
        points += [(x, _round(tops[rank])), (x, _round(tops[rank] + heights[rank]))]
    return (*points, (_round(centres[second]), corners[second][1]))


def _round(number: float) -> float:
    return round(number, 1) + 0.0  # no minus zero

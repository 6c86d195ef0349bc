"""The indexes of splits as text: ``0-3,7`` says 0, 1, 2, 3 and 7, in that order.

The children of an array job are numbered from 0, and the text tells which split each of them runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ["nth", "parse", "spell"]


def spell(indexes: Iterable[int]) -> str:
    """Write indexes as text.

    Args:
        indexes: The indexes, ascending.

    Example:
        >>> spell([0, 1, 2, 3, 7])
        '0-3,7'
    """
    runs: list[list[int]] = []
    for index in indexes:
        if runs and runs[-1][1] == index - 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def parse(text: str) -> list[int]:
    """Read all indexes of a text.

    Args:
        text: What `spell` wrote.

    Raises:
        ValueError: If it is no such text.
    """
    return [index for first, last in _runs(text) for index in range(first, last + 1)]


def nth(text: str, place: int) -> int:
    """Read one index of a text.

    Args:
        text: What `spell` wrote.
        place: Which one, from 0.

    Raises:
        ValueError: If it is no such text.
        IndexError: If it has no index at that place.

    Example:
        >>> nth("0-3,7", 4)
        7
    """
    for first, last in _runs(text):
        if place <= last - first:
            return first + place
        place -= last - first + 1
    raise IndexError(place)


def _runs(text: str) -> Iterator[tuple[int, int]]:
    for run in text.split(","):
        first, _, last = run.partition("-")
        yield int(first), int(last or first)

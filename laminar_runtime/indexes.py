"""The indexes of splits as text: ``0-3,7`` means 0, 1, 2, 3 and 7, in that order.

The children of an AWS Batch array job are numbered from 0. Such a text maps the number of a child to its split.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ["nth", "parse", "spell"]


def spell(indexes: Iterable[int]) -> str:
    """Write indexes as text.

    Args:
        indexes: The indexes, in any order, which the text keeps. Ascending ones that follow each other are a range.

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
    """Return all indexes of a text.

    Args:
        text: A text that `spell` wrote.

    Raises:
        ValueError: If `spell` cannot have written the text.
    """
    return [index for first, last in _runs(text) for index in range(first, last + 1)]


def nth(text: str, place: int) -> int:
    """Return one index of a text.

    Args:
        text: A text that `spell` wrote.
        place: The position of the index, from 0.

    Raises:
        ValueError: If `spell` cannot have written the text.
        IndexError: If the text does not have so many indexes.

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

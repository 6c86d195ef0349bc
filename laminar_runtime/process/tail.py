"""The end of an output: a task keeps it, and its module is loaded with the declarations of a flow."""

from __future__ import annotations

from collections import deque

__all__ = ["Tail"]


class Tail:
    r"""The last lines of an output, up to a size.

    Args:
        most: The most characters.

    Example:
        >>> tail = Tail(most=8)
        >>> for line in ("one", "two", "three"):
        ...     tail.add(line)
        >>> tail.text()
        'three\n'
    """

    def __init__(self, most: int = 2**20) -> None:
        self._most, self._size = most, 0
        self._lines: deque[str] = deque()

    def add(self, line: str) -> None:
        """Add a line, and drop the first ones if there are too many.

        Args:
            line: The line.
        """
        self._lines.append(line)
        self._size += len(line) + 1
        while self._size > self._most and len(self._lines) > 1:
            self._size -= len(self._lines.popleft()) + 1

    def text(self) -> str:
        """Return the lines, each with its end."""
        return "".join(f"{line}\n" for line in self._lines)

"""JSON documents with a list whose items have the same number of bytes, so that one item is read without the rest.

A split of a fan-out sees one artifact of perhaps 100,000. The archive that lists them is a JSON object. Its list is at
its end, and blanks make all items equally long. So a reader that knows where the list begins, and how long an item is,
reads an item by its place::

    {"version":3,"sharded":true,"count":2,"width":41,"artifacts":[
    {"dtype":"builtins.int","hexdigest":"…"},
    {"dtype":"builtins.str","hexdigest":"…"}
    ]}
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from laminar_runtime import _records

__all__ = ["Rows", "find", "item", "measure", "spell"]

#: The bytes after each item: a comma or a blank, and the end of the line.
_END = 2


@_records.frozen
class Rows:
    """Where the items of a list are in a document.

    Args:
        count: The number of items.
        start: The first byte of the first item, from 0.
        width: The bytes of each item.
    """

    count: int
    start: int
    width: int

    def span(self, place: int) -> tuple[int, int]:
        """Return the bytes of an item: its first, and the one after its last.

        Args:
            place: Which item, from 0.

        Example:
            >>> Rows(count=3, start=60, width=40).span(2)
            (140, 180)
        """
        first = self.start + place * self.width
        return first, first + self.width


def measure(head: Mapping[str, Any], name: str, count: int, longest: int) -> Rows:
    """Return where the items of a list will be.

    Args:
        head: The other fields of the document.
        name: The name of the list.
        count: How many items it has.
        longest: The bytes of the longest item.
    """
    return Rows(count, len(_head(head, name, count, longest + _END)), longest + _END)


def spell(head: Mapping[str, Any], name: str, items: Sequence[str]) -> bytes:
    """Write a document.

    Args:
        head: Its other fields.
        name: The name of the list.
        items: Its items, as JSON in ASCII.
    """
    last, longest = len(items) - 1, max(map(len, items), default=0)
    lines = (f"{text:<{longest}}{',' if place < last else ' '}\n" for place, text in enumerate(items))
    return f"{_head(head, name, len(items), longest + _END)}{''.join(lines)}]}}".encode()


def _head(head: Mapping[str, Any], name: str, count: int, width: int) -> str:
    given = json.dumps({**head, "count": count, "width": width}, separators=(",", ":"))
    return f"{given[:-1]},{json.dumps(name)}:[\n"


def find(beginning: bytes) -> Rows | None:
    """Find where the items of a document's list are.

    Args:
        beginning: The first bytes of the document.

    Returns:
        Where they are; None if the document does not say it, as in earlier releases.
    """
    head, end, _ = beginning.partition(b"\n")
    try:
        document = json.loads(head + b"]}")
        return Rows(int(document["count"]), len(head) + len(end), int(document["width"]))
    except (KeyError, TypeError, ValueError):
        return None


def item(line: bytes) -> Any:
    """Read an item.

    Args:
        line: Its bytes.

    Raises:
        ValueError: If it is not JSON.
    """
    return json.loads(line.rstrip(b", \n"))

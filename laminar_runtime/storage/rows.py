"""JSON documents of which one part is read without the rest: a list whose items take as many bytes each.

A split of a fan-out sees one of what may be 100,000 artifacts. The archive that lists them is a JSON object as any
other. Yet its list stands at its end, and the items of it are filled up with blanks, so that who knows where the list
begins and how wide an item is reads an item by its place::

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

#: What ends each item: what parts it from the next, and the end of its line.
_END = 2


@_records.frozen
class Rows:
    """Where the items of a list stand in a document.

    Args:
        count: How many there are.
        start: The place of the first, in bytes from the beginning of the document.
        width: The bytes of each.
    """

    count: int
    start: int
    width: int

    def span(self, place: int) -> tuple[int, int]:
        """The bytes of an item: its first, and the one behind its last.

        Args:
            place: Which item, from 0.

        Example:
            >>> Rows(count=3, start=60, width=40).span(2)
            (140, 180)
        """
        first = self.start + place * self.width
        return first, first + self.width


def measure(head: Mapping[str, Any], name: str, count: int, longest: int) -> Rows:
    """Find out where the items of a list will stand.

    Args:
        head: What else is in the document.
        name: The name of the list.
        count: How many items it has.
        longest: The bytes of the longest.
    """
    return Rows(count, len(_head(head, name, count, longest + _END)), longest + _END)


def spell(head: Mapping[str, Any], name: str, items: Sequence[str]) -> bytes:
    """Write a document.

    Args:
        head: What else is in it.
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
    """Find where the items of a document's list stand.

    Args:
        beginning: The first bytes of the document.

    Returns:
        Where they stand; None if it does not say so, as one that an earlier release wrote.
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
        ValueError: If it is no JSON.
    """
    return json.loads(line.rstrip(b", \n"))

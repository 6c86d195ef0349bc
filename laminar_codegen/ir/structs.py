"""What the compiler's values have in common: they are equal, hashed and printed by their fields.

attrs generates the code of these methods for each class, which takes half of the time of a class: more than 20 ms for
the classes of a compile, more than many flows take to compile. So here they read the fields::

    @attrs.frozen(eq=False, repr=False)
    class Point(Struct):
        x: int
        y: int = 0
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import attrs

__all__ = ["Struct"]


class Struct:
    """The base of a class of attrs that has ``eq=False`` and ``repr=False``.

    A field whose values have no hash has ``hash=False``, as in attrs: it is compared all the same.

    Example:
        >>> @attrs.frozen(eq=False, repr=False)
        ... class Point(Struct):
        ...     x: int
        ...     y: int = attrs.field(default=0, repr=False)
        >>> Point(1), Point(1) == Point(1, 0), Point(1) == Point(2), len({Point(1), Point(1)})
        (Point(x=1), True, False, 1)
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        cls: Any = type(self)
        values = _reader(cls)
        return bool(values(self) == values(other))

    def __hash__(self) -> int:
        cls: Any = type(self)
        return hash((cls, _reader_for_hash(cls)(self)))

    def __repr__(self) -> str:
        shown = (f"{field.name}={getattr(self, field.name)!r}" for field in _fields(type(self)) if field.repr)
        return f"{type(self).__qualname__}({', '.join(shown)})"


@functools.cache
def _reader(cls: type) -> Callable[[object], Any]:
    """Return a function that reads the compared fields of an instance of a class."""
    names = [field.name for field in _fields(cls)]
    return operator.attrgetter(*names) if names else type


@functools.cache
def _reader_for_hash(cls: type) -> Callable[[object], Any]:
    """Return a function that reads the fields that are hashed: all but those of ``attrs.field(hash=False)``."""
    names = [field.name for field in _fields(cls) if field.hash is not False]
    return operator.attrgetter(*names) if names else type


def _fields(cls: Any) -> tuple[attrs.Attribute[Any], ...]:
    fields: tuple[attrs.Attribute[Any], ...] = attrs.fields(cls)
    return fields

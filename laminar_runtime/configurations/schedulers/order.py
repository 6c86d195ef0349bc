"""The order of layers: finds the next layers at a cost that does not grow with the number of the other layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

__all__ = ["Order"]


class Order:
    """A topological order of layers, in which layers end one after the other.

    Args:
        dependencies: The layers that each layer depends on.

    Example:
        >>> order = Order({"A": set(), "B": {"A"}, "C": {"A", "B"}})
        >>> order.after([]), order.after(["A"]), order.after(["B"])
        ({'A'}, {'B'}, {'C'})
    """

    def __init__(self, dependencies: Mapping[str, AbstractSet[str]]) -> None:
        self._left = {name: len(before) for name, before in dependencies.items()}
        self._next = {name for name, left in self._left.items() if not left}
        self._dependents: dict[str, list[str]] = {}
        for name, before in dependencies.items():
            for other in before:
                self._dependents.setdefault(other, []).append(name)

    def after(self, ended: Iterable[str]) -> set[str]:
        """Return the layers whose last dependency has just ended.

        Args:
            ended: The layers that have ended since the last call.
        """
        found, self._next = self._next, set()
        for name in ended:
            for dependent in self._dependents.get(name, ()):
                self._left[dependent] -= 1
                if not self._left[dependent]:
                    found.add(dependent)
        return found

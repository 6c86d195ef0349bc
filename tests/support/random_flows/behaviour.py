"""The behaviour of the layers and hooks of random flows: the module that their files import.

What they compute follows from all that they can see, and from nothing else, so that whatever a run does otherwise than
another shows in its artifacts.
"""

from __future__ import annotations

import builtins
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs

from laminar_runtime import Layer
from laminar_runtime.configurations.datastores import Accessor

__all__ = ["Files", "Memory", "World", "fail", "items", "look", "number", "pick", "ready", "trouble"]


def look(layer: Layer, *names: str) -> list[Any]:
    """Return the values of a layer that a reader sees."""
    return [layer.state.finished if name == "finished" else _plain(getattr(layer, name, "absent")) for name in names]


def _plain(value: Any) -> Any:
    if isinstance(value, Accessor):
        return ["accessor", len(value), list(value), value[-1:], value[-1] if len(value) else None]
    return value


def number(seen: object) -> int:
    """Return a number that follows from the values that were seen."""
    return int(hashlib.sha256(repr(seen).encode()).hexdigest()[:6], 16)


def items(layer: Any, widths: Sequence[int]) -> Iterable[int]:
    """Return the items that a split shards."""
    return (number([layer.value, place]) for place in range(widths[layer.index % len(widths)]))


def fail(layer: Layer, failures: Iterable[tuple[int | None, int, str]]) -> None:
    """Raise what a layer raises in the first attempts at some of its splits."""
    for index, attempts, error in failures:
        if index in {None, layer.index} and (layer.attempt or 0) <= attempts:
            raise getattr(builtins, error)(f"split {layer.index}, attempt {layer.attempt}")


def pick(layer: Any) -> None:
    """Raise an error that follows from the values that were seen."""
    if layer.value % 3 == 0:
        raise OSError("a multiple of three")


def ready(layer: Layer) -> bool:
    """Return whether all layers that a layer fans out over have finished."""
    execution: Any = layer.execution
    return all(execution.layer(item.name).state.finished for item in layer.configuration.foreach.parameters)


class World(Protocol):
    """The world outside of a flow: the causes of its failures, and the notes on its calls."""

    def is_broken(self, layer: str) -> bool: ...
    def note(self, layer: Layer) -> None: ...


@attrs.define
class Memory:
    """A world in this process.

    Args:
        troubled: The layers whose troubles still exist.
        calls: The layers, splits and attempts that were called.
    """

    troubled: set[str] = attrs.field(factory=set)
    calls: list[tuple[str, int, int]] = attrs.field(factory=list)

    def is_broken(self, layer: str) -> bool:
        """Return whether a layer fails."""
        return layer in self.troubled

    def note(self, layer: Layer) -> None:
        """Take note of a call."""
        self.calls.append((layer.name, layer.index or 0, layer.attempt or 0))


@attrs.frozen
class Files:
    """A world in files, for processes.

    Args:
        folder: A folder with a file named after each layer that is in trouble.
    """

    folder: Path

    def is_broken(self, layer: str) -> bool:
        """Return whether a layer fails."""
        return (self.folder / layer).exists()

    def note(self, layer: Layer) -> None:
        """Let it pass: tasks leave records."""


def trouble(world: World, layer: Layer, index: int | None, *, ends: bool = False) -> None:
    """Raise an error, or end the process, if a layer is in trouble."""
    if world.is_broken(layer.name) and index in {None, layer.index}:
        raise SystemExit(0) if ends else RuntimeError(f"split {layer.index} is in trouble")

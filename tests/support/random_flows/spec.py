"""Random flows as plain values, and the properties that follow without running them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import attrs

__all__ = [
    "CALL_TROUBLES",
    "KINDS",
    "PARAMETERS",
    "Failure",
    "FlowSpec",
    "Hook",
    "Kind",
    "LayerSpec",
    "Over",
    "Read",
    "Trouble",
]

PARAMETERS = "Parameters"

Kind = Literal["entry", "submission", "execution", "retry"]
KINDS: tuple[Kind, ...] = ("submission", "entry", "execution", "retry")


@attrs.frozen
class Read:
    """The attributes that a layer, or a hook, reads of a layer that it names."""

    layer: str
    names: tuple[str, ...]


@attrs.frozen
class Over:
    """A dimension of a fan-out."""

    layer: str
    attribute: str
    index: int | None


@attrs.frozen
class Failure:
    """An error that ``__call__`` raises.

    Args:
        index: In which split, None for all.
        attempts: In how many attempts, from the first on.
        error: The name of its class.
    """

    index: int | None
    attempts: int
    error: str


@attrs.frozen
class Hook:
    """A hook of a layer or of the flow.

    Args:
        kind: Its kind.
        does: Its action: see `tests.support.random_flows.source`.
        reads: The values that it reads.
        generator: Whether it is a generator that goes on after the event.
    """

    kind: Kind
    does: str
    reads: tuple[Read, ...] = ()
    generator: bool = False


@attrs.frozen
class Trouble:
    """A failure that repeats until its cause is removed.

    Args:
        layer: The layer.
        where: In which method: ``call``, ``exit`` (``__call__`` ends the process), or a kind of hook; ``plan`` if it
            fans out over a missing attribute, which stays missing.
        index: In which split, None for all.
    """

    layer: str
    where: str
    index: int | None = None


#: Troubles of ``__call__``.
CALL_TROUBLES = ("call", "exit")


@attrs.frozen(kw_only=True)
class LayerSpec:
    """A layer.

    Args:
        name: Its name.
        flow: The number of the flow's base that it is registered to.
        reads: The values that its ``__call__`` reads.
        over: The dimensions of its fan-out.
        pipelined: Whether it does so item by item.
        limit: How many splits of it may run at once, None for all.
        per_job: How many splits of it a job runs, None for one.
        tolerated: How many of its splits may fail, or which share; None if it tolerates none.
        widths: The numbers of items that its splits shard, in turn and over again; none if it shards nothing.
        failures: The errors that it raises.
        picky: Whether it raises an OSError where its value is a multiple of three.
        hooks: Its hooks.
        inherits: Whether its hooks are those of a base class.
        attempts: The number of its attempts.
        catch: The errors that it forgives.
        container: Virtual CPUs and memory.
        on_lambda: Whether AWS Lambda runs it once deployed; else AWS Batch.
    """

    name: str
    flow: int = 0
    reads: tuple[Read, ...] = ()
    over: tuple[Over, ...] = ()
    pipelined: bool = False
    limit: int | None = None
    per_job: int | None = None
    tolerated: float | None = None
    widths: tuple[int, ...] = ()
    failures: tuple[Failure, ...] = ()
    picky: bool = False
    hooks: tuple[Hook, ...] = ()
    inherits: bool = False
    attempts: int = 1
    catch: tuple[str, ...] = ()
    container: tuple[float, int] = (1, 1500)
    on_lambda: bool = False

    @property
    def depends(self) -> frozenset[str]:
        """The layers that it names, parameters among them."""
        named = {read.layer for read in self.reads} | {over.layer for over in self.over}
        return frozenset(named | {read.layer for hook in self.hooks for read in hook.reads})

    def has_hooks(self, kind: str) -> bool:
        """Return whether it has hooks of a kind of its own."""
        return any(hook.kind == kind for hook in self.hooks)


@attrs.frozen(kw_only=True)
class FlowSpec:
    """A flow, and how it is run.

    Args:
        name: Its name.
        layers: Its layers, each after its dependencies.
        order: The names of the layers in the order in which they are registered.
        bases: The number of flows that it is composed of.
        hooks: The hooks of the flow, which read parameters only.
        parameters: The arguments of its call.
        troubles: Its failures until their causes are removed; the second one comes after the first.
    """

    name: str
    layers: tuple[LayerSpec, ...]
    order: tuple[str, ...]
    bases: int = 1
    hooks: tuple[Hook, ...] = ()
    parameters: Mapping[str, Any] = attrs.field(factory=dict)
    troubles: tuple[Trouble, ...] = ()

    def layer(self, name: str) -> LayerSpec:
        """Return the layer of a name."""
        return next(layer for layer in self.layers if layer.name == name)

    def has_hooks(self, layer: LayerSpec, kind: str) -> bool:
        """Return whether a layer has hooks of a kind, its own or the flow's."""
        return layer.has_hooks(kind) or any(hook.kind == kind for hook in self.hooks)

    def ancestors(self, name: str) -> frozenset[str]:
        """Return all layers before a layer."""
        depends = self.layer(name).depends - {PARAMETERS}
        return depends.union(*(self.ancestors(parent) for parent in depends))

    def optional(self) -> frozenset[str]:
        """Return the layers that may be skipped."""
        found: set[str] = set()
        for layer in self.layers:
            if self.has_hooks(layer, "entry") or layer.depends & found:
                found.add(layer.name)
        return frozenset(found)

    def splits(self) -> dict[str, int]:
        """Return how many splits each layer has, if it runs."""
        found: dict[str, int] = {PARAMETERS: 1}
        for layer in self.layers:
            found[layer.name] = math.prod(self._elements(over, found) for over in layer.over)
        return found

    def elements(self, over: Over) -> int:
        """Return how many elements a dimension has."""
        return self._elements(over, self.splits())

    def _elements(self, over: Over, splits: Mapping[str, int]) -> int:
        if over.layer == PARAMETERS:
            return 1
        count = splits[over.layer]
        if over.attribute != "items":
            return count if over.index is None or count == 0 else 1
        widths = self.layer(over.layer).widths
        if over.index is None:
            return sum(widths[index % len(widths)] for index in range(count))
        return widths[over.index % len(widths)] if count else 0

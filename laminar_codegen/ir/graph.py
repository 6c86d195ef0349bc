"""The flow as data: what the compiler works on from here, without the flow's code.

Before: Flow objects with classes, methods and type hints. After: frozen values with names, in the order in which layers
were registered.
"""

from __future__ import annotations

import functools

import attrs

from laminar_codegen.ir.placement import (
    Container,
    Placement,
    Target,
    place,
)
from laminar_codegen.problems import Location
from laminar_runtime import Parameters
from laminar_runtime.configurations.datastores.s3_encryption import NO_ENCRYPTION, Encryption
from laminar_runtime.configurations.hooks.annotation import Kind
from laminar_runtime.types import Hint

__all__ = ["Container", "Dimension", "Graph", "LayerNode", "Retry", "Schedule"]

PARAMETERS = Parameters.__name__


@attrs.frozen
class Dimension:
    """One dimension of a fan-out: an attribute of a layer, as one split wrote it, or (None) as all did."""

    layer: str
    attribute: str
    index: int | None


@attrs.frozen
class Retry:
    """How often and after what waits, in seconds, a failed task is run again."""

    attempts: int
    delay: float
    backoff: float
    jitter: float


@attrs.frozen
class Schedule:
    """When a flow is started by itself: an expression of EventBridge Scheduler's, and its time zone."""

    expression: str
    timezone: str

    def __str__(self) -> str:
        return f"{self.expression} {self.timezone}"


@attrs.frozen
class LayerNode:
    """A layer.

    Args:
        name: Its name.
        location: Where it is defined.
        summary: The first line of its docstring, empty if it has none.
        depends: The layers that it depends on, sorted. What its hints do not name is not among them.
        hints: What its ``__call__`` and its hooks name.
        hooks: The kinds and names of its hooks.
        container: Its container.
        foreach: The dimensions of its fan-out, none if it runs once.
        retry: How it is retried.
        optional: Whether it may be skipped: by an entry hook of its own, or as what it depends on may be.
        executor: What runs it.
        calls: What stands for its ``__call__`` if it has none: the method whose name comes nearest, or an empty text.
        initialised: Whether its class has an ``__init__`` of its own.
        pipelined: Whether its splits go on where those of another fan-out end, each where that of its index does.
    """

    name: str
    location: Location
    summary: str
    depends: tuple[str, ...]
    hints: tuple[Hint, ...]
    hooks: tuple[tuple[Kind, str], ...]
    container: Container
    foreach: tuple[Dimension, ...]
    retry: Retry
    executor: Target
    optional: bool = False
    calls: str = "__call__"
    initialised: bool = False
    pipelined: bool = False

    @functools.cached_property
    def placement(self) -> Placement:
        """Its container, and what runs it."""
        return place(self.container, self.executor)

    def hooked(self, kind: Kind) -> bool:
        """Whether it has hooks of a kind."""
        return any(kind == own for own, _ in self.hooks)

    @functools.cached_property
    def sized(self) -> bool:
        """Whether its hooks decide on its containers: a retry hook does if there may be a next attempt."""
        return self.hooked("submission") or (self.hooked("retry") and self.retry.attempts > 1)

    @property
    def replanned(self) -> bool:
        """Whether its hooks have a say in the next attempt when one failed."""
        return self.retry.attempts > 1 and self.sized

    @functools.cached_property
    def planned(self) -> bool:
        """Whether only Python can know, before it starts, whether, how often and in what containers it runs."""
        return bool(self.foreach) or self.optional or self.sized


@attrs.frozen
class Graph:
    """A flow.

    Args:
        flow: Its name.
        location: Where it is defined.
        summary: The first line of its docstring, empty if it has none.
        layers: Its layers in the order of registration, but for `Parameters`, which never runs.
        in_memory: Whether its datastore is the memory of one process.
        timeout: Seconds after which a task is stopped, unless its layer says otherwise.
        prefix: What the labels of its resources begin with, where several flows are in one document.
        linked: Whether it follows another flow, from which its parameters are made.
        schedule: When it is started by itself, if it is.
        encryption: What writes to its datastore ask of S3.
    """

    flow: str
    location: Location
    summary: str
    layers: tuple[LayerNode, ...]
    in_memory: bool
    timeout: float
    prefix: str = ""
    linked: bool = False
    schedule: Schedule | None = None
    encryption: Encryption = NO_ENCRYPTION

    @functools.cached_property
    def placements(self) -> tuple[Placement, ...]:
        """The different containers of its layers, with what runs them."""
        return tuple(dict.fromkeys(layer.placement for layer in self.layers))

    @property
    def with_planner(self) -> tuple[LayerNode, ...]:
        """The layers that a planner is asked about: that of the first also makes the parameters of a linked flow."""
        return tuple(layer for place, layer in enumerate(self.layers) if layer.planned or (self.linked and place == 0))

    @functools.cached_property
    def pipelines(self) -> frozenset[str]:
        """The layers that run item by item, and those that they go on from."""
        pipelined = [layer for layer in self.layers if layer.pipelined]
        return frozenset(name for layer in pipelined for name in (layer.name, layer.foreach[0].layer))

    @property
    def keeps_input(self) -> bool:
        """Whether its parameters may be those that its state machine is started with, whoever reads them."""
        return not self.linked

    def timeout_of(self, target: Target) -> float:
        """Seconds after which a task of a layer is stopped.

        Args:
            target: What runs the layer.
        """
        return self.timeout if target.timeout is None else target.timeout

    def __str__(self) -> str:
        started = [f"  started by {self.schedule}"] if self.schedule else []
        lines = [self.flow, *started, *(f"  {_describe(layer)}" for layer in self.layers)]
        return "".join(f"{line}\n" for line in lines)


def _describe(layer: LayerNode) -> str:
    after = f" after {', '.join(layer.depends)}" if layer.depends else ""
    over = ", ".join(f"{item.layer}.{item.attribute}" for item in layer.foreach)
    each = f"{'item by item ' if layer.pipelined else ''}for each of {over}" if over else ""
    parts = [f"{layer.name}{after}", each, "may be skipped" if layer.optional else ""]
    return ", ".join(filter(None, [*parts, layer.executor.describe(layer.container)]))

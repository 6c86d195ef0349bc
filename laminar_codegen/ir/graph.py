"""The flow as data: the input of all later passes, which need no code of the flow.

Before: Flow objects with classes, methods and type hints. After: frozen values with names, in the order in which layers
were registered.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import attrs

from laminar_codegen.ir.placement import (
    USUAL_PLANNER,
    Container,
    Placement,
    PlannerSettings,
    Target,
    place,
)
from laminar_codegen.ir.settings import NO_SETTINGS, Settings
from laminar_codegen.ir.structs import Struct
from laminar_codegen.problems import Location
from laminar_runtime import Parameters
from laminar_runtime.configurations.datastores.s3_encryption import NO_ENCRYPTION, Encryption
from laminar_runtime.configurations.hooks.annotation import Kind
from laminar_runtime.configurations.layers import ForEach, Retry
from laminar_runtime.types import Hint

if TYPE_CHECKING:
    from laminar_runtime.inputs.shapes import Shape

__all__ = ["Container", "DeclaredParameter", "Dimension", "Graph", "LayerNode", "Retry", "Trigger"]

PARAMETERS = Parameters.__name__


@attrs.frozen(eq=False, repr=False)
class Dimension(Struct):
    """One dimension of a fan-out: an attribute of a layer, of one split or (None) of all splits."""

    layer: str
    attribute: str
    index: int | None


@attrs.frozen(eq=False, repr=False)
class DeclaredParameter(Struct):
    """A parameter that a flow declares.

    Args:
        name: Its name.
        shape: Its JSON form, None if its type has none.
        hint: Its type, as Python code names it.
        default: Its default, as the text of a JSON value; None if it is required.
        description: Its docstring.
        location: Where the class that declares it is defined.
        problems: What is wrong with its declaration.
    """

    name: str
    shape: Shape | None
    hint: str
    default: str | None
    description: str
    location: Location
    problems: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        """Whether each input must have it."""
        return self.default is None


@attrs.frozen(eq=False, repr=False)
class Trigger(Struct):
    """A trigger, which starts a flow without a caller.

    Args:
        kind: The name of its kind, see `laminar_codegen.triggers`.
        value: Its configuration, which only its kind understands. As text it follows "started by".
    """

    kind: str
    value: Any


@attrs.frozen(eq=False, repr=False)
class LayerNode(Struct):
    """A layer.

    Args:
        name: Its name.
        location: Where it is defined.
        summary: The first line of its docstring, empty if it has none.
        depends: The layers that it depends on, sorted: those that its hints and its fan-out name.
        hints: The type hints of its ``__call__`` and its hooks.
        hooks: The kinds and names of its hooks.
        container: Its container.
        foreach: The dimensions of its fan-out, none if it runs once.
        retry: Its retry.
        optional: Whether it may be skipped: by an entry hook of its own, or because a dependency may be.
        executor: The target that runs it.
        calls: ``__call__`` if it has one, else the method with the most similar name, or an empty text.
        initialised: Whether its class has an ``__init__`` of its own.
        pipelined: Whether each of its splits starts when the split of another fan-out with its index ends.
        fan_out: Its fan-out as configured, without the dimensions: a new argument of `ForEach` is found here.
        local_concurrency: What its executor runs at once on this machine, if the flow says so.
        inherited: The fields of its container that its flow gave, and it did not.
        pack: Whether it may share its job with other layers.
        split_seconds: The seconds of a split of it, if the planner decides how many of them a job runs.
        alternative: Another target, which it has in the place of its own if a profile is in favour of it.
        packed: Whether it shares its job with other layers. The job decides whether it is skipped.
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
    fan_out: ForEach = attrs.field(default=ForEach(), repr=False)
    local_concurrency: int | None = attrs.field(default=None, repr=False)
    inherited: frozenset[str] = attrs.field(default=frozenset(), repr=False)
    pack: bool = True
    split_seconds: float | None = None
    alternative: Target | None = attrs.field(default=None, repr=False)
    packed: bool = False

    @property
    def shares_splits(self) -> bool:
        """Whether its jobs share its splits, and each runs several of them."""
        return self.fan_out.shares_splits or self.split_seconds is not None

    @functools.cached_property
    def placement(self) -> Placement:
        """Its container and its target."""
        return place(self.container, self.executor)

    def has_hooks(self, kind: Kind) -> bool:
        """Return whether it has hooks of a kind."""
        return any(kind == own for own, _ in self.hooks)

    @functools.cached_property
    def sized(self) -> bool:
        """Whether its hooks choose its containers: a retry hook does if there may be a next attempt."""
        return self.has_hooks("submission") or (self.has_hooks("retry") and self.retry.attempts > 1)

    @property
    def replanned(self) -> bool:
        """Whether its hooks choose the container of the next attempt after a failed one."""
        return self.retry.attempts > 1 and self.sized

    @functools.cached_property
    def planned(self) -> bool:
        """Whether a planner must decide at run time whether, how often and in which containers it runs."""
        return bool(self.foreach) or (self.optional and not self.packed) or self.sized


@attrs.frozen(eq=False, repr=False)
class Graph(Struct):
    """A flow.

    Args:
        flow: Its name.
        location: Where it is defined.
        summary: The first line of its docstring, empty if it has none.
        layers: Its layers in the order of registration, except `Parameters`, which never runs.
        in_memory: Whether its datastore is the memory of one process.
        timeout: Seconds after which a task is stopped, unless its layer has a timeout of its own.
        prefix: The prefix of the labels of its resources, if several flows are in one document.
        linked: Whether it follows another flow, which provides its parameters.
        triggers: Its triggers, which start it without a caller.
        encryption: The encryption that writes to its datastore request from S3.
        inputs: The parameters that it declares, None if its parameters are untyped.
        misfits: What is wrong with the parameters of its triggers, which are not those that it declares.
        settings: How its deployment is operated. In a chain those of the first flow count.
        time_limit: Seconds after which an execution of it is ended, None without a limit of its own.
        planner: The settings of its planners.
    """

    flow: str
    location: Location
    summary: str
    layers: tuple[LayerNode, ...]
    in_memory: bool
    timeout: float
    prefix: str = ""
    linked: bool = False
    triggers: tuple[Trigger, ...] = ()
    encryption: Encryption = NO_ENCRYPTION
    inputs: tuple[DeclaredParameter, ...] | None = None
    misfits: tuple[str, ...] = ()
    time_limit: float | None = None
    settings: Settings = NO_SETTINGS
    planner: PlannerSettings = USUAL_PLANNER

    @functools.cached_property
    def placements(self) -> tuple[Placement, ...]:
        """The different placements of its layers."""
        return tuple(dict.fromkeys(layer.placement for layer in self.layers))

    @property
    def with_planner(self) -> tuple[LayerNode, ...]:
        """The layers that have a planner. The planner of the first also makes the parameters of a linked flow."""
        return tuple(layer for place, layer in enumerate(self.layers) if layer.planned or (self.linked and place == 0))

    @functools.cached_property
    def pipelines(self) -> frozenset[str]:
        """The layers that run item by item, and the layers whose splits they follow."""
        pipelined = [layer for layer in self.layers if layer.pipelined]
        return frozenset(name for layer in pipelined for name in (layer.name, layer.foreach[0].layer))

    @property
    def keeps_input(self) -> bool:
        """Whether its parameters may come from the input of its state machine."""
        return not self.linked

    def timeout_of(self, target: Target) -> float:
        """Return the seconds after which a task of a layer is stopped.

        Args:
            target: The target of the layer.
        """
        return self.timeout if target.timeout is None else target.timeout

    def __str__(self) -> str:
        started = [f"  started by {trigger.value}" for trigger in self.triggers]
        ended = [] if self.time_limit is None else [f"  ended after {self.time_limit:.10g} seconds"]
        lines = [self.flow, *started, *ended, *(f"  {_describe(layer)}" for layer in self.layers)]
        return "".join(f"{line}\n" for line in lines)


def _describe(layer: LayerNode) -> str:
    after = f" after {', '.join(layer.depends)}" if layer.depends else ""
    over = ", ".join(f"{item.layer}.{item.attribute}" for item in layer.foreach)
    each = f"{'item by item ' if layer.pipelined else ''}for each of {over}" if over else ""
    parts = [f"{layer.name}{after}", each, "may be skipped" if layer.optional else ""]
    return ", ".join(filter(None, [*parts, layer.executor.describe(layer.container)]))

"""Turns a loaded flow into a `Graph`. After this pass the flow is data, and no code of the user runs."""

from __future__ import annotations

import difflib
import inspect
from typing import Any

import attrs

from laminar_codegen.frontend.loader import Source
from laminar_codegen.frontend.locations import Locator
from laminar_codegen.frontend.read_inputs import find_misfits, read_inputs
from laminar_codegen.ir.graph import PARAMETERS, Dimension, Graph, LayerNode
from laminar_codegen.ir.placement import Network, PlannerSettings, container_of, network_of
from laminar_codegen.ir.settings import Settings
from laminar_codegen.targets.registry import alternative_of, target_of
from laminar_codegen.triggers.registry import parameters_of, triggers_of
from laminar_runtime import Flow, Layer, _records
from laminar_runtime.configurations import datastores, executors, hooks
from laminar_runtime.configurations.datastores.s3_encryption import NO_ENCRYPTION, Encryption
from laminar_runtime.configurations.executors import Executor
from laminar_runtime.configurations.schedulers.step_functions import StepFunctions
from laminar_runtime.layer import Definition
from laminar_runtime.types import resolve

__all__ = ["build_graph"]


def build_graph(source: Source) -> Graph:
    """Turn a flow into a graph.

    Args:
        source: The flow.

    Returns:
        Its graph, which may have problems: see `laminar_codegen.checks`.
    """
    flow, locator = source.flow, Locator(source)
    scheduler, network = source.scheduler, network_of(source.scheduler.network)
    triggers = triggers_of(scheduler)
    definitions = [definition for name, definition in flow.registry.items() if name != PARAMETERS]
    return Graph(
        flow=flow.name,
        location=locator.location(type(flow)),
        summary=_summary(type(flow), Flow),
        layers=_with_optional([_layer_node(definition, flow, locator, network) for definition in definitions]),
        in_memory=isinstance(flow.configuration.datastore, datastores.Memory),
        timeout=flow.configuration.executor.timeout,
        triggers=triggers,
        encryption=_encryption(flow.configuration.datastore),
        inputs=read_inputs(flow, locator),
        misfits=tuple(find_misfits(flow, parameters_of(triggers))),
        time_limit=flow.configuration.timeout,
        settings=Settings.of(scheduler),
        planner=_planner(scheduler, network),
    )


def _planner(scheduler: StepFunctions, network: Network | None) -> PlannerSettings:
    if scheduler.planner is None:
        return PlannerSettings(network=network)
    from laminar_codegen.targets.planners import planner_of  # few flows configure their planner

    return planner_of(scheduler.planner, network)


def _encryption(datastore: datastores.DataStore) -> Encryption:
    return datastore.requested_encryption() if isinstance(datastore, datastores.AWS.S3) else NO_ENCRYPTION


def _with_optional(layers: list[LayerNode]) -> tuple[LayerNode, ...]:
    """Mark the layers that may be skipped: those with an entry hook, and those that depend on them."""
    dependents: dict[str, list[str]] = {}
    for layer in layers:
        for name in layer.depends:
            dependents.setdefault(name, []).append(layer.name)
    todo = [layer.name for layer in layers if layer.has_hooks("entry")]
    found: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += dependents.get(name, [])
    return tuple(attrs.evolve(layer, optional=True) if layer.name in found else layer for layer in layers)


def _layer_node(definition: Definition, flow: Flow, locator: Locator, network: Network | None) -> LayerNode:
    cls, configuration = definition.layer, definition.configuration
    functions = (cls.__call__, *definition.hooks)
    hints = tuple(hint for function in functions for hint in resolve(function, flow.classes))
    dimensions = tuple(Dimension(item.name, item.attribute, item.index) for item in configuration.foreach.parameters)
    named = {hint.layer for hint in hints if hint.layer} | {item.layer for item in dimensions}
    alternative = alternative_of(configuration.executor, flow)
    return LayerNode(
        name=cls.__name__,
        location=locator.location(cls),
        summary=_summary(cls, Layer),
        depends=tuple(sorted(named)),
        hints=hints,
        hooks=tuple((kind, hook.__name__) for hook in definition.hooks if (kind := hooks.annotation.kind_of(hook))),
        container=container_of(configuration.container),
        foreach=dimensions,
        retry=configuration.retry,
        executor=target_of(configuration.executor, flow).in_network(network),
        calls=_calls(cls),
        initialised=cls.__init__ is not Layer.__init__,
        pipelined=configuration.foreach.pipelined,
        fan_out=_records.copy(configuration.foreach, parameters=()),
        local_concurrency=_local_concurrency(configuration.executor or flow.configuration.executor),
        inherited=_fields_of_flow(definition, flow),
        pack=configuration.pack,
        alternative=alternative and alternative.in_network(network),
    )


def _fields_of_flow(definition: Definition, flow: Flow) -> frozenset[str]:
    """Return the fields of a layer's container that its flow gave, and it did not."""
    base = flow.configuration.container
    if base is None:
        return frozenset()
    own = type(flow).registry[definition.layer.__name__].configuration.container
    return _records.given_fields(base) - _records.given_fields(own)


def _local_concurrency(executor: Executor) -> int | None:
    """Return what an executor runs at once on this machine, if the flow says so."""
    if isinstance(executor, executors.AWS.Auto):
        executor = executor.batch
    return executor.concurrency if "concurrency" in _records.given_fields(executor) else None


def _calls(cls: type[Layer]) -> str:
    """Return ``__call__`` if a layer defines it, else the most similar name of a method, '' without one."""
    if cls.__call__ is not Layer.__call__:
        return "__call__"
    own = [(base, name) for base in cls.__mro__ if base not in Layer.__mro__ for name in vars(base)]
    # Python spells `__call_` in class A as `_A__call_`.
    written = [name.removeprefix(f"_{base.__name__.lstrip('_')}") for base, name in own if callable(vars(base)[name])]
    near = difflib.get_close_matches("__call__", written, n=1)
    return near[0] if near else ""


def _summary(cls: type[Any], base: type[Any]) -> str:
    """Return the first line of a class's own docstring, not that of its base."""
    text = cls.__doc__ if cls.__doc__ != base.__doc__ else None
    return inspect.cleandoc(text).partition("\n")[0].strip() if text else ""

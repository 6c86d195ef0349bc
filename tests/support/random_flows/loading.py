"""Makes the classes of a random flow, in a world."""

from __future__ import annotations

from typing import Any

from laminar_runtime import Flow
from laminar_runtime.configurations import datastores, executors
from tests.support.random_flows import behaviour
from tests.support.random_flows.source import HEADER, source_of
from tests.support.random_flows.spec import FlowSpec

__all__ = ["deployable", "flow_of"]


def flow_of(spec: FlowSpec, world: behaviour.World, executor: executors.Thread) -> Flow:
    """Return a flow whose classes are not shared with any other run, with a datastore of its own in memory.

    All its layers run in this process.
    """
    namespace: dict[str, Any] = {**{name: getattr(behaviour, name) for name in behaviour.__all__}, "world": world}
    namespace["LAMBDA"] = None
    exec(compile(HEADER + source_of(spec), f"{spec.name}.py", "exec"), namespace)  # noqa: S102 - text of ours
    flow: Flow = namespace[spec.name](datastore=datastores.Memory(), executor=executor)
    return flow


def deployable(spec: FlowSpec, world: behaviour.World) -> Flow:
    """Return the flow of a file for a deployment: its layers run on their own executors."""
    flow = flow_of(spec, world, executors.Thread())
    for layer in spec.layers:
        if layer.on_lambda:
            flow.registry[layer.name].configuration.executor = executors.AWS.Lambda()
    return flow

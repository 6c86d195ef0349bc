"""Resumes executions from a layer: it and all layers after it lose their records, so that they run again.

A record says that a layer finished. A resume that only forgot the record of one layer would keep what others made of
its old results. So the layers after it lose theirs, the last ones first: whatever ends this process in between, no
layer without a record has one after it with a record.

In a chain, the layers of all flows after that of the layer run again, too. Their linkers make new parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from laminar_runtime.causes.objects import S3Objects
from laminar_runtime.causes.stopping import stop_jobs
from laminar_runtime.deployed.clients import calls
from laminar_runtime.deployed.descriptions import is_running, last_resume, title
from laminar_runtime.deployed.resuming import start_again
from laminar_runtime.exceptions import ExecutionError, FlowError, NotFoundError, StillRunningError
from laminar_runtime.storage.graphs import layers_from, read_graph
from laminar_runtime.storage.layout import LayerKey, joins_prefix

if TYPE_CHECKING:
    from laminar_runtime.deployed.deployment import Deployment
    from laminar_runtime.flow import Flow

__all__ = ["find_flows", "resume_from"]

#: The layer that never runs: an execution keeps its parameters.
_PARAMETERS = "Parameters"
#: The layers that each layer depends on, by flow, in the order in which the flows run.
_Graphs = Mapping[str, Mapping[str, Sequence[str]]]


def resume_from(deployment: Deployment, execution: str, layer: str, flow: Flow | None) -> None:
    """Run an execution again from a layer, whether it succeeded or not.

    Args:
        deployment: The deployment.
        execution: The execution's id.
        layer: The layer's name; if several flows of a chain have a layer of this name, ``Flow.Layer``.
        flow: The flow, for who has its code: it knows the graph if the execution itself has not noted it.

    Raises:
        StillRunningError: If the execution runs.
        NotFoundError: If it does not exist, has no such layer, or the layers after it are not known.
        FlowError: If several flows of a chain have a layer of this name.
        AccessDeniedError: If this process may not delete records.
    """
    what = f"{title(deployment, execution)} cannot be resumed from layer '{layer}'"
    with calls(what, ExecutionError):
        number, last = last_resume(deployment, execution)
        if is_running(last):
            raise StillRunningError(f"{what}: it still runs. Stop it, or wait for its end")
        objects = S3Objects(deployment.clients("s3"), deployment.datastore_root)
        lost = [*_layers_from(_graphs(deployment, objects, execution, flow), layer, what)]
        # A job that goes on would record its layer, or a split of it, again.
        stop_jobs(deployment.clients, last["executionArn"], f"layer '{layer}' runs again")
        for key in (LayerKey(flow_name, execution, name) for flow_name, name in lost):
            for prefix in (key.notes, key.failures):
                objects.delete(prefix)
        for flow_name in dict.fromkeys(flow_name for flow_name, _ in lost):
            # The layers that finished leave their marks again.
            objects.delete(joins_prefix(flow_name, execution))
        start_again(deployment, execution, number + 1, last.get("input", "{}"))


def find_flows(deployment: Deployment, objects: S3Objects, execution: str) -> tuple[str, ...]:
    """Return the flows of an execution: those of the deployment, or those that have a note on its graph.

    Args:
        deployment: The deployment.
        objects: The objects of the datastore.
        execution: The execution's id.
    """
    if deployment.flows:
        return deployment.flows
    return tuple(name for name in objects.names("") if read_graph(objects, name, execution) is not None)


def _graphs(deployment: Deployment, objects: S3Objects, execution: str, flow: Flow | None) -> _Graphs:
    """Return the graphs of the flows of an execution, as the execution has noted them, or by the code."""
    known: dict[str, Mapping[str, Sequence[str]]] = {}
    for name in (flow.name,) if flow and not deployment.flows else find_flows(deployment, objects, execution):
        noted = read_graph(objects, name, execution)
        if noted is not None:
            known[name] = {layer: facts["after"] for layer, facts in noted.items()}
        elif flow is not None and flow.name == name:
            own = {layer: sorted(found) for layer, found in flow.dependencies.items()}
            known[name] = {layer: found for layer, found in own.items() if layer != _PARAMETERS}
        elif deployment.flows:
            # A later flow of a chain that has not begun has nothing to lose.
            known[name] = {}
    return known


def _layers_from(graphs: _Graphs, layer: str, what: str) -> Iterator[tuple[str, str]]:
    """Yield the flows and names of a layer and of all layers after it, the last ones first."""
    named_flow, _, name = layer.rpartition(".")
    found = [flow for flow, graph in graphs.items() if name in graph and named_flow in {"", flow}]
    if not any(graphs.values()):
        fix = "find the deployment with its code, deployed.find(..., flow=...)"
        raise NotFoundError(f"{what}: no layer has begun, or an earlier release ran it. Resume it as a whole, or {fix}")
    if not found:
        known = ", ".join(f"{flow}.{one}" for flow, graph in graphs.items() for one in sorted(graph))
        raise NotFoundError(f"{what}: it has no such layer. Its layers: {known}")
    if len(found) > 1:
        choice = " or ".join(f"'{flow}.{name}'" for flow in found)
        raise FlowError(f"{what}: several flows have a layer of this name. Name one: {choice}")
    flows = list(graphs)
    for later in reversed(flows[flows.index(found[0]) + 1 :]):
        yield from ((later, one) for one in graphs[later])
    yield from ((found[0], one) for one in layers_from(graphs[found[0]], name))

"""The rules of the queues and roles that layers name: they hold for all flows of a chain together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.placement import USUAL
from laminar_codegen.limits import ROLE_NAME_LENGTH
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import LAM078, LAM120, LAM121
from laminar_codegen.targets import registry as targets
from laminar_codegen.targets.batch.target import BatchTarget, batch_target
from laminar_codegen.targets.companions.companion import NOTIFY
from laminar_codegen.triggers import registry as triggers

__all__ = ["PLACEMENT_RULES"]

#: The roles of each deployment that layers do not name.
_ALWAYS = frozenset({"state_machine", "planner"})


def check_queues(graphs: Sequence[Graph]) -> Iterator[Problem]:
    """Check that the layers of one job queue have one platform, and that all of them have a share, or none.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html
    """
    first: dict[str, LayerNode] = {}
    for layer in _layers(graphs):
        one, queue = batch_target(layer.placement), layer.placement.queue
        if one is None or queue is None:
            continue
        known = first.setdefault(queue.variable, layer)
        other = batch_target(known.placement) or one
        both = f"layers '{known.name}' and '{layer.name}' share the job queue {queue.variable}"
        if one.platform != other.platform:
            what = f"{both}, and run on {other.platform} and on {one.platform}: no queue has both"
            yield Problem(layer.location, LAM121, what, "give one of them another queue")
        if (one.share is None) != (other.share is None):
            without = layer if one.share is None else known
            what = (
                f"{both}, and '{without.name}' has no share_identifier: a queue with a fair-share policy takes no job "
                "without one, and any other queue none with one"
            )
            yield Problem(layer.location, LAM121, what, "give both a share_identifier, or give one another queue")


def check_queues_of_planners(graphs: Sequence[Graph]) -> Iterator[Problem]:
    """Check that planners that are jobs fit to the layers of their job queue."""
    layers = {layer.placement.queue: layer for layer in _layers(graphs) if batch_target(layer.placement)}
    for graph in graphs:
        own = graph.planner.target
        if not isinstance(own, BatchTarget) or not graph.with_planner:
            continue
        queue = own.queue(USUAL)
        found = next((layer for other, layer in layers.items() if other and other.variable == queue.variable), None)
        target = None if found is None else batch_target(found.placement)
        if found is not None and target is not None:
            both = f"the planner of flow '{graph.flow}' and layer '{found.name}' share the job queue {queue.variable}"
            if own.platform != target.platform:
                what = f"{both}, and run on {own.platform} and on {target.platform}: no queue has both"
                yield Problem(graph.location, LAM121, what, "give the planner another queue")
            if (own.share is None) != (target.share is None):
                what = f"{both}, and one of them has no share_identifier: a queue takes jobs with one, or without"
                yield Problem(
                    graph.location, LAM121, what, "give both a share_identifier, or the planner another queue"
                )


def check_network(graphs: Sequence[Graph]) -> Iterator[Problem]:
    """Warn of a network that no function is in: the flows have none."""
    first = graphs[0]
    planned = any(graph.with_planner and graph.planner.target is None for graph in graphs)
    if (
        first.planner.network is None
        or planned
        or any(targets.kind_of(one.executor).functions or one.alternative for one in _layers(graphs))
    ):
        return
    jobs = ", and its planner is a job" if first.planner.target is not None else ""
    what = f"flow '{first.flow}' has a network for functions of AWS Lambda and no such function{jobs}"
    fix = "leave it out: jobs are in the subnets of the compute environments of their queue"
    yield Problem(first.location, LAM078, what, fix)


def check_roles(graphs: Sequence[Graph]) -> Iterator[Problem]:
    """Check that the roles that layers name have names of their own, for one service, that IAM accepts."""
    first: dict[str, LayerNode] = {}
    for layer in _layers(graphs):
        role = layer.executor.role
        if role is None:
            continue
        known = first.setdefault(role, layer)
        if known is layer:
            yield from _name_problems(layer, role, graphs[0])
        if targets.kind_of(known.executor) is not targets.kind_of(layer.executor):
            services = f"on {known.executor.service} and on {layer.executor.service}"
            what = f"layers '{known.name}' and '{layer.name}' have the role '{role}', and run {services}"
            yield Problem(layer.location, LAM120, what, "give them different roles: a role trusts one service")


def _name_problems(layer: LayerNode, role: str, first: Graph) -> Iterator[Problem]:
    if role in _labels_of_kinds():
        what = f"layer '{layer.name}' has the role '{role}', and a role of deployments has this name"
        yield Problem(layer.location, LAM120, what, "choose another name")
    most = ROLE_NAME_LENGTH - len(f"{first.flow}-")
    if len(role) > most:
        what = f"layer '{layer.name}' has the role '{role}': with the flow's name it is too long for IAM"
        yield Problem(layer.location, LAM120, what, f"choose a name of at most {most} characters")


def _labels_of_kinds() -> frozenset[str]:
    """Return the labels of the roles that the compiler knows."""
    kinds = targets.kinds()
    of_kinds = {label for kind in kinds for label in kind.permissions}
    beside = {NOTIFY} | {kind.companion.label for kind in kinds if kind.companion is not None}
    of_triggers = {label for kind in triggers.kinds() for label in kind.permissions}
    return frozenset(_ALWAYS | of_kinds | beside | of_triggers)


def _layers(graphs: Sequence[Graph]) -> Iterator[LayerNode]:
    return (layer for graph in graphs for layer in graph.layers)


PLACEMENT_RULES = (check_queues, check_queues_of_planners, check_network, check_roles)

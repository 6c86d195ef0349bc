"""Decides which resources a deployment has. No other pass does.

Before: the graphs of flows, and their state machines. After: one `Deployment` with the job definitions, functions,
queues, roles, log groups, alarms and triggers that these need, and no others: a flow without fan-outs has no planner.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.deployment import Alarm, Deployment, LogGroup, Planner, Role, TaskResource
from laminar_codegen.ir.expressions import Joined, Ref
from laminar_codegen.ir.graph import Graph, Trigger
from laminar_codegen.ir.placement import Queue
from laminar_codegen.ir.settings import Settings
from laminar_codegen.limits import (
    FUNCTION_NAME_LENGTH,
    LONG_PERIOD,
    MACHINE_NAME_LENGTH,
    NAME_LENGTH,
    ROLE_NAME_LENGTH,
    SHORT_LOOK_BACK,
    SHORT_PERIOD,
)
from laminar_codegen.targets import registry as targets
from laminar_codegen.targets.kind import TargetKind
from laminar_codegen.triggers import registry as triggers
from laminar_codegen.triggers.timing import is_frequent

__all__ = ["ABORTED", "ALARMS", "allocate", "longest_name"]

_NAME = Ref("var.name")

#: The principals that assume roles.
_STATES, _LAMBDA = "states.amazonaws.com", "lambda.amazonaws.com"


def _of_executions(label: str, metric: str, description: str, *, period: int = 300, threshold: int = 0) -> Alarm:
    return Alarm(
        label=label,
        description=Joined(description, " of the state machine ", _NAME),
        namespace="AWS/States",
        metric=metric,
        statistic="Sum",
        dimensions={"StateMachineArn": Ref("aws_sfn_state_machine.flow.arn")},
        period=period,
        threshold=threshold,
    )


#: The alarms of all deployments, about the state machine that applications start.
#: https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
ALARMS = (
    _of_executions("failed", "ExecutionsFailed", "An execution failed"),
    _of_executions("timed_out", "ExecutionsTimedOut", "An execution timed out"),
    _of_executions("throttled", "ExecutionThrottled", "Step Functions throttled an execution"),
)
#: Those that a flow has a second time where its executions take turns: the execution that was started only fails.
_OF_RUNS = ALARMS[1:]

#: The alarm of those that ask for it.
ABORTED = _of_executions("aborted", "ExecutionsAborted", "An execution was aborted")


def allocate(graphs: Sequence[Graph], machines: Sequence[StateMachine]) -> Deployment:
    """Allocate the resources of a deployment.

    Args:
        graphs: The graphs of its flows. Flows that follow others come after these.
        machines: All state machines. The first is the one that applications start.

    Returns:
        The deployment.
    """
    resources = tuple(_resources(graphs))
    found = graphs[0].triggers
    return Deployment(
        graphs=tuple(graphs),
        machines=tuple(machines),
        resources=resources,
        queues=_queues(graphs, resources),
        # Kinds of targets may share a role, such as that of the tasks.
        roles=tuple({role.label: role for role in _roles(graphs, resources, found)}.values()),
        log_groups=tuple(_log_groups(resources)),
        alarms=tuple(_alarms(graphs[0].settings, machines, found)),
        triggers=found,
        longest_name=longest_name(graphs),
    )


def longest_name(graphs: Sequence[Graph]) -> int:
    """Return the greatest length of a deployment's name for which all names derived from it are valid.

    Args:
        graphs: The graphs of its flows.
    """
    most = min((triggers.kind_of(item).longest_name(item.value) for item in graphs[0].triggers), default=NAME_LENGTH)
    named = targets.kinds_by_role(_resources(graphs))
    most = min(most, ROLE_NAME_LENGTH - 1 - max(map(len, named), default=0))
    if len(graphs) == 1:
        return min(NAME_LENGTH, most)
    found = [function.label for function in targets.functions_of(_resources(graphs))]
    of_functions = FUNCTION_NAME_LENGTH - 1 - max(map(len, found), default=0)
    of_machines = MACHINE_NAME_LENGTH - 1 - max(len(f"{graph.prefix}{labels.LONGEST_PART}") for graph in graphs)
    return min(NAME_LENGTH, most, of_functions, of_machines)


def _resources(graphs: Sequence[Graph]) -> Iterator[Planner | TaskResource]:
    """Yield the resources that run layers: those that are not functions, then the functions flow by flow."""
    for kind in targets.kinds():
        if not kind.functions:
            for graph in graphs:
                yield from kind.resources(graph)
    for graph in graphs:
        yield from _planners(graph)
        for kind in targets.kinds():
            if kind.functions:
                yield from kind.resources(graph)


def _planners(graph: Graph) -> Iterator[Planner]:
    if graph.planner.target is not None:
        return
    flow = labels.flow(graph)
    containers = {label: container for container, label in labels.planner_functions(graph).items()}
    for label in sorted(containers):
        yield Planner(label, flow, containers[label], graph.encryption, graph.planner)


def _queues(graphs: Sequence[Graph], resources: Sequence[Planner | TaskResource]) -> tuple[Queue, ...]:
    """Return the job queues of layers and planners: those that kinds of targets list first, in their order."""
    of_layers = (placement.queue for graph in graphs for placement in graph.placements)
    found = (*of_layers, *(item.placement.queue for item in resources if isinstance(item, TaskResource)))
    used = dict.fromkeys(queue for queue in found if queue is not None)
    listed = [queue for kind in targets.kinds() for queue in kind.queues if queue in used]
    return tuple(dict.fromkeys([*listed, *used]))


def _roles(
    graphs: Sequence[Graph], resources: Sequence[Planner | TaskResource], found: Sequence[Trigger]
) -> Iterator[Role]:
    named = ", ".join(graph.flow for graph in graphs)
    flows = f"flow {named}" if len(graphs) == 1 else f"flows {named}"
    yield Role("state_machine", _STATES, f"Runs the {flows}", "runs the state machines")
    for kind, own in _by_kind(resources, functions=False):
        yield from kind.roles(flows, own)
    if any(isinstance(item, Planner) for item in resources):
        yield Role("planner", _LAMBDA, f"Plans the layers of the {flows}", "the planner has")
    for kind, own in _by_kind(resources, functions=True):
        yield from kind.roles(flows, own)
    for trigger in found:
        yield from triggers.kind_of(trigger).roles(trigger.value, flows)
    for companion in targets.companions_of(graphs):
        yield companion.role(flows)


def _log_groups(resources: Sequence[Planner | TaskResource]) -> Iterator[LogGroup]:
    found = ["state_machine"]
    for kind, own in _by_kind(resources, functions=False):
        found += kind.log_groups(own)
    found += sorted(item.label for item in resources if isinstance(item, Planner))
    for kind, own in _by_kind(resources, functions=True):
        found += kind.log_groups(own)
    return (LogGroup(label, labels.log_group(label)) for label in dict.fromkeys(found))


def _no_success(seconds: int, machines: Sequence[StateMachine], found: Sequence[Trigger]) -> Alarm:
    """Return the alarm for a scheduled flow of which no execution has succeeded for some time.

    Many short periods, because CloudWatch looks back some periods more before it decides that data are missing:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    # If executions take turns, one that is skipped succeeds: it does not get to the machine that runs the flow.
    runs = labels.MACHINE_IN_TURN if _take_turns(machines) else labels.MAIN
    period = SHORT_PERIOD if seconds <= SHORT_LOOK_BACK else LONG_PERIOD
    succeeded = _of_executions("no_success", "ExecutionsSucceeded", "No execution succeeded in time", period=period)
    return attrs.evolve(
        succeeded,
        dimensions={"StateMachineArn": Ref(f"aws_sfn_state_machine.{runs}.arn")},
        periods=math.ceil(seconds / period),
        missing=True,
        # While only rarer schedules are on, no execution needs to succeed in time.
        switches=tuple(one.switch for one in triggers.schedules_of(found) if is_frequent(one, seconds)),
    )


def _take_turns(machines: Sequence[StateMachine]) -> bool:
    return any(machine.name == labels.MACHINE_IN_TURN for machine in machines)


def _in_turn(alarm: Alarm) -> Alarm:
    """Return an alarm about the machine that runs the flow in its turn: the one that was started only fails then."""
    return attrs.evolve(
        alarm,
        label=f"run_{alarm.label}",
        description=Joined("In its turn: ", alarm.description),
        dimensions={"StateMachineArn": Ref(f"aws_sfn_state_machine.{labels.MACHINE_IN_TURN}.arn")},
    )


def _by_kind(
    resources: Sequence[Planner | TaskResource], *, functions: bool
) -> Iterator[tuple[TargetKind, list[TaskResource]]]:
    for kind in targets.kinds_of(resources):
        if kind.functions == functions:
            own = [item for item in resources if isinstance(item, TaskResource)]
            yield kind, [item for item in own if targets.kind_of(item.placement.target) is kind]


def _alarms(settings: Settings, machines: Sequence[StateMachine], found: Sequence[Trigger]) -> Iterator[Alarm]:
    yield from ALARMS
    if settings.aborted:
        yield ABORTED
    if _take_turns(machines):
        yield from map(_in_turn, (*_OF_RUNS, *([ABORTED] if settings.aborted else [])))
    if settings.no_success_in is not None:
        yield _no_success(settings.no_success_in, machines, found)
    for trigger in found:
        yield from triggers.kind_of(trigger).alarms(trigger.value)
    if settings.notices is not None:
        from laminar_codegen.targets.companions.notifier import NOT_REPORTED

        yield NOT_REPORTED

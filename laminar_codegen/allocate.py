"""Decides which resources a deployment has: the only pass that does.

Before: the graphs of flows, and their state machines. After: one `Deployment` with the job definitions, functions,
queues, roles, log groups, alarms and triggers that these need. A resource that no flow needs is not there: a flow
without fan-outs has no planner.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.deployment import (
    Alarm,
    Deployment,
    JobDefinition,
    LogGroup,
    Planner,
    Role,
    TaskFunction,
    Trigger,
)
from laminar_codegen.ir.expressions import Joined, Ref
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.placement import QUEUES, Queue
from laminar_codegen.limits import FUNCTION_NAME_LENGTH, MACHINE_NAME_LENGTH, NAME_LENGTH
from laminar_codegen.triggers import registry

__all__ = ["allocate", "longest_name"]

_NAME = Ref("var.name")

#: The principals that assume roles.
_STATES, _TASKS, _LAMBDA = "states.amazonaws.com", "ecs-tasks.amazonaws.com", "lambda.amazonaws.com"
_EVENTS = "events.amazonaws.com"

#: The alarms of a state machine: label, metric, description.
#: https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
_ALARMS = (
    ("failed", "ExecutionsFailed", "An execution failed"),
    ("timed_out", "ExecutionsTimedOut", "An execution timed out"),
    ("throttled", "ExecutionThrottled", "Step Functions throttled an execution"),
)


def allocate(graphs: Sequence[Graph], machines: Sequence[StateMachine]) -> Deployment:
    """Allocate the resources of a deployment.

    Args:
        graphs: The graphs of its flows. Flows that follow others come after these.
        machines: All state machines. The first is the one that applications start.

    Returns:
        The deployment.
    """
    job_definitions = tuple(item for graph in graphs for item in _job_definitions(graph))
    functions = tuple(item for graph in graphs for item in _functions(graph))
    triggers = registry.triggers_of(graphs[0])
    return Deployment(
        graphs=tuple(graphs),
        machines=tuple(machines),
        job_definitions=job_definitions,
        functions=functions,
        queues=_queues(graphs),
        roles=tuple(_roles(graphs, job_definitions, functions, triggers)),
        log_groups=tuple(_log_groups(job_definitions, functions)),
        alarms=tuple(_alarms(triggers)),
        triggers=triggers,
        longest_name=longest_name(graphs),
    )


def longest_name(graphs: Sequence[Graph]) -> int:
    """Return the greatest length of a deployment's name with which all names derived from it are valid.

    Args:
        graphs: The graphs of its flows.
    """
    if len(graphs) == 1:
        return NAME_LENGTH
    found = [
        *(label for graph in graphs for label in labels.planner_functions(graph).values()),
        *(label for graph in graphs for label in labels.task_functions(graph).values()),
    ]
    of_functions = FUNCTION_NAME_LENGTH - 1 - max(map(len, found), default=0)
    of_machines = MACHINE_NAME_LENGTH - 1 - max(len(f"{graph.prefix}{labels.LONGEST_PART}") for graph in graphs)
    return min(NAME_LENGTH, of_functions, of_machines)


def _job_definitions(graph: Graph) -> Iterator[JobDefinition]:
    flow = labels.flow(graph)
    placements = {label: placement for placement, label in labels.job_definitions(graph).items()}
    for label in sorted(placements):
        placement = placements[label]
        yield JobDefinition(label, flow, placement, graph.timeout_of(placement.target))


def _functions(graph: Graph) -> Iterator[Planner | TaskFunction]:
    yield from _planners(graph)
    yield from _task_functions(graph)


def _planners(graph: Graph) -> Iterator[Planner]:
    flow = labels.flow(graph)
    containers = {label: container for container, label in labels.planner_functions(graph).items()}
    for label in sorted(containers):
        yield Planner(label, flow, containers[label], graph.encryption)


def _task_functions(graph: Graph) -> Iterator[TaskFunction]:
    flow = labels.flow(graph)
    placements = {layer.name: layer.placement for layer in graph.layers}
    for layer, label in sorted(labels.task_functions(graph).items(), key=lambda item: item[1]):
        placement = placements[layer]
        yield TaskFunction(label, flow, placement, graph.timeout_of(placement.target))


def _queues(graphs: Sequence[Graph]) -> tuple[Queue, ...]:
    used = {placement.queue for graph in graphs for placement in graph.placements}
    return tuple(queue for queue in QUEUES if queue in used)


def _roles(
    graphs: Sequence[Graph],
    job_definitions: Sequence[JobDefinition],
    functions: Sequence[Planner | TaskFunction],
    triggers: Sequence[Trigger],
) -> Iterator[Role]:
    named = ", ".join(graph.flow for graph in graphs)
    flows = f"flow {named}" if len(graphs) == 1 else f"flows {named}"
    yield Role("state_machine", _STATES, f"Runs the {flows}", "runs the state machines")
    if job_definitions:
        yield Role("task", _TASKS, f"What the layers of the {flows} may do", "the tasks have")
    if any(item.placement.has_execution_role for item in job_definitions):
        yield Role("execution", _TASKS, f"Starts the containers of the {flows}", "starts the containers of tasks")
    if any(isinstance(function, Planner) for function in functions):
        yield Role("planner", _LAMBDA, f"Plans the layers of the {flows}", "the planner has")
    if any(isinstance(function, TaskFunction) for function in functions):
        description = f"What the layers of the {flows} on AWS Lambda may do"
        yield Role("function", _LAMBDA, description, "the tasks on AWS Lambda have")
    for trigger in triggers:
        yield from registry.kind_of(trigger).roles(flows)
    if any(graph.pipelines for graph in graphs):
        description = f"Has jobs of the {flows} end with executions"
        yield Role(labels.STOP_JOBS, _EVENTS, description, "has jobs end with their executions")


def _log_groups(
    job_definitions: Sequence[JobDefinition], functions: Sequence[Planner | TaskFunction]
) -> Iterator[LogGroup]:
    found = ["state_machine"]
    if any(item.placement.container.log_driver == "awslogs" for item in job_definitions):
        found.append(labels.TASKS)
    for kind in (Planner, TaskFunction):
        found += sorted(function.label for function in functions if isinstance(function, kind))
    return (LogGroup(label, labels.log_group(label)) for label in found)


def _alarms(triggers: Sequence[Trigger]) -> Iterator[Alarm]:
    for label, metric, description in _ALARMS:
        yield Alarm(
            label=label,
            description=Joined(description, " of the state machine ", _NAME),
            namespace="AWS/States",
            metric=metric,
            statistic="Sum",
            dimensions={"StateMachineArn": Ref("aws_sfn_state_machine.flow.arn")},
        )
    for trigger in triggers:
        yield from registry.kind_of(trigger).alarms(trigger.value)

"""Planners that are jobs of AWS Batch, where an organisation has no AWS Lambda.

Before: the container of a planned layer. After: the job definition of its planner, with the same image, and the job
that answers a question of the state machine. The job starts the container's own command, and leaves its answer in the
datastore: see `laminar_runtime.plan_layer`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import DRIVE
from laminar_codegen.ir.expressions import Expression, Value
from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.placement import USUAL, Container, Placement, place
from laminar_codegen.targets.batch.job_definitions import JobDefinition
from laminar_codegen.targets.batch.states import of_job, of_size, pascal, tags_of
from laminar_codegen.targets.batch.target import on_ec2
from laminar_runtime import container_command, task_environment
from laminar_runtime.splits import job_container

__all__ = ["planner_job", "planner_jobs"]

_COMMAND = ("python", "-m", "laminar_runtime.plan_layer")
#: The field that only targets know and that planners have, too: what an image needs to be pulled. A planner is a plain
#: job, so its tasks have the tags of the job: its definition has none of a layer.
_KEPT = "registry_credentials"


def planner_jobs(graph: Graph) -> Iterator[JobDefinition]:
    """Yield the job definitions of the planners of a flow, sorted by label; none if they are functions.

    Args:
        graph: The graph of the flow.
    """
    if graph.planner.target is None:
        return
    flow, timeout = labels.flow(graph), graph.planner.timeout
    containers = {label: container for container, label in labels.planner_functions(graph).items()}
    for label in sorted(containers):
        yield JobDefinition(label, flow, _placement(graph, containers[label]), timeout)


def _placement(graph: Graph, container: Container) -> Placement:
    """Return the container and the target of the planner of a container."""
    settings = graph.planner
    if settings.target is None:
        raise ValueError(f"the planner of flow '{graph.flow}' is a function")
    encryption = {
        task_environment.DATASTORE_ENCRYPTION: graph.encryption.kind,
        task_environment.DATASTORE_KMS_KEY_ID: graph.encryption.key,
    }
    variables = {
        **{name: text for name, text in encryption.items() if text is not None},
        **dict(container.environment),
        container_command.COMMAND: shlex.join(container.command),
    }
    own = attrs.evolve(
        USUAL,
        command=_COMMAND,
        cpu=settings.cpu,
        memory=settings.memory,
        image=container.image,
        workdir=container.workdir,
        architecture=container.architecture,
        environment=tuple(sorted(variables.items())),
        more=tuple((name, value) for name, value in container.more if name == _KEPT),
    )
    return place(own, settings.target)


def planner_job(graph: Graph, asked: LayerNode, layer: str, state: str, question: Expression) -> dict[str, Value]:
    """Return the arguments that submit a job of a planner.

    Args:
        graph: The graph of the flow.
        asked: The layer whose planner it is.
        layer: The layer about which it is asked.
        state: The name of the state that asks.
        question: The question, as text.
    """
    placement = _placement(graph, asked.container)
    label = labels.planner_functions(graph)[asked.container]
    environment: list[Value] = [
        {"Name": task_environment.LAYER_NAME, "Value": layer},
        {"Name": task_environment.EXECUTION_ID, "Value": Expression(DRIVE)},
        {"Name": task_environment.PLAN_QUESTION, "Value": question},
    ]
    node = attrs.evolve(asked, container=placement.container, executor=placement.target)
    return {
        **of_job(node, f"{graph.flow}-{state.replace(' ', '-')}", label),
        "Tags": tags_of(asked),
        "ContainerOverrides": {"Environment": environment, **of_size(placement)},
        **_strategy(asked, placement),
    }


def _strategy(asked: LayerNode, placement: Placement) -> dict[str, Value]:
    """Return the retry strategy if a submission hook may fail: AWS Batch starts the planner again, and it goes on."""
    attempts = asked.retry.attempts
    if attempts == 1 or not asked.has_hooks("submission"):
        return {}
    again = (task_environment.ASK_AGAIN,)
    strategy = job_container.retry_strategy(spot=False, attempts=attempts, on=again, ec2=on_ec2(placement))
    return {"RetryStrategy": pascal(strategy)}

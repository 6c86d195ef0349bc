"""Turns the containers of layers on AWS Batch into job definitions.

Before: a container, on Fargate or on EC2. After: its properties for AWS Batch, and the resource that declares it. A job
definition on Fargate has a network, a platform version and the role that starts it; on EC2 the instances have these.
It has the default size; jobs of other sizes override it. So a larger layer changes the state machine only, and running
executions keep the sizes of their jobs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import TaskResource
from laminar_codegen.ir.expressions import Ref, Value, merge
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.placement import Container, Placement
from laminar_codegen.ir.terraform import Block
from laminar_codegen.targets.batch import options
from laminar_codegen.targets.batch.labels import job_definitions as labels_of_jobs
from laminar_codegen.targets.batch.target import has_execution_role, on_ec2, usual_size
from laminar_runtime import task_environment
from laminar_runtime.configurations.containers import JOB_TAGS
from laminar_runtime.splits import job_container

__all__ = [
    "JobDefinition",
    "container_properties",
    "definition_tags",
    "emit_job_definition",
    "job_definitions",
    "platform",
]

_UPPER = re.compile("[A-Z]")

#: The properties that each container on Fargate has.
_ON_FARGATE: Mapping[str, Value] = {
    "fargatePlatformConfiguration": {"platformVersion": "LATEST"},
    "networkConfiguration": {"assignPublicIp": Ref('var.assign_public_ip ? "ENABLED" : "DISABLED"')},
}


class JobDefinition(TaskResource):
    """A job definition of AWS Batch."""

    __slots__ = ()


def job_definitions(graph: Graph) -> Iterator[JobDefinition]:
    """Yield the job definitions of a flow, sorted by label.

    Args:
        graph: The graph of the flow.
    """
    flow = labels.flow(graph)
    placements = {label: placement for placement, label in labels_of_jobs(graph).items()}
    for label in sorted(placements):
        placement = placements[label]
        yield JobDefinition(label, flow, placement, graph.timeout_of(placement.target))


def emit_job_definition(definition: JobDefinition) -> Block:
    """Emit the resource of a job definition.

    Args:
        definition: The job definition.
    """
    placement = definition.placement
    return Block(
        "aws_batch_job_definition",
        definition.label,
        {
            "name": labels.of_deployment(definition.label),
            "type": "container",
            "platform_capabilities": [platform(placement)],
            "container_properties": Ref(f"jsonencode(local.containers.{definition.label})"),
            # Running executions keep the revision that they started with.
            "deregister_on_new_revision": False,
            "propagate_tags": True,
            # The state machine retries failed jobs, and counts the attempts of the layer.
            "retry_strategy": _block(job_container.retry_strategy(spot=placement.container.spot)),
            "timeout": {"attempt_duration_seconds": int(definition.timeout)},
            "tags": Ref(f"merge(var.tags, local.job_tags.{definition.label})"),
            "depends_on": [labels.MADE_FIRST],
        },
        {"retry_strategy": {"evaluate_on_exit": {}}, "timeout": {}},
    )


def definition_tags(definition: JobDefinition) -> dict[str, Value]:
    """Return the tags of a job definition, besides those of the deployment.

    The tasks of its jobs have them, those of the children of array jobs included. The children do not have the tags of
    their array job, so these alone assign their costs.
    https://docs.aws.amazon.com/batch/latest/userguide/using-tags.html

    Args:
        definition: The job definition.
    """
    own = dict(definition.placement.container.requested.get("tags", ()))
    return {JOB_TAGS[0]: definition.flow, **own}


def platform(item: Placement) -> str:
    """Return the platform of a job definition.

    Args:
        item: Its container and its target.
    """
    return "EC2" if on_ec2(item) else "FARGATE"


def _block(value: Any) -> Any:
    """Return an argument of the AWS Batch API as a Terraform block, whose names are in snake case."""
    match value:
        case dict():
            return {
                _UPPER.sub(lambda letter: f"_{letter[0].lower()}", name): _block(item) for name, item in value.items()
            }
        case list():
            return [_block(item) for item in value]
        case _:
            return value


def container_properties(definition: JobDefinition) -> dict[str, Value]:
    """Return the container properties of a job definition for AWS Batch.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerProperties.html

    Args:
        definition: The job definition.
    """
    item = definition.placement
    container = item.container
    resources = job_container.job_resources(*usual_size(item), container.gpu)
    properties: dict[str, Value] = {
        "command": job_container.job_command(container.command, container.workdir),
        "environment": [
            {"name": task_environment.DATASTORE_ROOT, "value": Ref("var.datastore_root")},
            {"name": task_environment.FLOW_NAME, "value": definition.flow},
        ],
        "image": labels.image(container),
        "jobRoleArn": labels.role(item.target.role or "task"),
        "logConfiguration": _log_configuration(container),
        "resourceRequirements": [{"type": kind, "value": value} for kind, value in resources.items()],
    }
    if has_execution_role(item):
        properties["executionRoleArn"] = labels.role("execution")
    if not on_ec2(item):
        properties |= _ON_FARGATE
    return dict(sorted(merge(properties, options.properties(container, platform(item))).items()))


def _log_configuration(container: Container) -> dict[str, Value]:
    ours: dict[str, Value] = {
        "awslogs-group": Ref("aws_cloudwatch_log_group.tasks.name"),
        "awslogs-region": Ref("local.region"),
        "awslogs-stream-prefix": "task",
    }
    secret = container.secret_log_options
    given = {name: value for name, value in container.log_options if (name, value) not in secret}
    all_options: Mapping[str, Value] = {**(ours if container.log_driver == "awslogs" else {}), **given}
    return {
        "logDriver": container.log_driver,
        **({"options": all_options} if all_options else {}),
        **({"secretOptions": options.named_secrets(secret)} if secret else {}),
    }

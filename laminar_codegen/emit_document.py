"""Turns a state machine into a Terraform document that declares it and all that it needs.

Before: a state machine whose states refer to job definitions and planners. After: these, the roles with what they may
do, log groups, the state machine and the SSM parameter by which applications find it. What differs between environments
is a variable. What a flow does not need is not there: one without a fan-out has no planner.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from laminar_codegen import names, policies
from laminar_codegen.document import Block, Document, Output
from laminar_codegen.graph import Container, Graph
from laminar_codegen.states import StateMachine
from laminar_codegen.values import Joined, Ref, Value
from laminar_codegen.variables import emit_variables
from laminar_runtime import job_container, plan_layer, settings
from laminar_runtime.deployment import parameter_name

__all__ = ["emit_document"]

_NAME = Ref("var.name")
_TAGS = Ref("var.tags")
_KMS_KEY = Ref("var.kms_key_arn")
_PROVIDERS = {"aws": {"source": "hashicorp/aws", "version": "~> 6.0"}}
#: A planner's memory in MiB and seconds: it imports what the flow's file imports, and reads a few small objects.
_PLANNER_MEMORY = 1024
_PLANNER_TIMEOUT = 300


def emit_document(graph: Graph, machines: Sequence[StateMachine]) -> Document:
    """Emit a Terraform document.

    Args:
        graph: The graph.
        machines: Its state machines.

    Returns:
        The document. It is complete: with its variables given it can be applied.
    """
    return Document(
        comment=f"The flow {graph.flow}, compiled by laminar-codegen. Change the flow and compile it again.",
        providers=_PROVIDERS,
        variables=emit_variables(graph),
        locals=_locals(graph, machines),
        data=(
            Block("aws_caller_identity", "current", {}),
            Block("aws_partition", "current", {}),
            Block("aws_region", "current", {}),
            *policies.documents(graph, machines),
        ),
        resources=(
            *_log_groups(graph),
            *policies.roles(graph, machines),
            *_job_definitions(graph),
            *_planners(graph),
            *map(_state_machine, machines),
            _deployment(),
        ),
        outputs=_outputs(),
    )


def container_properties(container: Container) -> dict[str, Value]:
    """The container of a job definition, as AWS Batch takes it.

    Args:
        container: The container.
    """
    cpu, memory = _size(container)
    return {
        "command": job_container.job_command(container.command, container.workdir),
        "environment": [
            {"name": settings.DATASTORE_ROOT, "value": Ref("var.datastore_root")},
            {"name": settings.FLOW_NAME, "value": Ref("local.flow")},
        ],
        "executionRoleArn": Ref("aws_iam_role.execution.arn"),
        "fargatePlatformConfiguration": {"platformVersion": "LATEST"},
        "image": image(container),
        "jobRoleArn": Ref("aws_iam_role.task.arn"),
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": Ref("aws_cloudwatch_log_group.tasks.name"),
                "awslogs-region": Ref("data.aws_region.current.region"),
                "awslogs-stream-prefix": "task",
            },
        },
        "networkConfiguration": {"assignPublicIp": Ref('var.assign_public_ip ? "ENABLED" : "DISABLED"')},
        "resourceRequirements": [
            {"type": kind, "value": value} for kind, value in job_container.job_resources(cpu, memory).items()
        ],
    }


def image(container: Container) -> Value:
    """The image of a container: its own, or the deployment's."""
    return Ref("var.image") if container.image is None else container.image


def _size(container: Container) -> tuple[float, int]:
    return job_container.fargate_size(container.cpu, container.memory) or (container.cpu, container.memory)


def _locals(graph: Graph, machines: Sequence[StateMachine]) -> dict[str, Value]:
    """The parts that are read most, the state machine and the containers, as structures: so diffs are small."""
    return {
        "flow": graph.flow,
        "datastore_bucket": Ref('regex("^s3://([^/]+)", var.datastore_root)[0]'),
        # Empty, or ending in a slash.
        "datastore_prefix": Ref(
            'join("", [for path in regex("^s3://[^/]+/?(.*?)/?$", var.datastore_root) : "${path}/" if path != ""])'
        ),
        "containers": {label: container_properties(item) for label, item in names.containers(graph).items()},
        **{_definition(machine): machine.fields() for machine in machines},
    }


def _log_groups(graph: Graph) -> list[Block]:
    # The prefix keeps the resource policy of CloudWatch Logs short:
    # https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
    groups = {
        "state_machine": Joined("/aws/vendedlogs/states/", _NAME),
        "tasks": Joined("/aws/batch/", _NAME),
    }
    groups |= {label: Joined("/aws/lambda/", _NAME, f"-{label}") for label in names.planners(graph)}
    settled: dict[str, Value] = {"retention_in_days": Ref("var.log_retention_in_days"), "kms_key_id": _KMS_KEY}
    return [
        Block("aws_cloudwatch_log_group", label, {"name": name, **settled, "tags": _TAGS})
        for label, name in groups.items()
    ]


def _job_definitions(graph: Graph) -> list[Block]:
    return [
        Block(
            "aws_batch_job_definition",
            label,
            {
                "name": Joined(_NAME, f"-{label}"),
                "type": "container",
                "platform_capabilities": ["FARGATE"],
                "container_properties": Ref(f"jsonencode(local.containers.{label})"),
                # Executions that run while this is applied go on with the revision that they started with.
                "deregister_on_new_revision": False,
                "propagate_tags": True,
                "timeout": {"attempt_duration_seconds": int(graph.timeout)},
                "tags": _TAGS,
            },
        )
        for label in names.containers(graph)
    ]


def planner_function(container: Container) -> dict[str, Value]:
    """The planner's function for a container: made of the same image, and told how it starts a task.

    Args:
        container: The container.
    """
    return {
        "role": Ref("aws_iam_role.planner.arn"),
        "package_type": "Image",
        "image_uri": image(container),
        "image_config": {
            "entry_point": ["python", "-m", "awslambdaric"],
            "command": ["laminar_runtime.plan_layer.handler"],
            **({"working_directory": container.workdir} if container.workdir else {}),
        },
        "memory_size": _PLANNER_MEMORY,
        "timeout": _PLANNER_TIMEOUT,
        "environment": {
            "variables": {
                plan_layer.COMMAND: shlex.join(container.command),
                settings.DATASTORE_ROOT: Ref("var.datastore_root"),
                settings.FLOW_NAME: Ref("local.flow"),
            }
        },
    }


def _planners(graph: Graph) -> list[Block]:
    return [
        Block(
            "aws_lambda_function",
            label,
            {
                "function_name": Joined(_NAME, f"-{label}"),
                "description": Joined(
                    "Tells the state machine of the flow ", Ref("local.flow"), " how wide a layer fans out"
                ),
                **planner_function(container),
                "kms_key_arn": _KMS_KEY,
                "tracing_config": {"mode": "Active"},
                "tags": _TAGS,
                "depends_on": [f"aws_cloudwatch_log_group.{label}", "aws_iam_role_policy.planner"],
            },
        )
        for label, container in names.planners(graph).items()
    ]


def _definition(machine: StateMachine) -> str:
    """The local value that a machine's definition is."""
    return "definition" if machine.name == names.MAIN else f"definition_{machine.name}"


def _state_machine(machine: StateMachine) -> Block:
    return Block(
        "aws_sfn_state_machine",
        machine.name,
        {
            "name": names.machine(machine.name),
            "type": "STANDARD",
            "role_arn": Ref("aws_iam_role.state_machine.arn"),
            "definition": Ref(f"jsonencode(local.{_definition(machine)})"),
            "logging_configuration": {
                "level": "ERROR",
                "include_execution_data": True,
                "log_destination": Joined(Ref("aws_cloudwatch_log_group.state_machine.arn"), ":*"),
            },
            "tracing_configuration": {"enabled": True},
            "tags": _TAGS,
            # Step Functions checks when it is made that its role may do what it is to do.
            "depends_on": ["aws_iam_role_policy.state_machine"],
        },
    )


def _deployment() -> Block:
    machine = "state_machine_arn = aws_sfn_state_machine.flow.arn"
    value = f'jsonencode({{ {machine}, datastore_root = trimsuffix(var.datastore_root, "/") }})'
    return Block(
        "aws_ssm_parameter",
        "deployment",
        {
            "name": Joined(parameter_name(""), _NAME),
            "description": Joined("Where applications find the flow ", Ref("local.flow")),
            "type": "String",
            "value": Ref(value),
            "tags": _TAGS,
        },
    )


def _outputs() -> tuple[Output, ...]:
    return (
        Output(
            name="state_machine_arn",
            description="The state machine.",
            value=Ref("aws_sfn_state_machine.flow.arn"),
        ),
        Output(
            name="deployment",
            description="The name by which applications find the flow: AWS.StepFunctions(deployment=...).",
            value=_NAME,
        ),
        Output(
            name="task_role_arn",
            description="The role of the tasks: attach to it what the layers need besides the datastore.",
            value=Ref("aws_iam_role.task.arn"),
        ),
    )

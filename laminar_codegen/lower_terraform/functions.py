"""Turns containers into Lambda functions made of the same images: planners, and those that run layers on AWS Lambda.

Before: a container. After: the function's configuration, and the resource that declares it. Either kind of function
starts the container's own command, each by its handler.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from laminar_codegen import names
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.placement import Container, Placement
from laminar_codegen.ir.terraform import Block
from laminar_runtime import container_command, settings
from laminar_runtime.configurations.datastores.s3_encryption import NO_ENCRYPTION, Encryption

__all__ = ["emit_functions", "planner_function", "task_function"]

#: A planner's memory in MiB and seconds: it imports what the flow's file imports, and reads a few small objects.
_PLANNER_MEMORY = 1024
_PLANNER_TIMEOUT = 300


def emit_functions(graph: Graph) -> list[Block]:
    """The functions of a flow.

    Args:
        graph: The graph.
    """
    flow = names.flow(graph)
    planner = Joined("Tells the state machine of the flow ", flow, " how wide a layer fans out")
    runner = Joined("Runs a layer of the flow ", flow)
    return [
        *(
            _block(label, planner, planner_function(flow, item, graph.encryption), "planner")
            for label, item in names.planners(graph).items()
        ),
        *(
            _block(label, runner, task_function(flow, item, graph.timeout_of(item.target)), "function")
            for label, item in names.functions(graph).items()
        ),
    ]


def planner_function(flow: Ref, container: Container, encryption: Encryption = NO_ENCRYPTION) -> dict[str, Value]:
    """The planner's function for a container: made of the same image, and told how it starts a task.

    Args:
        flow: The name of the flow.
        container: The container.
        encryption: What writes to the flow's datastore ask of S3.
    """
    asked: dict[str, Value] = {
        settings.DATASTORE_ENCRYPTION: encryption.kind,
        settings.DATASTORE_KMS_KEY_ID: encryption.key,
    }
    return {
        "role": names.role("planner"),
        **_of_image(container, "laminar_runtime.plan_layer.handler"),
        "memory_size": _PLANNER_MEMORY,
        "timeout": _PLANNER_TIMEOUT,
        "environment": _environment(flow, container, {name: text for name, text in asked.items() if text is not None}),
    }


def task_function(flow: Ref, item: Placement, timeout: float) -> dict[str, Value]:
    """The function that runs the layers of a container.

    Args:
        flow: The name of the flow.
        item: The container, and what runs it.
        timeout: Seconds after which an invocation is stopped.
    """
    disk = item.container.ephemeral_storage
    return {
        "role": names.role("function"),
        **_of_image(item.container, "laminar_runtime.run_task.handler"),
        "memory_size": item.container.memory,
        "timeout": int(timeout),
        **({"ephemeral_storage": {"size": disk * 1024}} if disk is not None else {}),
        "environment": _environment(flow, item.container),
    }


def _of_image(container: Container, handler: str) -> dict[str, Value]:
    return {
        "package_type": "Image",
        "image_uri": names.image(container),
        "image_config": {
            "entry_point": ["python", "-m", "awslambdaric"],
            "command": [handler],
            **({"working_directory": container.workdir} if container.workdir else {}),
        },
        **({"architectures": [container.architecture]} if container.architecture != "x86_64" else {}),
    }


def _environment(flow: Ref, container: Container, more: Mapping[str, Value] | None = None) -> dict[str, Value]:
    return {
        "variables": {
            **(more or {}),
            container_command.COMMAND: shlex.join(container.command),
            settings.DATASTORE_ROOT: Ref("var.datastore_root"),
            settings.FLOW_NAME: flow,
        }
    }


def _block(label: str, description: Value, function: dict[str, Value], role: str) -> Block:
    return Block(
        "aws_lambda_function",
        label,
        {
            "function_name": names.of_deployment(label),
            "description": description,
            **function,
            "kms_key_arn": Ref("var.kms_key_arn"),
            "tracing_config": {"mode": "Active"},
            "tags": Ref("var.tags"),
            "depends_on": [f"aws_cloudwatch_log_group.{label}", f"aws_iam_role_policy.{role}"],
        },
    )

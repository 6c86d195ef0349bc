"""Turns containers into Lambda functions made of the same images: planners, and those that run layers on AWS Lambda.

Before: a container. After: the function's configuration, and the resource that declares it. Either kind of function
starts the container's own command, each by its handler.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import assert_never

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Planner, TaskFunction
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.placement import Container
from laminar_codegen.ir.terraform import Block
from laminar_runtime import container_command, task_environment

__all__ = ["configuration", "emit_function"]

#: A planner's memory in MiB and seconds: it imports what the flow's file imports, and reads a few small objects.
_PLANNER_MEMORY = 1024
_PLANNER_TIMEOUT = 300


def emit_function(function: Planner | TaskFunction) -> Block:
    """Emit the resource of a function.

    Args:
        function: The function.
    """
    match function:
        case Planner():
            role = "planner"
            description = Joined("Tells the state machine of the flow ", function.flow, " how wide a layer fans out")
        case TaskFunction():
            role = "function"
            description = Joined("Runs a layer of the flow ", function.flow)
        case _:
            assert_never(function)
    return Block(
        "aws_lambda_function",
        function.label,
        {
            "function_name": labels.of_deployment(function.label),
            "description": description,
            **configuration(function),
            "kms_key_arn": Ref("var.kms_key_arn"),
            "tracing_config": {"mode": "Active"},
            "tags": Ref("var.tags"),
            "depends_on": [f"aws_cloudwatch_log_group.{function.label}", f"aws_iam_role_policy.{role}"],
        },
    )


def configuration(function: Planner | TaskFunction) -> dict[str, Value]:
    """Return the role, the code and the size of a function.

    Args:
        function: The function.
    """
    match function:
        case Planner():
            return _planner(function)
        case TaskFunction():
            return _task(function)
        case _:
            assert_never(function)


def _planner(function: Planner) -> dict[str, Value]:
    encryption: dict[str, Value] = {
        task_environment.DATASTORE_ENCRYPTION: function.encryption.kind,
        task_environment.DATASTORE_KMS_KEY_ID: function.encryption.key,
    }
    asked = {name: text for name, text in encryption.items() if text is not None}
    return {
        "role": labels.role("planner"),
        **_of_image(function.container, "laminar_runtime.plan_layer.handler"),
        "memory_size": _PLANNER_MEMORY,
        "timeout": _PLANNER_TIMEOUT,
        "environment": _environment(function.flow, function.container, asked),
    }


def _task(function: TaskFunction) -> dict[str, Value]:
    disk = function.container.ephemeral_storage
    return {
        "role": labels.role("function"),
        **_of_image(function.container, "laminar_runtime.run_task.handler"),
        "memory_size": function.container.memory,
        "timeout": int(function.timeout),
        **({"ephemeral_storage": {"size": disk * 1024}} if disk is not None else {}),
        "environment": _environment(function.flow, function.container),
    }


def _of_image(container: Container, handler: str) -> dict[str, Value]:
    return {
        "package_type": "Image",
        "image_uri": labels.image(container),
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
            task_environment.DATASTORE_ROOT: Ref("var.datastore_root"),
            task_environment.FLOW_NAME: flow,
        }
    }

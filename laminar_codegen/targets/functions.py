"""Turns containers into Lambda functions of the same images: planners, and those that run layers on AWS Lambda.

Before: a container. After: the function's configuration, and the resource that declares it. The handlers of both kinds
of functions start the container's own command.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import TypeGuard

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Planner, TaskResource
from laminar_codegen.ir.expressions import Input, Joined, Ref, Value
from laminar_codegen.ir.placement import Container, Network
from laminar_codegen.ir.terraform import Block
from laminar_runtime import container_command, task_environment

__all__ = [
    "PLANNER_IMAGES",
    "emit_function",
    "emit_planner",
    "environment_of",
    "in_network",
    "may_be_null",
    "of_image",
    "planner_configuration",
    "planner_images",
]

#: The local value with the images of layers, by the labels of planners that may have another one.
PLANNER_IMAGES = "planner_images"


def emit_function(
    function: Planner | TaskResource,
    role: str,
    description: Joined,
    configuration: Mapping[str, Value],
    tags: Ref = Ref("var.tags"),  # noqa: B008 - a frozen value
) -> Block:
    """Emit the resource of a function.

    Args:
        function: The function.
        role: The label of its role.
        description: Its description in the account.
        configuration: Its code, its environment and its size.
        tags: Its tags.
    """
    return Block(
        "aws_lambda_function",
        function.label,
        {
            "function_name": labels.of_deployment(function.label),
            "description": description,
            **configuration,
            "kms_key_arn": Ref("var.kms_key_arn"),
            "tracing_config": {"mode": "Active"},
            "tags": tags,
            "depends_on": [f"aws_cloudwatch_log_group.{function.label}", f"aws_iam_role_policy.{role}"],
        },
        {
            "environment": {},
            "ephemeral_storage": {},
            "file_system_config": {},
            "image_config": {},
            "tracing_config": {},
            "vpc_config": {},
        },
    )


def emit_planner(function: Planner) -> Block:
    """Emit the resource of a planner.

    Args:
        function: The planner.
    """
    description = Joined("Tells the state machine of the flow ", function.flow, " how wide a layer fans out")
    return emit_function(function, "planner", description, planner_configuration(function))


def planner_configuration(function: Planner) -> dict[str, Value]:
    """Return the role, the code, the environment and the size of a planner.

    Args:
        function: The planner.
    """
    encryption: dict[str, Value] = {
        task_environment.DATASTORE_ENCRYPTION: function.encryption.kind,
        task_environment.DATASTORE_KMS_KEY_ID: function.encryption.key,
    }
    asked = {name: text for name, text in encryption.items() if text is not None}
    return {
        "role": labels.role("planner"),
        **of_image(function.container, "laminar_runtime.plan_layer.handler"),
        "image_uri": _image(function),
        "memory_size": function.settings.memory,
        "timeout": int(function.settings.timeout),
        **in_network(function.network),
        "environment": environment_of(function.flow, function.container, asked),
    }


def _image(function: Planner) -> Value:
    own = function.settings.image
    if own is None:
        return labels.image(function.container)
    if may_be_null(own):
        return Ref(f"coalesce({own.expression}, local.{PLANNER_IMAGES}.{function.label})")
    return own


def may_be_null(image: str | Ref | None) -> TypeGuard[Ref]:
    """Return whether the image of a planner is a variable that may be null: its function has the layer's image then.

    Args:
        image: The image.
    """
    return isinstance(image, Input) and image.variable.default is None


def planner_images(planners: Iterable[Planner]) -> dict[str, Value]:
    """Return the local value with the images that planners have if no other is given; empty if none needs it.

    Args:
        planners: The planners.
    """
    found = {item.label: labels.image(item.container) for item in planners if may_be_null(item.settings.image)}
    return {PLANNER_IMAGES: found} if found else {}


def in_network(network: Network | None) -> dict[str, Value]:
    """Return the network of a function.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html

    Args:
        network: The network, None if it is in no VPC.
    """
    if network is None:
        return {}
    return {"vpc_config": {"subnet_ids": network.subnets, "security_group_ids": network.security_groups}}


def of_image(container: Container, handler: str) -> dict[str, Value]:
    """Return the code of a function of an image.

    Args:
        container: The container with the image.
        handler: The handler of the function.
    """
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


def environment_of(flow: Ref, container: Container, more: Mapping[str, Value] | None = None) -> dict[str, Value]:
    """Return the environment of a function.

    Args:
        flow: The name of the flow.
        container: The container with the command that the function runs.
        more: Further variables.
    """
    return {
        "variables": {
            **(more or {}),
            **dict(container.environment),
            container_command.COMMAND: shlex.join(container.command),
            task_environment.DATASTORE_ROOT: Ref("var.datastore_root"),
            task_environment.FLOW_NAME: flow,
        }
    }

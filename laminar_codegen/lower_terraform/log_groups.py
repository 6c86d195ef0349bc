"""Turns a log group into the resource that declares it."""

from __future__ import annotations

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import LogGroup
from laminar_codegen.ir.expressions import Ref, Value
from laminar_codegen.ir.terraform import Block

__all__ = ["LOG_GROUP", "emit_log_group", "log_group_arguments"]

LOG_GROUP = "aws_cloudwatch_log_group"


def emit_log_group(group: LogGroup) -> Block:
    """Emit the resource of a log group.

    Args:
        group: The log group.
    """
    first = f"{LOG_GROUP}.{group.label}" == labels.MADE_FIRST
    after: dict[str, Value] = {} if first else {"depends_on": [labels.MADE_FIRST]}
    return Block(LOG_GROUP, group.label, {**log_group_arguments(group.name), **after})


def log_group_arguments(name: Value) -> dict[str, Value]:
    """Return the arguments of a log group.

    Args:
        name: Its name in the account.
    """
    return {
        "name": name,
        "retention_in_days": Ref("var.log_retention_in_days"),
        "kms_key_id": Ref("var.kms_key_arn"),
        "skip_destroy": Ref("var.keep_logs"),
        "tags": Ref("var.tags"),
    }

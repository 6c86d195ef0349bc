"""The addresses in the Terraform module ``flow`` of resources that a self-contained document declares itself.

===================================  =======================================================
in a self-contained document         in the module
===================================  =======================================================
``aws_iam_role.task[0]``             ``aws_iam_role.this["task"]``
``aws_sfn_state_machine.flow``       ``aws_sfn_state_machine.flow``
``aws_sfn_state_machine.part_1``     ``aws_sfn_state_machine.nested["part_1"]``
``aws_sqs_queue.schedule``           ``aws_sqs_queue.schedule[0]``
``aws_batch_job_definition.fargate`` not there
===================================  =======================================================
"""

from __future__ import annotations

from laminar_codegen.ir import labels
from laminar_codegen.lower_terraform.alarms import ALARM
from laminar_codegen.lower_terraform.iam_roles import ROLE, ROLE_POLICY
from laminar_codegen.lower_terraform.log_groups import LOG_GROUP
from laminar_codegen.lower_terraform.state_machines import PARAMETER, STATE_MACHINE
from laminar_codegen.triggers import registry

__all__ = ["EACH", "NESTED_MACHINES", "address_in_module"]

#: The label of resources that the module has for each element of a collection.
EACH = "this"
#: The label of all state machines except the main one.
NESTED_MACHINES = "nested"
_REPEATED = {ALARM, LOG_GROUP, ROLE, ROLE_POLICY}


def address_in_module(kind: str, label: str) -> str | None:
    """Return the address of a resource within the module.

    Args:
        kind: The type of the resource.
        label: Its label in a self-contained document.

    Returns:
        The address, None if the module does not have the resource.

    Example:
        >>> address_in_module("aws_iam_role", "task"), address_in_module("aws_batch_job_definition", "fargate")
        ('aws_iam_role.this["task"]', None)
    """
    if kind in _REPEATED:
        return f'{kind}.{EACH}["{label}"]'
    if kind == STATE_MACHINE and label != labels.MAIN:
        return f'{kind}.{NESTED_MACHINES}["{label}"]'
    if kind in {STATE_MACHINE, PARAMETER}:
        return f"{kind}.{label}"
    return f"{kind}.{label}[0]" if (kind, label) in _of_triggers() else None


def _of_triggers() -> set[tuple[str, str]]:
    known = (kind.in_module for kind in registry.kinds() if kind.in_module is not None)
    return {(block.type, block.label) for trigger in known for block in trigger.resources}

"""Turns a self-contained document into one that calls the Terraform module ``flow``.

Before: a document that declares the state machines with their roles, logs, schedule and alarms itself. After: one that
passes the parts that are the flow's own to the module, and still declares job definitions and functions. Both deploy
the same; ``moved`` blocks map the old addresses to the new ones, so that Terraform recreates nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import attrs

from laminar_codegen.allocate import ALARMS
from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.ir.expressions import Joined, Ref, Value, replace_references
from laminar_codegen.ir.terraform import Block, Call, Document, Module, Output
from laminar_codegen.lower_terraform import iam_roles
from laminar_codegen.lower_terraform.alarms import ALARM
from laminar_codegen.lower_terraform.module_addresses import address_in_module
from laminar_codegen.lower_terraform.outputs import schema_of
from laminar_codegen.lower_terraform.settings import as_inputs
from laminar_codegen.lower_terraform.shared_variables import PASSED_ON
from laminar_codegen.lower_terraform.state_machines import SCHEMA
from laminar_codegen.policies.statement import regional
from laminar_codegen.targets import registry as targets
from laminar_codegen.triggers import registry
from laminar_codegen.triggers.kind import InModule

__all__ = ["call_module"]

_LABEL = "flow"
#: Roles that the self-contained document makes unless they are given.
_COUNTED = {iam_roles.ROLE, iam_roles.ROLE_POLICY}
#: Local values that only the module uses.
_THEIRS = {iam_roles.TRUST, "role_prefix"}


def call_module(document: Document, module: Module, deployment: Deployment) -> Document:
    """Replace the resources of a document that the module ``flow`` makes by a call of the module.

    Args:
        document: The self-contained document of the same flows.
        module: The module.
        deployment: The deployment.

    Returns:
        A document that deploys the same.
    """
    moved = dict(_moves(document.resources, _other_alarms(deployment)))
    ours = [block for block in document.resources if _address(block) not in moved]
    starters = _starters(deployment)
    elsewhere: dict[str, Ref | Joined] = {
        "aws_cloudwatch_log_group.tasks.name": Ref(f'module.{_LABEL}.log_group_names["tasks"]'),
        # By their names: an input of the module cannot refer to a resource that the module makes of it.
        **{f"aws_sfn_state_machine.{machine.name}.arn": _arn(machine) for machine in deployment.machines},
    }
    roles: dict[str, Value] = {
        role.arn.expression.removeprefix("local."): Ref(f'module.{_LABEL}.role_arns["{role.label}"]')
        for role in deployment.roles
    }
    return attrs.evolve(
        document,
        locals={
            name: roles.get(name, replace_references(value, elsewhere.get))
            for name, value in document.locals.items()
            if name not in _THEIRS
        },
        resources=tuple(_resource(block, elsewhere, after=_address(block) in starters) for block in ours),
        outputs=tuple(map(_output, document.outputs)),
        calls=(_call(module, deployment),),
        moved=tuple(moved.items()),
    )


def _in_module(deployment: Deployment) -> Iterator[tuple[Any, InModule]]:
    """Yield the triggers that the module has."""
    for trigger in deployment.triggers:
        known = registry.kind_of(trigger).in_module
        if known is not None:
            yield trigger.value, known


def _other_alarms(deployment: Deployment) -> set[str]:
    """Return the addresses of the alarms that the module does not have."""
    known = {alarm.label for alarm in ALARMS}
    known |= {alarm.label for _, trigger in _in_module(deployment) for alarm in trigger.alarms}
    return {f"{ALARM}.{alarm.label}" for alarm in deployment.alarms if alarm.label not in known}


def _arn(machine: StateMachine) -> Joined:
    return regional("states", "stateMachine:", labels.machine(machine.name))


def _starters(deployment: Deployment) -> set[str]:
    """Return the addresses of the resources that start state machines: the module makes the machines before them."""
    of_triggers = (registry.kind_of(trigger).emit(trigger.value) for trigger in deployment.triggers)
    of_companions = (companion.emit() for companion in targets.companions_of(deployment.graphs))
    return {_address(block) for blocks in (*of_triggers, *of_companions) for block in blocks}


def _resource(block: Block, elsewhere: Mapping[str, Ref | Joined], *, after: bool) -> Block:
    """Return a resource that depends on the module, if it comes after it, instead of on resources in it."""
    body = {
        name: replace_references(value, elsewhere.get) for name, value in block.body.items() if name != "depends_on"
    }
    depends: dict[str, Value] = {"depends_on": [f"module.{_LABEL}"]} if after else {}
    return attrs.evolve(block, body={**body, **depends})


def _output(output: Output) -> Output:
    given = {"state_machine_arn": Ref(f"module.{_LABEL}.state_machine_arn")}
    return attrs.evolve(output, value=given.get(output.name, output.value))


def _call(module: Module, deployment: Deployment) -> Call:
    groups = {group.label: group.name for group in deployment.log_groups if group.label != "state_machine"}
    roles: dict[str, Value] = {
        role.label: {
            "service": role.service,
            "description": role.description,
            "policy": Ref(f"local.{iam_roles.POLICIES}.{role.label}"),
            "given": labels.is_given(role.label),
            "arn": Ref(f"try(local.given_role_arns.{role.label}, null)"),
        }
        for role in deployment.roles
    }
    triggers = {known.variable.name: known.argument(value) for value, known in _in_module(deployment)}
    return Call(
        _LABEL,
        module.source,
        module.version,
        {
            "name": Ref("var.name"),
            "place": {name: Ref(f"local.{name}") for name in ("account_id", "region")},
            "flows": [*deployment.flow_names],
            "datastore_root": Ref("var.datastore_root"),
            **({"parameters": Ref(f"jsonencode({SCHEMA.expression})")} if schema_of(deployment.graphs) else {}),
            "definitions": {
                machine.name: Ref(f"jsonencode({labels.definition(machine.name).expression})")
                for machine in deployment.machines
            },
            "roles": roles,
            "log_groups": groups,
            **triggers,
            **as_inputs(deployment.settings),
            **{variable.name: Ref(f"var.{variable.name}") for variable in PASSED_ON},
        },
    )


def _moves(resources: Iterable[Block], left: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the old and the new address of each resource that the module has, unless it is among those left out."""
    for block in resources:
        new = address_in_module(block.type, block.label)
        if new is not None and _address(block) not in left:
            yield _address(block), f"module.{_LABEL}.{new}"


def _address(block: Block) -> str:
    """Return the address of a resource in the self-contained document, where a role is made if none is given."""
    return f"{block.type}.{block.label}{'[0]' if block.type in _COUNTED else ''}"

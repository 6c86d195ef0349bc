"""Turns a self-contained document into one that calls the Terraform module ``flow``.

Before: a document that declares the state machines with their roles, logs, schedule and alarms itself. After: one that
passes the parts that are the flow's own to the module, and still declares job definitions and functions. Both deploy
the same; ``moved`` blocks map the old addresses to the new ones, so that Terraform recreates nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.terraform import Block, Call, Document, Output
from laminar_codegen.lower_terraform import iam_roles
from laminar_codegen.lower_terraform.shared_variables import PASSED_ON
from laminar_codegen.policies.statement import regional
from laminar_codegen.triggers import registry

__all__ = ["Module", "call_module"]

_LABEL = "flow"
#: What the module makes each for one element of something; it makes one of any other type of these, if at all.
_EACH = {
    "aws_cloudwatch_log_group",
    "aws_cloudwatch_metric_alarm",
    "aws_iam_role",
    "aws_iam_role_policy",
}
_MACHINE = "aws_sfn_state_machine"
_ONE = {_MACHINE, "aws_ssm_parameter"}
#: Roles that the self-contained document makes unless they are given.
_COUNTED = {"aws_iam_role", "aws_iam_role_policy"}
#: The resources after the module, which the module does not know.
_AFTER = {"aws_cloudwatch_event_rule", "aws_cloudwatch_event_target"}
#: Local values that only the module uses.
_THEIRS = {iam_roles.TRUST, "role_prefix"}


@attrs.frozen
class Module:
    """The module to call.

    Args:
        source: Its source: a path, or an address that Terraform knows,
            https://developer.hashicorp.com/terraform/language/block/module#source.
        version: The accepted versions, for a module in a registry.
    """

    source: str
    version: str | None = None


def call_module(document: Document, module: Module, deployment: Deployment) -> Document:
    """Replace the resources of a document that the module ``flow`` makes by a call of the module.

    Args:
        document: The self-contained document of the same flows.
        module: The module.
        deployment: The deployment.

    Returns:
        A document that deploys the same.
    """
    optional = {kind for item in deployment.triggers for kind in registry.kind_of(item).module_types}
    made = _EACH | _ONE | optional
    ours = [block for block in document.resources if block.type not in made]
    theirs = [block for block in document.resources if block.type in made]
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
            name: roles.get(name, _referring(value, elsewhere))
            for name, value in document.locals.items()
            if name not in _THEIRS
        },
        resources=tuple(_resource(block, elsewhere) for block in ours),
        outputs=tuple(map(_output, document.outputs)),
        calls=(_call(module, deployment),),
        moved=tuple(_moves(theirs, optional)),
    )


def _arn(machine: StateMachine) -> Joined:
    return regional("states", "stateMachine:", labels.machine(machine.name))


def _resource(block: Block, elsewhere: Mapping[str, Ref | Joined]) -> Block:
    """Return a resource that depends on the module instead of on resources in it."""
    body = {name: _referring(value, elsewhere) for name, value in block.body.items() if name != "depends_on"}
    after: dict[str, Value] = {"depends_on": [f"module.{_LABEL}"]} if block.type in _AFTER else {}
    return attrs.evolve(block, body={**body, **after})


def _output(output: Output) -> Output:
    given = {"state_machine_arn": Ref(f"module.{_LABEL}.state_machine_arn")}
    return attrs.evolve(output, value=given.get(output.name, output.value))


def _referring(value: Value, elsewhere: Mapping[str, Ref | Joined]) -> Value:
    """Return a value with its references renamed. JSONata expressions have none."""
    match value:
        case Ref(expression):
            return elsewhere.get(expression, value)
        case Joined(parts):
            return Joined(*(elsewhere.get(part.expression, part) if isinstance(part, Ref) else part for part in parts))
        case Mapping():
            return {name: _referring(item, elsewhere) for name, item in value.items()}
        case list() | tuple():
            return [_referring(item, elsewhere) for item in value]
        case _:
            return value


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
    triggers: dict[str, Value] = {}
    for trigger in deployment.triggers:
        triggers |= registry.kind_of(trigger).module_arguments(trigger.value)
    return Call(
        _LABEL,
        module.source,
        module.version,
        {
            "name": Ref("var.name"),
            "place": {name: Ref(f"local.{name}") for name in ("account_id", "region")},
            "flows": [*deployment.flow_names],
            "datastore_root": Ref("var.datastore_root"),
            "definitions": {
                machine.name: Ref(f"jsonencode({labels.definition(machine.name).expression})")
                for machine in deployment.machines
            },
            "roles": roles,
            "log_groups": groups,
            **triggers,
            **{variable.name: Ref(f"var.{variable.name}") for variable in PASSED_ON},
        },
    )


def _moves(theirs: list[Block], optional: Collection[str]) -> Iterator[tuple[str, str]]:
    for block in theirs:
        label = f'this["{block.label}"]' if block.type in _EACH else block.label
        if block.type == _MACHINE and block.label != labels.MAIN:
            label = f'nested["{block.label}"]'
        old = f"{block.type}.{block.label}{'[0]' if block.type in _COUNTED else ''}"
        yield old, f"module.{_LABEL}.{block.type}.{label}{'[0]' if block.type in optional else ''}"

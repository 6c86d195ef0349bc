"""The resources of the module: those of self-contained documents, repeated for each value of an input.

Before: the arguments of a resource of one flow. After: the same, with the references of the module::

    resource "aws_cloudwatch_log_group" "tasks" {        resource "aws_cloudwatch_log_group" "this" {
      name = "/aws/batch/${var.name}"                ->    for_each = local.log_groups
      ...
                                                           name = each.value
                                                           ...
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping

import attrs

from laminar_codegen.allocate import ALARMS
from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Alarm
from laminar_codegen.ir.expressions import Joined, Ref, Value, replace_references
from laminar_codegen.ir.settings import Settings
from laminar_codegen.ir.terraform import Block, Nested
from laminar_codegen.limits import ROLE_POLICY_CHARACTERS
from laminar_codegen.lower_terraform import account, iam_roles, state_machines
from laminar_codegen.lower_terraform.alarms import ALARM, alarm_arguments, own_arguments
from laminar_codegen.lower_terraform.log_groups import LOG_GROUP, log_group_arguments
from laminar_codegen.lower_terraform.module_addresses import EACH, NESTED_MACHINES, address_in_module
from laminar_codegen.lower_terraform.settings import apply_settings
from laminar_codegen.triggers import registry
from laminar_codegen.triggers.kind import InModule
from tools.flow_module.expressions import call, choose, if_given

__all__ = [
    "emit_alarms",
    "emit_log_groups",
    "emit_parameter",
    "emit_place",
    "emit_role_policies",
    "emit_roles",
    "emit_state_machines",
    "emit_trigger",
    "local_alarms",
    "place_values",
    "role_arns",
    "triggers",
]

_VALUE = Ref("each.value")
#: The settings of a deployment are inputs of the module.
_SETTINGS = Settings(
    log_level=Ref("var.log_level"),
    log_data=Ref("var.log_execution_data"),
    tracing=Ref("var.tracing"),
    role_path=Ref("var.role_path"),
    # None, so that who goes over to the module sees no change from no list to an empty one.
    ok_actions=Ref("length(var.ok_actions) > 0 ? var.ok_actions : null"),
)
#: The end of the name of a resource for a key, as the compiler makes it of a label.
_SUFFIX = Ref('replace(each.key, "_", "-")')
_READ_IF = Ref("var.place == null ? 1 : 0")
_PLACE = {
    "account_id": Ref("data.aws_caller_identity.current[0].account_id"),
    "region": Ref("data.aws_region.current[0].region"),
}


def _emit(
    kind: str, label: str, arguments: Mapping[str, Value], nested: Nested | None = None, comment: str = ""
) -> Block:
    """Emit a resource of the module, given the arguments that it would have in a self-contained document."""
    body = {name: _in_module(name, value) for name, value in arguments.items()}
    return apply_settings(Block(kind, label, body, nested or {}, comment), _SETTINGS)


def _in_module(name: str, value: Value) -> Value:
    if name == "depends_on" and isinstance(value, (list, tuple)):
        return [_whole(item) if isinstance(item, str) else item for item in value]
    return replace_references(value, _reference)


def _reference(expression: str) -> Ref | None:
    """Return the reference in the module for one in a self-contained document, None if both have the same."""
    role = re.fullmatch(r"local\.(\w+)_role_arn", expression)
    if role:
        return Ref(f'local.role_arns["{role[1]}"]')
    resource = re.fullmatch(r"(aws_\w+)\.(\w+)\.(\w+)", expression)
    address = address_in_module(resource[1], resource[2]) if resource else None
    return Ref(f"{address}.{resource[3]}") if resource and address else None


def _whole(address: str) -> str:
    """Return the address of all instances in the module of a resource of a self-contained document."""
    return re.sub(r"\[.*\]$", "", address_in_module(*address.split(".")) or address)


def emit_place() -> tuple[tuple[Block, ...], Block]:
    """Emit the data sources with the place of the provider, and the resource that keeps it. An input replaces them."""
    data = [block for block in account.READ if any(f".{block.type}." in read.expression for read in _PLACE.values())]
    keeps = {"count": _READ_IF, **account.place_arguments(_PLACE)}
    return (
        tuple(attrs.evolve(block, body={"count": _READ_IF}) for block in data),
        Block("terraform_data", "place", keeps),
    )


def place_values() -> dict[str, Value]:
    """Return the account and the region of the deployment, as local values."""
    kept, given = account.PLACE.replace(".input", "[0].input"), "var.place"
    return {name: choose(f"{given} == null", Ref(f"{kept}.{name}"), Ref(f"{given}.{name}")) for name in _PLACE}


def emit_log_groups() -> Block:
    """Emit the log groups."""
    comment = (
        "Made before all other resources: CloudWatch Logs refuses a name that is taken. Amazon SQS, CloudWatch alarms\n"
        "and AWS Batch would overwrite or share a resource of another deployment with this name."
    )
    arguments = {"for_each": Ref("local.log_groups"), **log_group_arguments(_VALUE)}
    return _emit(LOG_GROUP, EACH, arguments, comment=comment)


def emit_roles() -> Block:
    """Emit the roles."""
    service = Ref("each.value.service")
    silent = f'{service.expression} == "{iam_roles.NAMES_NO_ACCOUNT}"'
    statement = call("merge", iam_roles.trust_statement(service), choose(silent, {}, iam_roles.OF_ACCOUNT))
    trust = call("jsonencode", iam_roles.trust_policy(statement))
    arguments = iam_roles.role_arguments(_SUFFIX, Ref("each.value.description"), trust)
    comment = (
        "A role trusts a service for this account only, if the service names the account. AWS Lambda does not:\n"
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"
    )
    return _emit(iam_roles.ROLE, EACH, {"for_each": Ref("local.made"), **arguments}, comment=comment)


def emit_role_policies() -> Block:
    """Emit the policies of the roles. The compiler checks their length, and the module does it for other callers."""
    role = Ref(f"{iam_roles.ROLE}.{EACH}[each.key].id")
    arguments = iam_roles.role_policy_arguments(_SUFFIX, role, Ref("each.value.policy"))
    longest: dict[str, Value] = {
        "condition": Ref(f"try(length(jsonencode(jsondecode(each.value.policy))), 0) <= {ROLE_POLICY_CHARACTERS}"),
        "error_message": Joined(
            "The policy of the role ",
            Ref("each.key"),
            f" has more than the {ROLE_POLICY_CHARACTERS:,} characters that IAM takes: "
            "name what it is for by patterns.",
        ),
    }
    body = {"for_each": Ref("local.made"), **arguments, "lifecycle": {"precondition": longest}}
    return _emit(iam_roles.ROLE_POLICY, EACH, body)


def role_arns() -> Ref:
    """Return the ARNs of all roles, by their labels."""
    return call(
        "merge",
        Ref("{ for label, role in var.roles : label => role.arn if !contains(keys(local.made), label) }"),
        Ref(f"{{ for label, role in {iam_roles.ROLE}.{EACH} : label => role.arn }}"),
    )


def emit_state_machines() -> tuple[Block, ...]:
    """Emit the main state machine, and the nested ones."""
    main = state_machines.state_machine_arguments(labels.machine(labels.MAIN), Ref(f'var.definitions["{labels.MAIN}"]'))
    nested = state_machines.state_machine_arguments(labels.of_deployment(_SUFFIX), _VALUE)
    first = [*_strings(main["depends_on"]), f"{state_machines.STATE_MACHINE}.{NESTED_MACHINES}"]
    return (
        _emit(
            state_machines.STATE_MACHINE,
            labels.MAIN,
            {**main, "depends_on": first},
            state_machines.NESTED,
            _MACHINE_COMMENT,
        ),
        _emit(
            state_machines.STATE_MACHINE,
            NESTED_MACHINES,
            {"for_each": Ref("local.nested"), **nested},
            state_machines.NESTED,
        ),
    )


#: The comment about the order of resources.
_MACHINE_COMMENT = """\
Step Functions checks the permissions of the role when it makes a state machine. The nested ones are made and changed
first, so that a new execution runs one version of all. AWS deletes a state machine when its executions have ended, and
these end with the jobs that they wait for."""


def _strings(value: Value) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, (list, tuple)) else []


def emit_parameter() -> Block:
    """Emit the parameter by which applications find the flow."""
    several = Ref("{ for name, flows in { flows = var.flows } : name => flows if length(flows) > 1 }")
    typed = Ref(
        "{ for name, schema in { parameters = var.parameters } : name => jsondecode(schema) if schema != null }"
    )
    value = call("jsonencode", call("merge", state_machines.parameter_fields(), several, typed))
    return _emit(
        state_machines.PARAMETER,
        "deployment",
        state_machines.parameter_arguments(Ref("var.flows[0]"), value),
        comment="Applications find the flow by it: AWS.StepFunctions(deployment=...).",
    )


def triggers() -> Iterator[InModule]:
    """Yield the triggers that the module has."""
    return (kind.in_module for kind in registry.kinds() if kind.in_module is not None)


def emit_trigger(trigger: InModule) -> Iterator[Block]:
    """Emit the resources of a trigger, for an input that is not null.

    Args:
        trigger: The trigger.
    """
    count = Ref(f"var.{trigger.variable.name} == null ? 0 : 1")
    return (
        _emit(block.type, block.label, {"count": count, **block.body}, block.nested, block.comment)
        for block in trigger.resources
    )


def emit_alarms() -> Block:
    """Emit the alarms."""
    own = {name: Ref(f"each.value.{name}") for name in own_arguments(ALARMS[0])}
    return _emit(ALARM, EACH, {"for_each": Ref("local.alarms"), **alarm_arguments(_SUFFIX, own)})


def local_alarms() -> Value:
    """Return the arguments in which alarms differ, by label: those of the state machine, and those of triggers."""

    def add(alarms: Value, trigger: InModule) -> Value:
        return call("merge", alarms, if_given(f"var.{trigger.variable.name}", _by_label(trigger.alarms)))

    return functools.reduce(add, triggers(), _by_label(ALARMS))


def _by_label(alarms: Iterable[Alarm]) -> Value:
    return {alarm.label: replace_references(own_arguments(alarm), _reference) for alarm in alarms}

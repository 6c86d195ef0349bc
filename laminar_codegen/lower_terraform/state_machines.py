"""Turns state machines into resources, and the main one into the parameter by which applications find it."""

from __future__ import annotations

from collections.abc import Sequence

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.terraform import Block, Nested
from laminar_runtime.deployed import parameter_name

__all__ = [
    "NESTED",
    "PARAMETER",
    "SCHEMA",
    "STATE_MACHINE",
    "emit_parameter",
    "emit_state_machine",
    "parameter_arguments",
    "parameter_fields",
    "state_machine_arguments",
]

STATE_MACHINE = "aws_sfn_state_machine"
PARAMETER = "aws_ssm_parameter"
#: The schema of the flow's parameters.
SCHEMA = Ref("local.parameter_schema")
#: The nested blocks of a state machine.
NESTED: Nested = {
    "encryption_configuration": {},
    "logging_configuration": {},
    "timeouts": {},
    "tracing_configuration": {},
}
_TAGS = Ref("var.tags")
_KMS_KEY = Ref("var.kms_key_arn")
#: AWS deletes a state machine when its executions have ended, and these end with the jobs that they wait for. By
#: default the provider waits 5 minutes for that, and 1 minute until a change is visible everywhere.
_TIMEOUTS = {"create": "10m", "update": "10m", "delete": "60m"}


def emit_state_machine(machine: StateMachine) -> Block:
    """Emit the resource of a state machine.

    Args:
        machine: The state machine.
    """
    definition = Ref(f"jsonencode({labels.definition(machine.name).expression})")
    arguments = state_machine_arguments(labels.machine(machine.name), definition)
    return Block(STATE_MACHINE, machine.name, arguments, NESTED)


def state_machine_arguments(name: Value, definition: Ref) -> dict[str, Value]:
    """Return the arguments of a state machine.

    Args:
        name: Its name in the account.
        definition: Its definition, as JSON.
    """
    return {
        "name": name,
        "type": "STANDARD",
        "role_arn": labels.role("state_machine"),
        # `layer_descriptions` shows its changes: a new image would show the whole definition as new.
        "definition": Ref(f"sensitive({definition.expression})"),
        "logging_configuration": {
            "level": "ERROR",
            "include_execution_data": True,
            "log_destination": Joined(Ref("aws_cloudwatch_log_group.state_machine.arn"), ":*"),
        },
        "tracing_configuration": {"enabled": True},
        "encryption_configuration": _encryption(),
        "timeouts": _TIMEOUTS,
        "tags": _TAGS,
        # Step Functions checks the permissions of the role when it makes the state machine.
        "depends_on": ["aws_iam_role_policy.state_machine"],
    }


def _encryption() -> dict[str, Value]:
    """Return the encryption by a customer's key, if there is one."""
    return {
        "type": Ref('var.kms_key_arn == null ? "AWS_OWNED_KEY" : "CUSTOMER_MANAGED_KMS_KEY"'),
        "kms_key_id": _KMS_KEY,
        # The default, which is accepted with a customer's key only.
        "kms_data_key_reuse_period_seconds": Ref("var.kms_key_arn == null ? null : 300"),
    }


def emit_parameter(flows: Sequence[Ref], *, typed: bool) -> Block:
    """Emit the parameter by which applications find the main state machine of a deployment.

    Args:
        flows: The names of the flows.
        typed: Whether the document has a schema of the flow's parameters.
    """
    fields = parameter_fields()
    if len(flows) > 1:
        fields["flows"] = Ref(f"[{', '.join(name.expression for name in flows)}]")
    if typed:
        fields["parameters"] = SCHEMA
    written = ", ".join(f"{name} = {value.expression}" for name, value in fields.items())
    return Block(PARAMETER, "deployment", parameter_arguments(flows[0], Ref(f"jsonencode({{ {written} }})")))


def parameter_fields() -> dict[str, Ref]:
    """Return the fields of the parameter that all deployments have.

    A chain has the names of its flows, too, and a flow that declares its parameters their schema.
    """
    return {
        "state_machine_arn": Ref("aws_sfn_state_machine.flow.arn"),
        "datastore_root": Ref('trimsuffix(var.datastore_root, "/")'),
    }


def parameter_arguments(flow: Ref, value: Ref) -> dict[str, Value]:
    """Return the arguments of the parameter.

    Args:
        flow: The name of the first flow.
        value: Its content.
    """
    return {
        "name": Joined(parameter_name(""), Ref("var.name")),
        "description": Joined("Where applications find the flow ", flow),
        "type": "String",
        "value": value,
        "tags": _TAGS,
    }

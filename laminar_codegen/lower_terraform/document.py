"""Turns a state machine into a Terraform document that declares it and all that it needs.

Before: a state machine whose states refer to job definitions and planners. After: these, the roles with what they may
do, log groups, the state machine and the SSM parameter by which applications find it. What differs between environments
is a variable. What a flow does not need is not there: one without a fan-out has no planner.
"""

from __future__ import annotations

from collections.abc import Iterable

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.deployment import Deployment, LogGroup, Planner, TaskResource
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.terraform import MARK, Block, Document, Output
from laminar_codegen.lower_terraform import account, iam_roles
from laminar_codegen.lower_terraform.alarms import emit_alarm
from laminar_codegen.lower_terraform.layer_descriptions import emit_layers, layers
from laminar_codegen.lower_terraform.stop_jobs import ENDED, emit_rule, ended_executions
from laminar_codegen.lower_terraform.variables import emit_variables
from laminar_codegen.targets import registry as targets
from laminar_codegen.targets.functions import emit_planner
from laminar_codegen.triggers import registry as triggers
from laminar_runtime.deployment import parameter_name

__all__ = ["emit_document"]

_NAME = Ref("var.name")
_TAGS = Ref("var.tags")
_KMS_KEY = Ref("var.kms_key_arn")
#: A state machine is there until its executions have ended, and these end with the jobs that they wait for. Unless set
#: otherwise the provider waits for 5 minutes, and for 1 minute until a change is seen everywhere.
_TIMEOUTS = {"create": "10m", "update": "10m", "delete": "60m"}
_PROVIDERS = {"aws": {"source": "hashicorp/aws", "version": ">= 6.25, < 7"}}


def emit_document(deployment: Deployment) -> Document:
    """Emit a Terraform document.

    Args:
        deployment: The deployment.

    Returns:
        The document. It is complete: with its variables given it can be applied.
    """
    return Document(
        comment=f"{_flows(deployment)}, {MARK}. Change the flow and compile it again.",
        providers=_PROVIDERS,
        variables=emit_variables(deployment),
        locals=_locals(deployment),
        data=(*account.READ, account.emit_bucket()),
        resources=(
            account.emit_place(deployment.queues),
            emit_layers(),
            *map(_log_group, deployment.log_groups),
            *(block for role in deployment.roles for block in iam_roles.emit_role(role)),
            *(block for item in deployment.resources for block in _task_resource(item)),
            *map(_state_machine, deployment.machines),
            *(block for item in deployment.triggers for block in triggers.kind_of(item).emit(item.value)),
            *(emit_rule() if deployment.stops_jobs else ()),
            *map(emit_alarm, deployment.alarms),
            _parameter(deployment),
        ),
        outputs=_outputs(deployment),
    )


def _flows(deployment: Deployment) -> str:
    flows = ", ".join(deployment.flows)
    return f"The flow {flows}" if len(deployment.flows) == 1 else f"The flows {flows}"


def _locals(deployment: Deployment) -> dict[str, Value]:
    """Return the local values. State machines and containers are structures here, so that diffs are small."""
    used = targets.used_by(deployment.resources)
    return {
        **{labels.main(graph): graph.flow for graph in deployment.graphs},
        **account.local_values(),
        "datastore_bucket": Ref('regex("^s3://([^/]+)", var.datastore_root)[0]'),
        # Empty, or ending in a slash.
        "datastore_prefix": Ref(
            'join("", [for path in regex("^s3://[^/]+/?(.*?)/?$", var.datastore_root) : "${path}/" if path != ""])'
        ),
        "role_prefix": labels.role_prefix(),
        "given_role_arns": iam_roles.given_role_arns(deployment.roles),
        **{role.arn.expression.removeprefix("local."): _role_arn(role.label) for role in deployment.roles},
        **iam_roles.local_values(deployment),
        **{name: value for kind in used for name, value in kind.local_values(deployment).items()},
        **({ENDED: ended_executions(deployment)} if deployment.stops_jobs else {}),
        "layers": layers(deployment.graphs),
        **{
            labels.definition(machine.name).expression.removeprefix("local."): machine.fields()
            for machine in deployment.machines
        },
    }


def _role_arn(label: str) -> Ref:
    return Ref(f"try(local.given_role_arns.{label}, one(aws_iam_role.{label}[*].arn))")


def _task_resource(resource: Planner | TaskResource) -> Iterable[Block]:
    if isinstance(resource, Planner):
        return (emit_planner(resource),)
    return targets.kind_of(resource.placement.target).emit(resource)


def _log_group(group: LogGroup) -> Block:
    first = f"aws_cloudwatch_log_group.{group.label}" == labels.MADE_FIRST
    return Block(
        "aws_cloudwatch_log_group",
        group.label,
        {
            "name": group.name,
            "retention_in_days": Ref("var.log_retention_in_days"),
            "kms_key_id": _KMS_KEY,
            "skip_destroy": Ref("var.keep_logs"),
            "tags": _TAGS,
            **({} if first else {"depends_on": [labels.MADE_FIRST]}),
        },
    )


def _state_machine(machine: StateMachine) -> Block:
    return Block(
        "aws_sfn_state_machine",
        machine.name,
        {
            "name": labels.machine(machine.name),
            "type": "STANDARD",
            "role_arn": labels.role("state_machine"),
            # What changes in it is said by its layers: it would be shown whole, as removed, at each new image.
            "definition": Ref(f"sensitive(jsonencode({labels.definition(machine.name).expression}))"),
            "logging_configuration": {
                "level": "ERROR",
                "include_execution_data": True,
                "log_destination": Joined(Ref("aws_cloudwatch_log_group.state_machine.arn"), ":*"),
            },
            "tracing_configuration": {"enabled": True},
            "encryption_configuration": _encryption(),
            "timeouts": _TIMEOUTS,
            "tags": _TAGS,
            # Step Functions checks when it is made that its role may do what it is to do.
            "depends_on": ["aws_iam_role_policy.state_machine"],
        },
        {"encryption_configuration": {}, "logging_configuration": {}, "timeouts": {}, "tracing_configuration": {}},
    )


def _encryption() -> dict[str, Value]:
    """Return the encryption by a customer's key, if there is one."""
    return {
        "type": Ref('var.kms_key_arn == null ? "AWS_OWNED_KEY" : "CUSTOMER_MANAGED_KMS_KEY"'),
        "kms_key_id": _KMS_KEY,
        # The default, which may be named for a customer's key only.
        "kms_data_key_reuse_period_seconds": Ref("var.kms_key_arn == null ? null : 300"),
    }


def _parameter(deployment: Deployment) -> Block:
    fields = [
        "state_machine_arn = aws_sfn_state_machine.flow.arn",
        'datastore_root = trimsuffix(var.datastore_root, "/")',
    ]
    if len(deployment.flows) > 1:
        fields.append(f"flows = [{', '.join(name.expression for name in deployment.flow_names)}]")
    value = f"jsonencode({{ {', '.join(fields)} }})"
    return Block(
        "aws_ssm_parameter",
        "deployment",
        {
            "name": Joined(parameter_name(""), _NAME),
            "description": Joined("Where applications find the flow ", deployment.flow_names[0]),
            "type": "String",
            "value": Ref(value),
            "tags": _TAGS,
        },
    )


def _outputs(deployment: Deployment) -> tuple[Output, ...]:
    kinds = sorted(targets.used_by(deployment.resources), key=lambda kind: kind.functions)
    roles = dict(kind.task_role for kind in kinds if kind.task_role)
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
        *(
            Output(
                name=f"{role}_role_arn",
                description=f"The role of the {tasks}: attach to it what the layers need besides the datastore.",
                value=labels.role(role),
            )
            for role, tasks in roles.items()
        ),
        Output(
            name="role_arns",
            description="The roles by their labels, those that are given and those that are made.",
            value={role.label: role.arn for role in deployment.roles},
        ),
        Output(
            name="role_names",
            description="The names of the roles by their labels: what policies are attached to.",
            value={role.label: Ref(f'regex("[^/]+$", {role.arn.expression})') for role in deployment.roles},
        ),
        Output(
            name="policies",
            description="What each role may do: policies for those that are made elsewhere.",
            value=Ref(f"local.{iam_roles.POLICIES}"),
        ),
    )

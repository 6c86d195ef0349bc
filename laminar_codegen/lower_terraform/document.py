"""Turns a deployment into a Terraform document.

Before: resources as values. After: blocks for the job definitions and functions, the roles with their permissions, log
groups, the state machine and the SSM parameter by which applications find it. Values that differ between environments
are variables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Deployment, Planner, TaskResource
from laminar_codegen.ir.expressions import Ref, Value
from laminar_codegen.ir.terraform import MARK, Block, Document
from laminar_codegen.lower_terraform import account, dashboard, iam_roles
from laminar_codegen.lower_terraform.alarms import emit_alarm
from laminar_codegen.lower_terraform.dashboard import emit_dashboard
from laminar_codegen.lower_terraform.layer_descriptions import emit_layers, layers
from laminar_codegen.lower_terraform.log_groups import emit_log_group
from laminar_codegen.lower_terraform.outputs import emit_outputs, schema_of
from laminar_codegen.lower_terraform.settings import apply_settings
from laminar_codegen.lower_terraform.state_machines import emit_parameter, emit_state_machine
from laminar_codegen.lower_terraform.variables import emit_variables
from laminar_codegen.targets import registry as targets
from laminar_codegen.targets.functions import emit_planner, planner_images
from laminar_codegen.triggers import registry as triggers

__all__ = ["PROVIDERS", "check_addresses", "emit_document"]

PROVIDERS = {"aws": {"source": "hashicorp/aws", "version": ">= 6.25, < 7"}}


def emit_document(deployment: Deployment) -> Document:
    """Emit a Terraform document.

    Args:
        deployment: The deployment.

    Returns:
        The document. It is complete: Terraform can apply it with values for its variables.

    Raises:
        ValueError: If two resources have the same address: of one of them nothing would be left.
    """
    resources = tuple(apply_settings(block, deployment.settings) for block in _resources(deployment))
    check_addresses(resources)
    return Document(
        comment=f"{_flows(deployment)}, {MARK}. Change the flow and compile it again.",
        providers=PROVIDERS,
        variables=emit_variables(deployment),
        locals=_locals(deployment),
        data=(*account.READ, account.emit_bucket()),
        resources=resources,
        outputs=emit_outputs(deployment),
    )


def check_addresses(blocks: Iterable[Block]) -> None:
    """Check that no two resources have the same address. The rules refuse the names with which a flow could do so.

    Args:
        blocks: The resources.

    Raises:
        ValueError: If two have the same.
    """
    found = Counter(f"{block.type}.{block.label}" for block in blocks)
    if twice := [address for address, number in found.items() if number > 1]:
        raise ValueError(f"more than one resource has the address {', '.join(twice)}")


def _resources(deployment: Deployment) -> tuple[Block, ...]:
    return (
        account.emit_place(deployment.queues),
        emit_layers(),
        *map(emit_log_group, deployment.log_groups),
        *(block for role in deployment.roles for block in iam_roles.emit_role(role)),
        *(block for item in deployment.resources for block in _task_resource(item)),
        *map(emit_state_machine, deployment.machines),
        *(block for item in deployment.triggers for block in triggers.kind_of(item).emit(item.value)),
        *(block for companion in targets.companions_of(deployment.graphs) for block in companion.emit()),
        *map(emit_alarm, deployment.alarms),
        *emit_dashboard(deployment),
        emit_parameter(deployment.flow_names, typed=bool(schema_of(deployment.graphs))),
    )


def _flows(deployment: Deployment) -> str:
    flows = ", ".join(deployment.flows)
    return f"The flow {flows}" if len(deployment.flows) == 1 else f"The flows {flows}"


def _locals(deployment: Deployment) -> dict[str, Value]:
    """Return the local values. State machines and containers are structures here, so that diffs are small."""
    used = targets.kinds_of(deployment.resources)
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
        **{
            name: value
            for companion in targets.companions_of(deployment.graphs)
            for name, value in companion.local_values(deployment).items()
        },
        **planner_images(deployment.planners),
        **dashboard.local_values(deployment),
        "layers": layers(deployment.graphs),
        **schema_of(deployment.graphs),
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

"""Turns a state machine into a Terraform document that declares it and all that it needs.

Before: a state machine whose states refer to job definitions and planners. After: these, the roles with what they may
do, log groups, the state machine and the SSM parameter by which applications find it. What differs between environments
is a variable. What a flow does not need is not there: one without a fan-out has no planner.
"""

from __future__ import annotations

from collections.abc import Sequence

from laminar_codegen import names
from laminar_codegen.ir import ecr
from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.terraform import MARK, Block, Document, Output
from laminar_codegen.lower_terraform import account, iam_roles
from laminar_codegen.lower_terraform.alarms import emit_alarms
from laminar_codegen.lower_terraform.functions import emit_functions
from laminar_codegen.lower_terraform.job_definitions import container_properties, emit_job_definitions
from laminar_codegen.lower_terraform.layer_descriptions import emit_layers, layers
from laminar_codegen.lower_terraform.schedule import emit_schedule
from laminar_codegen.lower_terraform.start_permissions import logs_jobs, pulled
from laminar_codegen.lower_terraform.stop_jobs import ENDED, emit_rule, ended_executions
from laminar_codegen.lower_terraform.variables import emit_variables
from laminar_runtime.deployment import parameter_name

__all__ = ["emit_document"]

_NAME = Ref("var.name")
_TAGS = Ref("var.tags")
_KMS_KEY = Ref("var.kms_key_arn")
#: A state machine is there until its executions have ended, and these end with the jobs that they wait for. Unless told
#: otherwise the provider waits for 5 minutes, and for 1 minute until a change is seen everywhere.
_TIMEOUTS = {"create": "10m", "update": "10m", "delete": "60m"}
_PROVIDERS = {"aws": {"source": "hashicorp/aws", "version": ">= 6.25, < 7"}}


def emit_document(graphs: Sequence[Graph], machines: Sequence[StateMachine]) -> Document:
    """Emit a Terraform document.

    Args:
        graphs: The graphs of its flows, those that follow others after these.
        machines: All state machines, first the one that the deployment is.

    Returns:
        The document. It is complete: with its variables given it can be applied.
    """
    return Document(
        comment=f"{_named(graphs)}, {MARK}. Change the flow and compile it again.",
        providers=_PROVIDERS,
        variables=emit_variables(graphs),
        locals=_locals(graphs, machines),
        data=(*account.READ, account.emit_bucket()),
        resources=(
            account.emit_place(graphs),
            emit_layers(),
            *_log_groups(graphs),
            *iam_roles.roles(graphs, machines),
            *(block for graph in graphs for block in emit_job_definitions(graph)),
            *(block for graph in graphs for block in emit_functions(graph)),
            *map(_state_machine, machines),
            *(emit_schedule(graphs[0].schedule) if graphs[0].schedule else ()),
            *(emit_rule() if any(graph.pipelines for graph in graphs) else ()),
            *emit_alarms(graphs[0]),
            _deployment(graphs),
        ),
        outputs=_outputs(graphs),
    )


def _named(graphs: Sequence[Graph]) -> str:
    flows = ", ".join(graph.flow for graph in graphs)
    return f"The flow {flows}" if len(graphs) == 1 else f"The flows {flows}"


def _locals(graphs: Sequence[Graph], machines: Sequence[StateMachine]) -> dict[str, Value]:
    """The parts that are read most, the state machine and the containers, as structures: so diffs are small."""
    containers = {
        label: container_properties(names.flow(graph), item)
        for graph in graphs
        for label, item in names.jobs(graph).items()
    }
    return {
        **{names.main(graph): graph.flow for graph in graphs},
        **account.local_values(),
        "datastore_bucket": Ref('regex("^s3://([^/]+)", var.datastore_root)[0]'),
        # Empty, or ending in a slash.
        "datastore_prefix": Ref(
            'join("", [for path in regex("^s3://[^/]+/?(.*?)/?$", var.datastore_root) : "${path}/" if path != ""])'
        ),
        "role_prefix": names.role_prefix(),
        "given_role_arns": names.given_role_arns(*graphs),
        **{names.role(label).expression.removeprefix("local."): _role_arn(label) for label in names.roles(*graphs)},
        **iam_roles.local_values(graphs, machines),
        **_repositories(graphs),
        **({"containers": containers} if containers else {}),
        **({ENDED: ended_executions(machines)} if any(graph.pipelines for graph in graphs) else {}),
        "layers": layers(graphs),
        **{names.definition(machine.name).expression.removeprefix("local."): machine.fields() for machine in machines},
    }


def _role_arn(label: str) -> Ref:
    return Ref(f"try(local.given_role_arns.{label}, one(aws_iam_role.{label}[*].arn))")


def _repositories(graphs: Sequence[Graph]) -> dict[str, Value]:
    """The repositories in ECR of the images that jobs have, if a role of ours pulls them."""
    if not any(job.has_execution_role for job in names.jobs(*graphs).values()):
        return {}
    found = pulled(graphs)
    arn = 'format("arn:%s:ecr:%s:%s:repository/%s", local.partition, part[1], part[0], part[2])'
    parts = f'concat([for image in local.images : regexall("{ecr.REPOSITORY}", image)]...)'
    arns = f"[for part in {parts} : {arn}]"
    if not found.patterns:
        return {"images": [*found.images], "repositories": Ref(f"distinct({arns})")}
    # More than a policy can name: Terraform finds that of the deployment's image, the others are there as patterns.
    if not found.images:
        return {"repositories": [*found.patterns]}
    return {
        "images": [*found.images],
        "repository_patterns": [*found.patterns],
        "repositories": Ref(f"distinct(concat({arns}, local.repository_patterns))"),
    }


def _log_groups(graphs: Sequence[Graph]) -> list[Block]:
    tasks = (names.TASKS,) if logs_jobs(graphs) else ()
    labels = ("state_machine", *tasks, *names.planners(*graphs), *names.functions(*graphs))
    settled: dict[str, Value] = {
        "retention_in_days": Ref("var.log_retention_in_days"),
        "kms_key_id": _KMS_KEY,
        "skip_destroy": Ref("var.keep_logs"),
        "tags": _TAGS,
    }
    first = {names.MADE_FIRST.partition(".")[2]}
    return [
        Block(
            "aws_cloudwatch_log_group",
            label,
            {
                "name": names.log_group(label),
                **settled,
                **({} if label in first else {"depends_on": [names.MADE_FIRST]}),
            },
        )
        for label in labels
    ]


def _state_machine(machine: StateMachine) -> Block:
    return Block(
        "aws_sfn_state_machine",
        machine.name,
        {
            "name": names.machine(machine.name),
            "type": "STANDARD",
            "role_arn": names.role("state_machine"),
            # What changes in it is said by its layers: it would be shown whole, as removed, at each new image.
            "definition": Ref(f"sensitive(jsonencode({names.definition(machine.name).expression}))"),
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
    )


def _encryption() -> dict[str, Value]:
    """A customer's key, if there is one."""
    return {
        "type": Ref('var.kms_key_arn == null ? "AWS_OWNED_KEY" : "CUSTOMER_MANAGED_KMS_KEY"'),
        "kms_key_id": _KMS_KEY,
        # The default, which may be named for a customer's key only.
        "kms_data_key_reuse_period_seconds": Ref("var.kms_key_arn == null ? null : 300"),
    }


def _deployment(graphs: Sequence[Graph]) -> Block:
    fields = [
        "state_machine_arn = aws_sfn_state_machine.flow.arn",
        'datastore_root = trimsuffix(var.datastore_root, "/")',
    ]
    if len(graphs) > 1:
        fields.append(f"flows = [{', '.join(names.flow(graph).expression for graph in graphs)}]")
    value = f"jsonencode({{ {', '.join(fields)} }})"
    return Block(
        "aws_ssm_parameter",
        "deployment",
        {
            "name": Joined(parameter_name(""), _NAME),
            "description": Joined("Where applications find the flow ", names.flow(graphs[0])),
            "type": "String",
            "value": Ref(value),
            "tags": _TAGS,
        },
    )


def _outputs(graphs: Sequence[Graph]) -> tuple[Output, ...]:
    roles = (("task", names.jobs(*graphs), "tasks"), ("function", names.functions(*graphs), "tasks on AWS Lambda"))
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
                value=names.role(role),
            )
            for role, used, tasks in roles
            if used
        ),
        Output(
            name="role_arns",
            description="The roles by their labels, those that are given and those that are made.",
            value={label: names.role(label) for label in names.roles(*graphs)},
        ),
        Output(
            name="role_names",
            description="The names of the roles by their labels: what policies are attached to.",
            value={label: Ref(f'regex("[^/]+$", {names.role(label).expression})') for label in names.roles(*graphs)},
        ),
        Output(
            name="policies",
            description="What each role may do: policies for those that are made elsewhere.",
            value=Ref(f"local.{iam_roles.POLICIES}"),
        ),
    )

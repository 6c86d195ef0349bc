"""The outputs of the document: the name by which applications find the deployment, and its roles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.ir.expressions import Ref, Value
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.terraform import Output
from laminar_codegen.lower_terraform import iam_roles
from laminar_codegen.lower_terraform.state_machines import SCHEMA
from laminar_codegen.targets import registry as targets

__all__ = [
    "DEPLOYMENT",
    "STATE_MACHINE_ARN",
    "emit_outputs",
    "input_schema_of",
    "name_of_role",
    "role_arns",
    "role_names",
    "schema_of",
]

STATE_MACHINE_ARN = Output(
    name="state_machine_arn", description="The state machine.", value=Ref("aws_sfn_state_machine.flow.arn")
)
DEPLOYMENT = Output(
    name="deployment",
    description="The name by which applications find the flow: AWS.StepFunctions(deployment=...).",
    value=Ref("var.name"),
)


def emit_outputs(deployment: Deployment) -> tuple[Output, ...]:
    """Emit the outputs of a document.

    Args:
        deployment: The deployment.
    """
    kinds = sorted(targets.kinds_of(deployment.resources), key=lambda kind: kind.functions)
    of_kinds = dict(kind.task_role for kind in kinds if kind.task_role)
    roles = {role: tasks for role, tasks in of_kinds.items() if deployment.has_role(role)} | {
        role: f"tasks with the role {role}" for role in targets.kinds_by_role(deployment.resources)
    }
    return (
        STATE_MACHINE_ARN,
        DEPLOYMENT,
        *input_schema_of(deployment.graphs[0]),
        *(
            Output(
                name=f"{role}_role_arn",
                description=f"The role of the {tasks}: attach to it what the layers need besides the datastore.",
                value=labels.role(role),
            )
            for role, tasks in roles.items()
        ),
        role_arns({role.label: role.arn for role in deployment.roles}),
        role_names({role.label: name_of_role(role.arn) for role in deployment.roles}),
        Output(
            name="policies",
            description="What each role may do: policies for those that are made elsewhere.",
            value=Ref(f"local.{iam_roles.POLICIES}"),
        ),
    )


def input_schema_of(graph: Graph) -> Iterator[Output]:
    """Yield the schema of the input, if its parameters are typed. The first flow of a chain gets the input.

    Args:
        graph: The first flow.
    """
    if graph.inputs is not None:
        # Imported here, so that the compile of a flow with untyped parameters does not load it.
        from laminar_codegen.lower_terraform.input_schema import emit_input_schema

        yield emit_input_schema(graph, graph.inputs)


def schema_of(graphs: Sequence[Graph]) -> dict[str, Value]:
    """Return the local value with the schema of the parameters for the SSM parameter of a deployment, if there is one.

    Args:
        graphs: The flows. The first one gets the parameters.
    """
    if graphs[0].inputs is None:
        return {}
    # As above.
    from laminar_codegen.lower_terraform.input_schema import short_schema

    schema = short_schema(graphs[0].inputs, [graph.flow for graph in graphs])
    return {} if schema is None else {SCHEMA.expression.removeprefix("local."): schema}


def role_arns(arns: Value) -> Output:
    """Return the output of the ARNs of roles.

    Args:
        arns: The ARNs, by the labels of the roles.
    """
    description = "The roles by their labels, those that are given and those that are made."
    return Output(name="role_arns", description=description, value=arns)


def role_names(names: Value) -> Output:
    """Return the output of the names of roles.

    Args:
        names: The names, by the labels of the roles.
    """
    description = "The names of the roles by their labels: what policies are attached to."
    return Output(name="role_names", description=description, value=names)


def name_of_role(arn: Ref) -> Ref:
    """Return the name of a role.

    Args:
        arn: Its ARN.
    """
    return Ref(f'regex("[^/]+$", {arn.expression})')

"""The roles of a deployment: who may take them, and the policies that say what each may do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from laminar_codegen import names
from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.expressions import Ref, Value
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.terraform import Block
from laminar_codegen.lower_terraform.policy_sizes import Fitted
from laminar_codegen.lower_terraform.policy_statement import ACCOUNT
from laminar_codegen.lower_terraform.role_permissions import (
    for_functions,
    for_schedule,
    for_state_machine,
    for_stop_jobs,
    for_tasks,
)
from laminar_codegen.lower_terraform.start_permissions import for_execution

__all__ = ["POLICIES", "TRUST", "Role", "local_values", "needed_roles", "roles"]

#: The local values that are the policies of all roles, and what says who may take each.
POLICIES = "policies"
TRUST = "trust"
_STATEMENTS = "statements"
_VERSION = "2012-10-17"


@attrs.frozen
class Role:
    """A role.

    Args:
        label: Its label.
        service: Who may take it: the principal of a service.
        description: What it is for.
        granted: What it may do, as far as it is told one by one.
    """

    label: str
    service: str
    description: str
    granted: Fitted


def local_values(graphs: Sequence[Graph], machines: Sequence[StateMachine]) -> dict[str, Value]:
    """The local values that say who may take each role, and what it may do: as structures, and as the JSON of these.

    Args:
        graphs: The graphs of the flows.
        machines: All state machines.
    """
    needed = tuple(needed_roles(graphs, machines))
    there = "[for statement in statements : statement if length(statement.Resource) > 0]"
    written = f'jsonencode({{ Version = "{_VERSION}", Statement = {there} }})'
    return {
        TRUST: {role.label: _trust(role.service) for role in needed},
        _STATEMENTS: {role.label: [statement.body() for statement in role.granted.statements] for role in needed},
        POLICIES: Ref(f"{{ for role, statements in local.{_STATEMENTS} : role => {written} }}"),
    }


def roles(graphs: Sequence[Graph], machines: Sequence[StateMachine]) -> Iterator[Block]:
    """The roles, each with its policy.

    Args:
        graphs: The graphs of the flows.
        machines: All state machines.
    """
    for role in needed_roles(graphs, machines):
        name = role.label.replace("_", "-")
        yield Block(
            "aws_iam_role",
            role.label,
            {
                "count": _made(role.label),
                "name": names.of_role(name),
                "description": role.description,
                "assume_role_policy": Ref(f"jsonencode(local.{TRUST}.{role.label})"),
                "permissions_boundary": Ref("var.permissions_boundary_arn"),
                "tags": Ref("var.tags"),
                "depends_on": [names.MADE_FIRST],
            },
        )
        yield Block(
            "aws_iam_role_policy",
            role.label,
            {
                "count": _made(role.label),
                "name": name,
                "role": Ref(f"aws_iam_role.{role.label}[0].id"),
                "policy": Ref(f"local.{POLICIES}.{role.label}"),
            },
        )


def _made(label: str) -> Ref:
    """How many roles are made: none where one is given."""
    return Ref(f"{names.is_given(label).expression} ? 0 : 1")


def needed_roles(graphs: Sequence[Graph], machines: Sequence[StateMachine]) -> Iterator[Role]:
    """The roles that a deployment needs.

    Args:
        graphs: The graphs of the flows.
        machines: All state machines.
    """
    roles = {role.label: role for role in _all_roles(graphs, machines)}
    return (roles[label] for label in names.roles(*graphs))


def _all_roles(graphs: Sequence[Graph], machines: Sequence[StateMachine]) -> Iterator[Role]:
    states, flows = "states.amazonaws.com", _flows(graphs)
    yield Role("state_machine", states, f"Runs the {flows}", for_state_machine(graphs, machines))
    tasks, lambdas = "ecs-tasks.amazonaws.com", "lambda.amazonaws.com"
    yield Role("task", tasks, f"What the layers of the {flows} may do", for_tasks(graphs))
    yield Role("execution", tasks, f"Starts the containers of the {flows}", for_execution(graphs))
    planning = for_functions(graphs, names.planners(*graphs))
    yield Role("planner", lambdas, f"Plans the layers of the {flows}", planning)
    running = for_functions(graphs, names.functions(*graphs))
    yield Role("function", lambdas, f"What the layers of the {flows} on AWS Lambda may do", running)
    yield Role("schedule", "scheduler.amazonaws.com", f"Starts the {flows} on schedule", for_schedule(graphs))
    yield Role(
        names.STOP_JOBS, "events.amazonaws.com", f"Has jobs of the {flows} end with executions", for_stop_jobs(graphs)
    )


def _flows(graphs: Sequence[Graph]) -> str:
    """The flows, to be named in a description."""
    named = ", ".join(graph.flow for graph in graphs)
    return f"flow {named}" if len(graphs) == 1 else f"flows {named}"


def _trust(service: str) -> dict[str, Value]:
    """Who may take a role: a service, and only for this account where the service tells for whom it acts.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    own: dict[str, Value] = {"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}
    taken: dict[str, Value] = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": service},
        **({} if service == "lambda.amazonaws.com" else own),
    }
    return {"Version": _VERSION, "Statement": [taken]}

"""The cases of `laminar_codegen.lower_terraform`. The input is a graph: see tests/support/graph_notation.py."""

from __future__ import annotations

from typing import Any

import attrs

from laminar_codegen.frontend.build_graph import build_graph
from laminar_codegen.frontend.loader import Source
from laminar_codegen.ir import ecr
from laminar_codegen.ir.terraform import Module, Variable
from laminar_codegen.lower_terraform import dashboard, module_addresses
from laminar_codegen.lower_terraform.account import emit_bucket, emit_place
from laminar_codegen.lower_terraform.alarms import emit_alarm
from laminar_codegen.lower_terraform.document import emit_document
from laminar_codegen.lower_terraform.iam_roles import emit_role, given_role_arns, local_values, permissions
from laminar_codegen.lower_terraform.layer_descriptions import layers
from laminar_codegen.lower_terraform.log_groups import emit_log_group
from laminar_codegen.lower_terraform.module_call import call_module
from laminar_codegen.lower_terraform.outputs import emit_outputs, input_schema_of, schema_of
from laminar_codegen.lower_terraform.policy_limits import check_policies, policy_warnings
from laminar_codegen.lower_terraform.role_permissions import for_state_machine
from laminar_codegen.lower_terraform.settings import as_inputs, validations
from laminar_codegen.lower_terraform.state_machines import emit_parameter, emit_state_machine
from laminar_codegen.lower_terraform.variables import emit_variables
from laminar_codegen.pipeline import compile_source
from laminar_codegen.policies.sizes import Fitted
from laminar_codegen.render.hcl import render_main
from laminar_codegen.targets.batch.stop_jobs_rule import for_stop_jobs
from tests.support.cases import cases_of
from tests.support.deployments import DEPLOYED, deployment_in
from tests.support.flow_snippets import of_snippet
from tests.support.graph_notation import graphs_in
from tests.support.shown import as_hcl, as_yaml, evaluator, options_in, or_problems, problems, statements

cases_of("lower_terraform.module_addresses")(evaluator(module_addresses))


@cases_of("lower_terraform.account")
def account(text: str) -> str:
    """A graph -> what keeps the place of its deployment. With ``bucket`` what looks up its bucket."""
    options, text = options_in(text, *DEPLOYED, "bucket")
    block = emit_bucket() if options.get("bucket") else emit_place(deployment_in(text, options).queues)
    return as_hcl(block)


@cases_of("lower_terraform.alarms")
def alarms(text: str) -> str:
    """A graph -> its alarms. A flow -> its alarm for missing successes."""
    if "class " in text:
        return _no_success(text)
    return as_hcl(*map(emit_alarm, deployment_in(text).alarms))


@of_snippet
def _no_success(source: Source) -> str:
    found = [alarm for alarm in compile_source(source).deployment.alarms if alarm.label == "no_success"]
    return as_hcl(*map(emit_alarm, found))


@cases_of("lower_terraform.log_groups")
def log_groups(text: str) -> str:
    """A graph -> its log groups."""
    return as_hcl(*map(emit_log_group, deployment_in(text).log_groups))


@cases_of("lower_terraform.state_machines")
def state_machines(text: str) -> str:
    """A graph -> the resources of its state machines, and the parameter by which they are found."""
    options, text = options_in(text, *DEPLOYED, "only")
    deployment = deployment_in(text, options)
    found = [machine for machine in deployment.machines if machine.name in options.get("only", machine.name)]
    return as_hcl(
        *map(emit_state_machine, found), emit_parameter(deployment.flow_names, typed=bool(schema_of(deployment.graphs)))
    )


@cases_of("lower_terraform.iam_roles")
def iam_roles(text: str) -> str:
    """A graph -> the roles, who may take them, and how many statements each has. With ``only`` some resources."""
    options, text = options_in(text, *DEPLOYED, "only")
    deployment = deployment_in(text, options)
    if "only" in options:
        (role,) = (role for role in deployment.roles if role.label == options["only"])
        return as_hcl(*emit_role(role))
    named: Any = local_values(deployment)
    trusted = {label: _trusted(policy) for label, policy in named["trust"].items()}
    counted = [
        f"{label}: {trusted[label]}, {', '.join(statement.sid for statement in granted.statements)}"
        for label, granted in permissions(deployment).items()
    ]
    return "\n".join([*counted, given_role_arns(deployment.roles).expression])


def _trusted(policy: Any) -> str:
    (statement,) = policy["Statement"]
    return f"{statement['Principal']['Service']}{' for this account' if 'Condition' in statement else ''}"


@cases_of("lower_terraform.layer_descriptions")
def descriptions(text: str) -> str:
    """Graphs -> what a plan of Terraform shows of their layers."""
    return as_yaml(layers(graphs_in(text)))


@cases_of("lower_terraform.outputs")
def outputs(text: str) -> str:
    """A graph -> the outputs of its document."""
    return as_yaml({output.name: output.value for output in emit_outputs(deployment_in(text))})


@cases_of("lower_terraform.policy_limits")
def limits(text: str) -> str:
    """A graph -> the policies that are too long, and those that allow more than is named."""
    deployment = deployment_in(text)
    return or_problems(lambda: check_policies(deployment) or problems(policy_warnings(deployment)))


@cases_of("lower_terraform.role_permissions")
def role_permissions(text: str) -> str:
    """A graph -> what its state machines may do. With ``role`` another role, with ``only`` some statements."""
    options, text = options_in(text, *DEPLOYED, "role", "only")
    deployment = deployment_in(text, options)
    granted: Fitted = (for_stop_jobs if options.get("role") == "stop_jobs" else for_state_machine)(deployment)
    wanted = options.get("only", [statement.sid for statement in granted.statements])
    names = ", ".join(statement.sid for statement in granted.statements)
    shown = statements(statement for statement in granted.statements if statement.sid in wanted)
    return f"{names}{'' if granted.most is None else ' (shortened)'}\n{shown}"


@cases_of("lower_terraform.variables")
def variables(text: str) -> str:
    """A graph -> the names of the variables. With ``only`` some of them as they are."""
    options, text = options_in(text, *DEPLOYED, "only")
    found = emit_variables(deployment_in(text, options))
    if "only" in options:
        chosen = as_yaml([_variable(variable) for variable in found if variable.name in options["only"]])
        return chosen.replace(ecr.HOST, "HOST_OF_ECR")
    return "\n".join(
        f"{variable.name}{'' if variable.default is None else f' = {variable.default[0]}'}" for variable in found
    )


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "type": variable.type,
        "default": None if variable.default is None else [*variable.default],
        "nullable": variable.nullable,
        "validation": [f"{rule.condition}: {rule.message}" for rule in variable.validation],
    }


@cases_of("lower_terraform.document")
def document(text: str) -> str:
    """A graph -> the outline of its document: what is declared, by addresses. With ``only`` some local values."""
    options, text = options_in(text, *DEPLOYED, "only")
    found = emit_document(deployment_in(text, options))
    if "only" in options:
        return as_hcl(**{name: value for name, value in found.locals.items() if name in options["only"]})
    return "\n".join(
        (
            found.comment,
            f"locals: {', '.join(found.locals)}",
            *(f"data {block.type}.{block.label}" for block in found.data),
            *(f"{block.type}.{block.label}" for block in found.resources),
        )
    )


@cases_of("lower_terraform.module_call")
def module_call(text: str) -> str:
    """A graph -> the call of the module, with what is declared beside it, and what moves into the module."""
    options, text = options_in(text, *DEPLOYED, "version", "call", "only")
    deployment = deployment_in(text, options)
    found = call_module(emit_document(deployment), Module("./flow", options.get("version")), deployment)
    if options.get("call"):
        return (
            render_main(attrs.evolve(found, locals={}, data=(), resources=(), moved=()))
            .removeprefix(f"# {found.comment}\n")
            .lstrip()
        )
    if "only" in options:
        return as_hcl(*(block for block in found.resources if block.type in options["only"]))
    return "\n".join(
        (
            f"locals: {', '.join(found.locals)}",
            *(f"{block.type}.{block.label}" for block in found.resources),
            *(f"{old} -> {new}" for old, new in found.moved),
        )
    )


@cases_of("lower_terraform.settings")
@of_snippet
def settings(source: Source) -> str:
    """A flow -> what its resources have by its settings, the statements for that, rules of variables, and inputs."""
    deployment = compile_source(source).deployment
    found: dict[str, Any] = {}
    for block in emit_document(deployment).resources:
        own = {name: block.body[name] for name in _SETTINGS.get(block.type, ()) if name in block.body}
        found.setdefault(block.type, own or "as ever") if block.type in _SETTINGS else None
    found["alarms"] = ", ".join(alarm.label for alarm in deployment.alarms)
    for label, granted in permissions(deployment).items():
        own = {one.sid: one.resources for one in granted.statements if one.sid in _STATEMENTS}
        found |= {label: own} if own else {}
    rules = validations(deployment.settings)
    found |= {value.expression: [rule.condition for rule in known] for value, known in rules.items()}
    return as_yaml({**found, "module": as_inputs(deployment.settings)})


#: The arguments that settings change, and the statements.
_SETTINGS = {
    "aws_sfn_state_machine": ("logging_configuration", "tracing_configuration"),
    "aws_lambda_function": ("tracing_config",),
    "aws_iam_role": ("path",),
    "aws_cloudwatch_metric_alarm": ("ok_actions",),
}
_STATEMENTS = ("SendTraces", "DeliverLogs", "EncryptLogs")


@cases_of("lower_terraform.input_schema")
@of_snippet
def schema(source: Source) -> str:
    """A flow file -> the output with the schema of its input."""
    return as_yaml({output.name: output.value for output in input_schema_of(build_graph(source))})


@cases_of("lower_terraform.dashboard")
@of_snippet
def dashboard_of(source: Source) -> str:
    """A flow -> its dashboard, widget by widget, and its saved queries."""
    deployment = compile_source(source).deployment
    body: Any = dashboard.local_values(deployment)
    widgets = [
        f"{one['type']} at {one['x']}, {one['y']}: {one['properties']['title']}\n"
        for one in (body or {"dashboard": {"widgets": []}})["dashboard"]["widgets"]
    ]
    return "".join(widgets) + as_hcl(*dashboard.emit_dashboard(deployment)) or "none"

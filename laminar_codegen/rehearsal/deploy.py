"""Deploys a compiled flow to the embedded AWS: there, by its API, what Terraform would make elsewhere."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import attrs

from laminar_codegen import names
from laminar_codegen.ir.expressions import Ref
from laminar_codegen.ir.placement import Container, Placement
from laminar_codegen.lower_terraform.functions import planner_function, task_function
from laminar_codegen.lower_terraform.job_definitions import container_properties, platform
from laminar_codegen.pipeline import Compilation
from laminar_codegen.rehearsal.embedded_aws import EmbeddedAws
from laminar_codegen.render.terraform_json import render_machine, resolve
from laminar_runtime import _records
from laminar_runtime.deployment import Deployment, parameter_name
from laminar_runtime.splits import job_container

__all__ = ["deploy"]

_BUCKET = "rehearsal"
#: The disk of a function in MiB, unless told otherwise.
_STORAGE = 512


def deploy(compilation: Compilation, aws: EmbeddedAws) -> Deployment:
    """Deploy a flow.

    Args:
        compilation: The flow, compiled.
        aws: The embedded AWS.

    Returns:
        The deployment, which applications find by the flow's name.
    """
    graphs = compilation.graphs
    flow = graphs[0].flow
    references = _environment(flow, aws)
    references |= {names.flow(graph).expression: graph.flow for graph in graphs}
    references |= {f"var.{variable}": _queue(aws, variable) for variable in names.queues(*graphs)}
    references |= _job_definitions(compilation, aws, references)
    references |= _functions(compilation, aws, references)
    # Those of nested steps come first: what starts them names them.
    for machine in (*compilation.machines[1:], compilation.machines[0]):
        made = aws.client("stepfunctions").create_state_machine(
            name=resolve(names.machine(machine.name), references),
            definition=render_machine(machine, references),
            roleArn=_role(aws, "state_machine"),
        )
        references[f"aws_sfn_state_machine.{machine.name}.arn"] = made["stateMachineArn"]
    flows = tuple(graph.flow for graph in graphs) if len(graphs) > 1 else ()
    deployment = Deployment(flow, made["stateMachineArn"], references["var.datastore_root"], flows)
    aws.client("ssm").put_parameter(
        Name=parameter_name(flow),
        Type="String",
        Value=json.dumps(_records.plain(deployment)),
    )
    return deployment


def _environment(flow: str, aws: EmbeddedAws) -> dict[str, str]:
    """Create what a platform has before a flow: a bucket and roles."""
    aws.client("s3").create_bucket(Bucket=_BUCKET)
    return {
        "aws_cloudwatch_log_group.tasks.name": f"/aws/batch/{flow}",
        "local.execution_role_arn": _role(aws, "execution"),
        "local.function_role_arn": _role(aws, "function"),
        "local.planner_role_arn": _role(aws, "planner"),
        "local.task_role_arn": _role(aws, "task"),
        "local.partition": "aws",
        "local.region": aws.region,
        "local.datastore_bucket": _BUCKET,
        "local.datastore_prefix": "laminar/",
        "var.datastore_root": f"s3://{_BUCKET}/laminar",
        "var.image": "rehearsal",
        "var.name": flow,
        'var.assign_public_ip ? "ENABLED" : "DISABLED"': "DISABLED",
    }


def _role(aws: EmbeddedAws, name: str) -> str:
    iam = aws.client("iam")
    try:
        return str(iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"])
    except iam.exceptions.EntityAlreadyExistsException:
        return str(iam.get_role(RoleName=name)["Role"]["Arn"])


def _queue(aws: EmbeddedAws, name: str) -> str:
    batch = aws.client("batch")
    environment = batch.create_compute_environment(
        computeEnvironmentName=name, type="UNMANAGED", serviceRole=_role(aws, "batch")
    )
    order = [{"order": 1, "computeEnvironment": environment["computeEnvironmentArn"]}]
    queue = batch.create_job_queue(jobQueueName=name, state="ENABLED", priority=1, computeEnvironmentOrder=order)
    return str(queue["jobQueueArn"])


def _job_definitions(compilation: Compilation, aws: EmbeddedAws, references: Mapping[str, str]) -> dict[str, str]:
    found = {}
    placed = [(graph, label, item) for graph in compilation.graphs for label, item in names.jobs(graph).items()]
    for graph, label, item in placed:
        definition = aws.client("batch").register_job_definition(
            jobDefinitionName=label,
            type="container",
            platformCapabilities=[platform(item)],
            containerProperties=_properties(names.flow(graph), item, references),
            retryStrategy=job_container.retry_strategy(spot=item.container.spot),
            timeout={"attemptDurationSeconds": int(graph.timeout_of(item.target))},
        )
        found[f"aws_batch_job_definition.{label}.arn"] = str(definition["jobDefinitionArn"])
    return found


def _properties(flow: Ref, item: Placement, references: Mapping[str, str]) -> dict[str, Any]:
    """Return the container of a job definition here.

    The working directory is that of the image's stand-in. The secrets are elsewhere: their values are those that this
    process has under their names. What jobs print stays here, whatever log driver takes it elsewhere.
    """
    container = attrs.evolve(item.container, workdir=None, secrets=(), log_driver="awslogs", log_options=())
    properties: dict[str, Any] = resolve(
        container_properties(flow, attrs.evolve(item, container=container)), references
    )
    given = [{"name": name, "value": os.environ[name]} for name, _ in item.container.secrets if name in os.environ]
    return {**properties, "environment": [*properties["environment"], *given]}


def _functions(compilation: Compilation, aws: EmbeddedAws, references: Mapping[str, str]) -> dict[str, str]:
    graphs = compilation.graphs
    planners = {
        label: planner_function(names.flow(graph), _here(item), graph.encryption)
        for graph in graphs
        for label, item in names.planners(graph).items()
    }
    tasks = {
        label: task_function(
            names.flow(graph), attrs.evolve(item, container=_here(item.container)), graph.timeout_of(item.target)
        )
        for graph in graphs
        for label, item in names.functions(graph).items()
    }
    return {
        f"aws_lambda_function.{label}.arn": _function(aws, label, resolve(function, references))
        for label, function in (planners | tasks).items()
    }


def _here(container: Container) -> Container:
    """Return a container whose working directory is that of the image's stand-in."""
    return attrs.evolve(container, workdir=None)


def _function(aws: EmbeddedAws, label: str, function: Mapping[str, Any]) -> str:
    made = aws.client("lambda").create_function(
        FunctionName=label,
        Role=function["role"],
        PackageType="Image",
        Code={"ImageUri": function["image_uri"]},
        ImageConfig={
            "EntryPoint": function["image_config"]["entry_point"],
            "Command": function["image_config"]["command"],
        },
        Architectures=function.get("architectures", ["x86_64"]),
        MemorySize=function["memory_size"],
        Timeout=function["timeout"],
        Environment={"Variables": function["environment"]["variables"]},
        EphemeralStorage={"Size": function.get("ephemeral_storage", {"size": _STORAGE})["size"]},
    )
    return str(made["FunctionArn"])

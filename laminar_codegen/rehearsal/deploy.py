"""Deploys a compiled flow to the embedded AWS: there, by its API, what Terraform would make elsewhere."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Planner, TaskResource
from laminar_codegen.ir.expressions import resolve
from laminar_codegen.pipeline import Compilation
from laminar_codegen.rehearsal.aws import EmbeddedAws
from laminar_codegen.render.terraform_json import render_machine
from laminar_codegen.targets.aws_lambda.functions import TaskFunction, configuration
from laminar_codegen.targets.batch.job_definitions import JobDefinition, container_properties, platform
from laminar_codegen.targets.functions import planner_configuration
from laminar_runtime import _records
from laminar_runtime.deployment import Deployment, parameter_name
from laminar_runtime.exceptions import SchedulerError
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

    Raises:
        SchedulerError: If layers run on a target that the embedded AWS does not have.
    """
    deployed = compilation.deployment
    _check_targets(deployed.resources)
    flow = deployed.flows[0]
    references = _environment(flow, aws)
    references |= {name.expression: own for name, own in zip(deployed.flow_names, deployed.flows, strict=True)}
    references |= {f"var.{queue.variable}": _queue(aws, queue.variable) for queue in deployed.queues}
    references |= _job_definitions(compilation, aws, references)
    references |= _functions(compilation, aws, references)
    # Those of nested steps come first: what starts them names them.
    for machine in (*compilation.machines[1:], compilation.machines[0]):
        made = aws.client("stepfunctions").create_state_machine(
            name=resolve(labels.machine(machine.name), references),
            definition=render_machine(machine, references),
            roleArn=_role(aws, "state_machine"),
        )
        references[f"aws_sfn_state_machine.{machine.name}.arn"] = made["stateMachineArn"]
    flows = deployed.flows if len(deployed.flows) > 1 else ()
    deployment = Deployment(flow, made["stateMachineArn"], references["var.datastore_root"], flows)
    aws.client("ssm").put_parameter(
        Name=parameter_name(flow),
        Type="String",
        Value=json.dumps(_records.plain(deployment)),
    )
    return deployment


def _check_targets(resources: Sequence[Planner | TaskResource]) -> None:
    for item in resources:
        if not isinstance(item, Planner | JobDefinition | TaskFunction):
            service = item.placement.target.service
            raise SchedulerError(
                f"the rehearsal has no {service}: run its layers on AWS Batch or AWS Lambda to rehearse"
            )


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
    for item in compilation.deployment.of_type(JobDefinition):
        definition = aws.client("batch").register_job_definition(
            jobDefinitionName=item.label,
            type="container",
            platformCapabilities=[platform(item.placement)],
            containerProperties=_properties(item, references),
            retryStrategy=job_container.retry_strategy(spot=item.placement.container.spot),
            timeout={"attemptDurationSeconds": int(item.timeout)},
        )
        found[f"aws_batch_job_definition.{item.label}.arn"] = str(definition["jobDefinitionArn"])
    return found


def _properties(item: JobDefinition, references: Mapping[str, str]) -> dict[str, Any]:
    """Return the container of a job definition here.

    The working directory is that of the image's stand-in. The secrets are elsewhere: their values are those that this
    process has under their names. What jobs print stays here, whatever log driver takes it elsewhere.
    """
    own = item.placement.container
    container = attrs.evolve(own, workdir=None, secrets=(), log_driver="awslogs", log_options=())
    here = attrs.evolve(item, placement=attrs.evolve(item.placement, container=container))
    properties: dict[str, Any] = resolve(container_properties(here), references)
    given = [{"name": name, "value": os.environ[name]} for name, _ in own.secrets if name in os.environ]
    return {**properties, "environment": [*properties["environment"], *given]}


def _functions(compilation: Compilation, aws: EmbeddedAws, references: Mapping[str, str]) -> dict[str, str]:
    deployment = compilation.deployment
    configurations = {
        **{item.label: planner_configuration(_planner_here(item)) for item in deployment.planners},
        **{item.label: configuration(_here(item)) for item in deployment.of_type(TaskFunction)},
    }
    return {
        f"aws_lambda_function.{label}.arn": _function(aws, label, resolve(configured, references))
        for label, configured in configurations.items()
    }


def _planner_here(planner: Planner) -> Planner:
    """Return a planner whose working directory is that of the image's stand-in."""
    return attrs.evolve(planner, container=attrs.evolve(planner.container, workdir=None))


def _here(function: TaskFunction) -> TaskFunction:
    """Return a function whose working directory is that of the image's stand-in."""
    container = attrs.evolve(function.container, workdir=None)
    return attrs.evolve(function, placement=attrs.evolve(function.placement, container=container))


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

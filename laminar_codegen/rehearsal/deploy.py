"""Deploys a compiled flow to the embedded AWS: there, by its API, what Terraform would make elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping

import attrs

from laminar_codegen import names
from laminar_codegen.embedded_aws import EmbeddedAws
from laminar_codegen.emit_document import container_properties, planner_function
from laminar_codegen.pipeline import Compilation
from laminar_codegen.render import render_machine, resolve
from laminar_runtime.deployment import Deployment, parameter_name

__all__ = ["deploy"]

_BUCKET = "rehearsal"
_ACCOUNT = "123456789012"


def deploy(compilation: Compilation, aws: EmbeddedAws) -> Deployment:
    """Deploy a flow.

    Args:
        compilation: The flow, compiled.
        aws: The embedded AWS.

    Returns:
        The deployment, which applications find by the flow's name.
    """
    flow = compilation.graph.flow
    references = _environment(flow, aws)
    references |= _job_definitions(compilation, aws, references)
    references |= _planners(compilation, aws, references)
    # Those of nested steps come first: what starts them names them.
    for machine in (*compilation.machines[1:], compilation.machines[0]):
        made = aws.client("stepfunctions").create_state_machine(
            name=resolve(names.machine(machine.name), references),
            definition=render_machine(machine, references),
            roleArn=_role(aws, "state_machine"),
        )
        references[f"aws_sfn_state_machine.{machine.name}.arn"] = made["stateMachineArn"]
    deployment = Deployment(flow, made["stateMachineArn"], references["var.datastore_root"])
    aws.client("ssm").put_parameter(
        Name=parameter_name(flow),
        Type="String",
        Value=json.dumps(attrs.asdict(deployment)),
    )
    return deployment


def _environment(flow: str, aws: EmbeddedAws) -> dict[str, str]:
    """What a platform has before a flow comes: a bucket, a queue, roles."""
    aws.client("s3").create_bucket(Bucket=_BUCKET)
    return {
        "aws_cloudwatch_log_group.tasks.name": f"/aws/batch/{flow}",
        "aws_iam_role.execution.arn": _role(aws, "execution"),
        "aws_iam_role.planner.arn": _role(aws, "planner"),
        "aws_iam_role.task.arn": _role(aws, "task"),
        "data.aws_partition.current.partition": "aws",
        "data.aws_region.current.region": aws.region,
        "local.datastore_bucket": _BUCKET,
        "local.datastore_prefix": "laminar/",
        "local.flow": flow,
        "var.datastore_root": f"s3://{_BUCKET}/laminar",
        "var.image": "rehearsal",
        "var.job_queue_arn": _queue(aws),
        "var.name": flow,
        'var.assign_public_ip ? "ENABLED" : "DISABLED"': "DISABLED",
    }


def _role(aws: EmbeddedAws, name: str) -> str:
    iam = aws.client("iam")
    try:
        return str(iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"])
    except iam.exceptions.EntityAlreadyExistsException:
        return str(iam.get_role(RoleName=name)["Role"]["Arn"])


def _queue(aws: EmbeddedAws) -> str:
    batch = aws.client("batch")
    environment = batch.create_compute_environment(
        computeEnvironmentName="rehearsal", type="UNMANAGED", serviceRole=_role(aws, "batch")
    )
    order = [{"order": 1, "computeEnvironment": environment["computeEnvironmentArn"]}]
    queue = batch.create_job_queue(jobQueueName="rehearsal", state="ENABLED", priority=1, computeEnvironmentOrder=order)
    return str(queue["jobQueueArn"])


def _job_definitions(compilation: Compilation, aws: EmbeddedAws, references: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for label, container in names.containers(compilation.graph).items():
        # The working directory is here that of the image's stand-in.
        properties = resolve(container_properties(attrs.evolve(container, workdir=None)), references)
        definition = aws.client("batch").register_job_definition(
            jobDefinitionName=label,
            type="container",
            platformCapabilities=["FARGATE"],
            containerProperties=properties,
            timeout={"attemptDurationSeconds": int(compilation.graph.timeout)},
        )
        found[f"aws_batch_job_definition.{label}.arn"] = str(definition["jobDefinitionArn"])
    return found


def _planners(compilation: Compilation, aws: EmbeddedAws, references: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for label, container in names.planners(compilation.graph).items():
        function = resolve(planner_function(attrs.evolve(container, workdir=None)), references)
        made = aws.client("lambda").create_function(
            FunctionName=label,
            Role=function["role"],
            PackageType="Image",
            Code={"ImageUri": function["image_uri"]},
            ImageConfig={
                "EntryPoint": function["image_config"]["entry_point"],
                "Command": function["image_config"]["command"],
            },
            MemorySize=function["memory_size"],
            Timeout=function["timeout"],
            Environment={"Variables": function["environment"]["variables"]},
        )
        found[f"aws_lambda_function.{label}.arn"] = str(made["FunctionArn"])
    return found

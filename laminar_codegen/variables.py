"""The inputs of the document: what differs between environments, typed, described and checked."""

from __future__ import annotations

from laminar_codegen.document import Validation, Variable
from laminar_codegen.graph import Graph
from laminar_codegen.limits import NAME_LENGTH

__all__ = ["emit_variables"]

#: What CloudWatch Logs takes:
#: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_RETENTION = (
    0,
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)


def emit_variables(graph: Graph) -> tuple[Variable, ...]:
    """The variables that a flow's document takes.

    Args:
        graph: The graph.
    """
    images = {layer.container.image for layer in graph.layers}
    required = (_IMAGE, *_PLACE) if None in images else _PLACE
    return (_name(graph), *required, *_OPTIONAL)


def _name(graph: Graph) -> Variable:
    return Variable(
        name="name",
        type="string",
        description="Name of the deployment, and of what is made for it. Deploy a flow twice under two names.",
        default=(graph.flow,),
        validation=(
            Validation(
                f'can(regex("^[A-Za-z][0-9A-Za-z_-]{{0,{NAME_LENGTH - 1}}}$", var.name))',
                f"The name must be of 1 to {NAME_LENGTH} letters, digits, hyphens and underscores, a letter first.",
            ),
        ),
    )


_IMAGE = Variable(
    name="image",
    type="string",
    description=(
        "Image of the tasks, with the flow and what it needs in its working directory. "
        "If a layer fans out it must be in ECR, in this account or one that shares it: AWS Lambda takes no other."
    ),
    validation=(Validation("length(var.image) > 0", "The image must be named."),),
)

_PLACE = (
    Variable(
        name="job_queue_arn",
        type="string",
        description="ARN of the AWS Batch job queue, of Fargate capacity, that the tasks are submitted to.",
        validation=(
            Validation(
                'can(regex("^arn:[a-z-]+:batch:[a-z0-9-]+:[0-9]{12}:job-queue/.+$", var.job_queue_arn))',
                "The job queue must be given by its ARN.",
            ),
        ),
    ),
    Variable(
        name="datastore_root",
        type="string",
        description="Where artifacts are kept: s3://bucket or s3://bucket/prefix.",
        validation=(
            Validation(
                'can(regex("^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*()=-]+)*/?$", var.datastore_root))',
                "The datastore must be s3://bucket or s3://bucket/prefix, the prefix of letters, digits and !_.*()=-.",
            ),
        ),
    ),
)

_OPTIONAL = (
    Variable(
        name="assign_public_ip",
        type="bool",
        description="Whether tasks get a public IP address: needed in subnets without a NAT gateway or VPC endpoints.",
        default=(False,),
    ),
    Variable(
        name="kms_key_arn",
        type="string",
        description="ARN of the KMS key that encrypts logs and the planner's environment; AWS's own key unless given.",
        default=(None,),
        nullable=True,
    ),
    Variable(
        name="log_retention_in_days",
        type="number",
        description="Days that logs are kept; 0 for ever.",
        default=(365,),
        validation=(
            Validation(
                f"contains({list(_RETENTION)}, var.log_retention_in_days)",
                "CloudWatch Logs keeps logs for 0 (ever), 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365 or more days.",
            ),
        ),
    ),
    Variable(
        name="permissions_boundary_arn",
        type="string",
        description="ARN of the policy that bounds the permissions of the roles; none unless given.",
        default=(None,),
        nullable=True,
    ),
    Variable(
        name="tags",
        type="map(string)",
        description="Tags of all resources.",
        default=({},),
    ),
)

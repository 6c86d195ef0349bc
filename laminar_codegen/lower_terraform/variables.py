"""The inputs of the document: what differs between environments, typed, described and checked."""

from __future__ import annotations

import json

from laminar_codegen.ir import ecr
from laminar_codegen.ir.deployment import Deployment, Role
from laminar_codegen.ir.placement import Queue
from laminar_codegen.ir.terraform import Validation, Variable
from laminar_codegen.limits import ROLE_NAME_LENGTH
from laminar_codegen.targets import registry as targets
from laminar_codegen.triggers import registry as triggers

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

#: Names of roles and policies, behind their paths. No pattern of an ARN takes an asterisk or a question mark, which in
#: the policies that ARNs get into would stand for anything:
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
_IAM_NAME = "[0-9A-Za-z+=,.@_/-]+"


def emit_variables(deployment: Deployment) -> tuple[Variable, ...]:
    """Emit the variables of a document.

    Args:
        deployment: The deployment.
    """
    kinds = targets.used_by(deployment.resources)
    return (
        _name(deployment),
        *_image(deployment),
        *map(_job_queue, deployment.queues),
        _DATASTORE_ROOT,
        *(found for kind in kinds for found in kind.variables(deployment)),
        *(found for trigger in deployment.triggers for found in triggers.kind_of(trigger).variables(trigger.value)),
        *_OPTIONAL,
        _role_arns(tuple(role.label for role in deployment.roles)),
        *map(_role, deployment.roles),
    )


def _role(role: Role) -> Variable:
    # How many roles are made follows from it, which Terraform must know when it plans.
    description = (
        f"ARN of the role that {role.use}, if it is made elsewhere and before. Made here unless given. "
        f"Of a role that is made with this: role_arns."
    )
    return _optional_arn(f"{role.label}_role_arn", description, "role", _ROLE)


def _role_arns(labels: tuple[str, ...]) -> Variable:
    """Return the variable for roles whose ARNs are unknown at plan time: Terraform knows a map's keys."""
    arn = f'can(regex("^arn:[a-z-]+:{_ROLE}$", arn))'
    return Variable(
        name="role_arns",
        type="map(string)",
        description=(
            f"ARNs of roles that are made elsewhere, by their labels: {', '.join(labels)}. Unlike the variables of "
            "single roles it takes ARNs of roles that are made in the same apply."
        ),
        default=({},),
        validation=(
            Validation(
                f"length(setsubtract(keys(var.role_arns), {json.dumps(labels)})) == 0",
                f"The labels of roles are {', '.join(labels)}.",
            ),
            Validation(
                f"alltrue([for arn in values(var.role_arns) : {arn}])", "The roles must be given by their ARNs."
            ),
        ),
    )


_ROLE = f"iam::[0-9]{{12}}:role/{_IAM_NAME}"


def _name(deployment: Deployment) -> Variable:
    longest = deployment.longest_name
    return Variable(
        name="name",
        type="string",
        description="Name of the deployment, and of what is made for it. Deploy a flow twice under two names.",
        default=(deployment.flows[0],),
        validation=(
            Validation(
                f'can(regex("^[A-Za-z][0-9A-Za-z_-]{{0,{longest - 1}}}$", var.name))',
                f"The name must be of 1 to {longest} letters, digits, hyphens and underscores, a letter first.",
            ),
        ),
    )


def _image(deployment: Deployment) -> tuple[Variable, ...]:
    """Return the variable for the default image, if a container needs it."""
    if all(layer.container.image is not None for graph in deployment.graphs for layer in graph.layers):
        return ()
    on_lambda = any(function.container.image is None for function in targets.functions_of(deployment.resources))
    of_ecr = " It must be in ECR, in this region and in this account or one that shares it: AWS Lambda takes no other."
    in_ecr = of_ecr if on_lambda else ""
    variable = Variable(
        name="image",
        type="string",
        description=(
            f"Image of the tasks, with the flow and what it needs in its working directory.{in_ecr} "
            "Give each build a tag of its own, or its digest: Terraform sees no other image behind an old tag."
        ),
        validation=(_IMAGE_IN_ECR if on_lambda else _IMAGE,),
    )
    return (variable,)


_IMAGE = Validation('can(regex("^[^[:space:]]+$", var.image))', "The image must be named, without spaces.")
#: https://docs.aws.amazon.com/lambda/latest/dg/images-create.html
_IMAGE_IN_ECR = Validation(
    f'can(regex("^{ecr.HOST}/[^[:space:]]+$", var.image))',
    "The image must be in ECR, as in 123456789012.dkr.ecr.eu-west-1.amazonaws.com/flow:1.",
)


_DATASTORE_ROOT = Variable(
    name="datastore_root",
    type="string",
    description="Where artifacts are kept: s3://bucket or s3://bucket/prefix.",
    validation=(
        Validation(
            # No asterisk, though S3 takes it: in the policies of roles it would stand for anything.
            'can(regex("^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.()=-]+)*/?$", var.datastore_root))',
            "The datastore must be s3://bucket or s3://bucket/prefix, the prefix of letters, digits and !_.()=-.",
        ),
        Validation(
            'length(setintersection(split("/", var.datastore_root), [".", ".."])) == 0',
            "The prefix of the datastore must have no part that is . or .. only.",
        ),
    ),
)


def _job_queue(queue: Queue) -> Variable:
    capacity = f"of {queue.capacity} capacity"
    arn = "^arn:[a-z-]+:batch:[a-z0-9-]+:[0-9]{12}:job-queue/[0-9A-Za-z_-]+$"
    return Variable(
        name=queue.variable,
        type="string",
        description=f"ARN of the AWS Batch job queue, {capacity}, that {queue.tasks} are submitted to.",
        validation=(
            Validation(
                f'can(regex("{arn}", var.{queue.variable}))',
                "The job queue must be given by its ARN.",
            ),
        ),
    )


def _optional_arn(name: str, description: str, kind: str, pattern: str) -> Variable:
    """Return a variable that is an ARN or null."""
    return Variable(
        name=name,
        type="string",
        description=description,
        default=(None,),
        validation=(
            Validation(
                f'var.{name} == null || can(regex("^arn:[a-z-]+:{pattern}$", var.{name}))',
                f"The {kind} must be given by its ARN.",
            ),
        ),
        nullable=True,
    )


#: Characters that a region and the longest label of a role leave of those that IAM takes.
_WITH_REGION = ROLE_NAME_LENGTH - len("-us-isof-south-1") - len("-state-machine")
_KEY = "kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-zA-Z-]+"
_OPTIONAL = (
    Variable(
        name="alarm_actions",
        type="list(string)",
        description="ARNs of what is told when an execution fails, times out or is throttled, such as an SNS topic.",
        default=((),),
        validation=(
            Validation(
                'alltrue([for action in var.alarm_actions : can(regex("^arn:[a-z-]+:[a-z0-9-]+:", action))])',
                "The actions of alarms must be given by their ARNs.",
            ),
        ),
    ),
    Variable(
        name="check_datastore_region",
        type="bool",
        description=(
            "Whether a bucket of another region is refused when Terraform plans. Who plans needs s3:ListBucket on the "
            "bucket, which must be there by then unless datastore_root refers to what makes it."
        ),
        default=(True,),
    ),
    _optional_arn(
        "datastore_kms_key_arn",
        "ARN of the KMS key that encrypts the datastore's bucket, if that is a key of yours: roles may use it.",
        "key",
        _KEY,
    ),
    _optional_arn(
        "kms_key_arn",
        "ARN of the KMS key that encrypts state machines, logs, functions' environments and schedules; its policy must "
        "let CloudWatch Logs and delivery.logs.amazonaws.com use it. AWS's own keys unless given.",
        "key",
        _KEY,
    ),
    Variable(
        name="keep_logs",
        type="bool",
        description="Whether logs stay when the deployment is destroyed; applied before that, or it has no effect.",
        default=(False,),
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
    _optional_arn(
        "permissions_boundary_arn",
        "ARN of the policy that bounds the permissions of the roles; none unless given.",
        "permissions boundary",
        f"iam::([0-9]{{12}}|aws):policy/{_IAM_NAME}",
    ),
    Variable(
        name="region_in_role_names",
        type="bool",
        description=(
            "Whether the names of roles have the region in them, so that a deployment of the same name can be in "
            "another region. To change it makes the roles anew."
        ),
        default=(False,),
        validation=(
            Validation(
                f"!var.region_in_role_names || length(var.name) <= {_WITH_REGION}",
                f"With the region in the names of roles the name must be of {_WITH_REGION} characters at most.",
            ),
        ),
    ),
    Variable(
        name="tags",
        type="map(string)",
        description="Tags of all resources.",
        default=({},),
    ),
)

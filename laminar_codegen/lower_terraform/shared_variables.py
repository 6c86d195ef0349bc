"""The inputs that a document has in common with the Terraform module ``flow``. It may pass them on to the module."""

from __future__ import annotations

from collections.abc import Iterable

from laminar_codegen.ir.expressions import Ref
from laminar_codegen.ir.settings import ACTION
from laminar_codegen.ir.terraform import Validation, Variable
from laminar_codegen.limits import ROLE_NAME_LENGTH
from laminar_codegen.lower_terraform.settings import level_rule, path_rule

__all__ = [
    "ALARM_ACTIONS",
    "DATASTORE_ROOT",
    "KEEP_LOGS",
    "KMS_KEY",
    "KMS_KEY_ARN",
    "LOG_RETENTION_IN_DAYS",
    "LONGEST_REGION",
    "OPERATION",
    "PASSED_ON",
    "PERMISSIONS_BOUNDARY_ARN",
    "REGION_IN_ROLE_NAMES",
    "ROLE",
    "TAGS",
    "deployment_name",
    "kms_key_arn",
    "optional_arn",
    "region_beside",
    "region_in_role_names",
]

#: The days that CloudWatch Logs accepts:
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

#: Names of roles and policies, after their paths. No pattern of an ARN accepts an asterisk or a question mark, which
#: are wildcards in policies: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
_IAM_NAME = "[0-9A-Za-z+=,.@_/-]+"

#: Patterns of ARNs, without their prefixes.
ROLE = f"iam::[0-9]{{12}}:role/{_IAM_NAME}"
KMS_KEY = "kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-zA-Z-]+"

#: The region with the longest name.
LONGEST_REGION = "us-isof-south-1"
#: The longest label of a role that layers do not name.
_LONGEST_LABEL = "state_machine"


def deployment_name(longest: int) -> Variable:
    """Return the variable of the name of a deployment.

    Args:
        longest: The greatest length of the name.
    """
    return Variable(
        name="name",
        type="string",
        description="Name of the deployment, and of what is made for it. Deploy a flow twice under two names.",
        validation=(
            Validation(
                f'can(regex("^[A-Za-z][0-9A-Za-z_-]{{0,{longest - 1}}}$", var.name))',
                f"The name must be of 1 to {longest} letters, digits, hyphens and underscores, a letter first.",
            ),
        ),
    )


def optional_arn(name: str, description: str, kind: str, pattern: str) -> Variable:
    """Return a variable that is an ARN or null.

    Args:
        name: Its name.
        description: Its description.
        kind: The kind of resource, for the error message.
        pattern: The pattern of the ARN, without its beginning.
    """
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


def kms_key_arn(encrypted: str) -> Variable:
    """Return the variable of the key that encrypts a deployment.

    Args:
        encrypted: The resources that it encrypts.
    """
    description = (
        f"ARN of the KMS key that encrypts {encrypted}; its policy must let CloudWatch Logs and "
        "delivery.logs.amazonaws.com use it. AWS's own keys unless given."
    )
    return optional_arn("kms_key_arn", description, "key", KMS_KEY)


def region_in_role_names(validation: Validation) -> Variable:
    """Return the variable that decides whether the names of roles have the region.

    Args:
        validation: The validation of the length of the names.
    """
    return Variable(
        name="region_in_role_names",
        type="bool",
        description=(
            "Whether the names of roles have the region in them, so that a deployment of the same name can be in "
            "another region. To change it makes the roles anew."
        ),
        default=(False,),
        validation=(validation,),
    )


DATASTORE_ROOT = Variable(
    name="datastore_root",
    type="string",
    description="Where artifacts are kept: s3://bucket or s3://bucket/prefix.",
    validation=(
        Validation(
            # No asterisk, though S3 accepts it: in the policies of roles it would be a wildcard.
            'can(regex("^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.()=-]+)*/?$", var.datastore_root))',
            "The datastore must be s3://bucket or s3://bucket/prefix, the prefix of letters, digits and !_.()=-.",
        ),
        Validation(
            'length(setintersection(split("/", var.datastore_root), [".", ".."])) == 0',
            "The prefix of the datastore must have no part that is . or .. only.",
        ),
    ),
)


def _actions(name: str, when: str) -> Variable:
    """Return the variable of what alarms notify."""
    return Variable(
        name=name,
        type="list(string)",
        description=f"ARNs of what is notified when {when}, such as an SNS topic.",
        default=((),),
        validation=(
            Validation(
                f'alltrue([for action in var.{name} : can(regex("{ACTION}", action))])',
                "The actions of alarms must be given by their ARNs.",
            ),
        ),
    )


ALARM_ACTIONS = _actions("alarm_actions", "an execution fails, times out or is throttled")

KEEP_LOGS = Variable(
    name="keep_logs",
    type="bool",
    description="Whether logs stay when the deployment is destroyed; applied before that, or it has no effect.",
    default=(False,),
)

LOG_RETENTION_IN_DAYS = Variable(
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
)

TAGS = Variable(
    name="tags",
    type="map(string)",
    description="Tags of all resources.",
    default=({},),
)

KMS_KEY_ARN = kms_key_arn("state machines, logs, functions' environments and schedules")

PERMISSIONS_BOUNDARY_ARN = optional_arn(
    "permissions_boundary_arn",
    "ARN of the policy that bounds the permissions of the roles; none unless given.",
    "permissions boundary",
    f"iam::([0-9]{{12}}|aws):policy/{_IAM_NAME}",
)


def region_beside(labels: Iterable[str]) -> Variable:
    """Return the variable that decides whether the names of some roles have the region.

    Args:
        labels: The labels of the roles.
    """
    longest = max(map(len, (_LONGEST_LABEL, *labels)))
    most = ROLE_NAME_LENGTH - len(f"-{LONGEST_REGION}") - len("-") - longest
    return region_in_role_names(
        Validation(
            f"!var.region_in_role_names || length(var.name) <= {most}",
            f"With the region in the names of roles the name must be of {most} characters at most.",
        )
    )


REGION_IN_ROLE_NAMES = region_beside(())

#: The inputs of the module for the settings of a deployment: a document has them where its flow says so.
LOG_LEVEL = Variable(
    name="log_level",
    type="string",
    description="The events of state machines that are logged: OFF, FATAL, ERROR or ALL.",
    default=("ERROR",),
    validation=(level_rule(Ref("var.log_level")),),
)
LOG_EXECUTION_DATA = Variable(
    name="log_execution_data",
    type="bool",
    description="Whether logged events have the input and the output of states, with the parameters of flows.",
    default=(True,),
)
TRACING = Variable(
    name="tracing",
    type="bool",
    description="Whether AWS X-Ray traces executions. The policy of the role state_machine has the permissions.",
    default=(True,),
)
ROLE_PATH = Variable(
    name="role_path",
    type="string",
    description="The path of the roles, such as /teams/reports/. To change it makes the roles anew.",
    default=(None,),
    validation=(path_rule(Ref("var.role_path")),),
    nullable=True,
)
OK_ACTIONS = _actions("ok_actions", "an alarm is over")
OPERATION = (LOG_LEVEL, LOG_EXECUTION_DATA, TRACING, ROLE_PATH, OK_ACTIONS)

#: The inputs that a document passes on unchanged.
PASSED_ON = (
    ALARM_ACTIONS,
    KEEP_LOGS,
    KMS_KEY_ARN,
    LOG_RETENTION_IN_DAYS,
    PERMISSIONS_BOUNDARY_ARN,
    REGION_IN_ROLE_NAMES,
    TAGS,
)

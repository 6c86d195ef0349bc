"""The quotas of AWS that the compiler keeps, each with the page that documents it.

Quotas that the runtime keeps, too, come from `laminar_runtime.limits`.
"""

from __future__ import annotations

from laminar_runtime.limits import (
    ARRAY_CHILDREN,
    DESCRIBED_JOBS,
    EXECUTION_NAME_LENGTH,
    EXIT_RULES,
    HISTORY_EVENTS,
    JOB_ATTEMPTS,
    JOB_NAME_LENGTH,
    JOB_TIMEOUT,
    LAMBDA_SECONDS,
    MAP_CONCURRENCY,
    MAX_INVOCATIONS,
    MOST_TAGS,
    OVERRIDES_LENGTH,
    SCHEDULING_PRIORITY,
    STATE_BYTES,
)

__all__ = [
    "ALARM_ACTIONS",
    "ARRAY_CHILDREN",
    "DEFINITION_BYTES",
    "DESCRIBED_JOBS",
    "DISTRIBUTED_MAP_CHILDREN",
    "EVENT_PATHS",
    "EXECUTION_NAME_LENGTH",
    "EXECUTION_SECONDS",
    "EXIT_RULES",
    "FARGATE_STORAGE",
    "FUNCTION_NAME_LENGTH",
    "FUNCTION_VARIABLES_BYTES",
    "HISTORY_EVENTS",
    "JOB_ATTEMPTS",
    "JOB_DEFINITION_BYTES",
    "JOB_NAME_LENGTH",
    "JOB_TIMEOUT",
    "JOIN_INPUTS",
    "LAMBDA_MEMORY",
    "LAMBDA_PROCESSOR",
    "LAMBDA_SECONDS",
    "LAMBDA_STORAGE",
    "LISTED_KEYS",
    "LONG_LOOK_BACK",
    "LONG_PERIOD",
    "MACHINE_NAME_LENGTH",
    "MANAGED_POLICY_CHARACTERS",
    "MAP_CONCURRENCY",
    "MAX_INVOCATIONS",
    "MOST_TAGS",
    "NAME_LENGTH",
    "OVERRIDES_LENGTH",
    "PARAMETER_BYTES",
    "PATTERN_LENGTH",
    "ROLE_NAME_LENGTH",
    "ROLE_POLICY_CHARACTERS",
    "RULE_NAME_LENGTH",
    "SCHEDULE_INPUT_BYTES",
    "SCHEDULE_WINDOW",
    "SCHEDULING_PRIORITY",
    "SECURITY_GROUPS",
    "SHORT_LOOK_BACK",
    "SHORT_PERIOD",
    "STATE_BYTES",
    "STATE_NAME_LENGTH",
    "STATE_RETRIES",
    "SUBNETS",
    "TEMPLATE_LENGTH",
    "TIMEZONE_LENGTH",
]

#: Bytes of a state machine's definition, and characters of its name and of that of a state:
#: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
DEFINITION_BYTES = 1_048_576
MACHINE_NAME_LENGTH = 80
STATE_NAME_LENGTH = 80

#: Seconds that an execution may take, one year:
#: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
EXECUTION_SECONDS = 31_536_000

#: How many children of a distributed Map run at a time:
#: https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
DISTRIBUTED_MAP_CHILDREN = 10_000

#: Characters of a function's name: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
FUNCTION_NAME_LENGTH = 64

#: Bytes of a job definition: https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
JOB_DEFINITION_BYTES = 24 * 1024

#: Bytes of all variables of a function: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
FUNCTION_VARIABLES_BYTES = 4 * 1024

#: The most actions of an alarm for one of its states:
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
ALARM_ACTIONS = 5

#: The most seconds that an alarm looks back: with periods of less than an hour, and of an hour and more. The periods
#: that alarms have here in both cases.
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
SHORT_LOOK_BACK, LONG_LOOK_BACK = 86_400, 604_800
SHORT_PERIOD, LONG_PERIOD = 300, 3_600

#: The most keys in one answer to a listing: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
LISTED_KEYS = 1_000

#: The most layers that a layer of exact joins waits for: one answer to a listing has their names, and that of a token.
JOIN_INPUTS = LISTED_KEYS - 1

#: Characters of a flow's name, so that roles and functions, at most 64 characters, can be named after it:
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
#: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
NAME_LENGTH = 46

#: Characters of a role's name: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
ROLE_NAME_LENGTH = 64

#: Characters of all policies in a role, without white space:
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
ROLE_POLICY_CHARACTERS = 10_240
#: The characters of a managed policy without white space: the same page.
MANAGED_POLICY_CHARACTERS = 6_144

#: The most attempts of a task, and the most seconds between two of them, that Step Functions accepts:
#: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
STATE_RETRIES = 99_999_999

#: The least and most memory of a Lambda function in MiB:
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LAMBDA_MEMORY = (128, 10_240)

#: The most subnets and security groups of a function: https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html
SUBNETS = 16
SECURITY_GROUPS = 5

#: The memory in MiB with which a Lambda function has one virtual CPU:
#: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
LAMBDA_PROCESSOR = 1_769

#: The least and most disk in whole GiB, on Fargate and of a Lambda function:
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_EphemeralStorage.html
#: https://docs.aws.amazon.com/lambda/latest/api/API_EphemeralStorage.html
FARGATE_STORAGE = (21, 200)
LAMBDA_STORAGE = (1, 10)

#: Characters of the name of a schedule's time zone:
#: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
TIMEZONE_LENGTH = 50

#: The least and most minutes by which EventBridge Scheduler may delay a start, and the most bytes of its input:
#: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_FlexibleTimeWindow.html
#: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Target.html
SCHEDULE_WINDOW = (1, 1_440)
SCHEDULE_INPUT_BYTES = 262_144

#: Bytes of a standard parameter of Systems Manager, which costs nothing:
#: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
PARAMETER_BYTES = 4 * 1024

#: Characters of the name of a rule of EventBridge, and of a schedule:
#: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
RULE_NAME_LENGTH = 64

#: Characters of a pattern, and of the template of an input; and the values that this takes from an event:
#: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
#: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_InputTransformer.html
PATTERN_LENGTH = 4_096
TEMPLATE_LENGTH = 8_192
EVENT_PATHS = 100

"""The AWS quotas that the runtime needs, each with its source. The others are in `laminar_codegen.limits`.

This module imports nothing, because tasks import it. `laminar_runtime.splits.job_container` has the sizes of Fargate.
"""

from __future__ import annotations

__all__ = [
    "ARRAY_CHILDREN",
    "DESCRIBED_JOBS",
    "EXECUTION_NAME_LENGTH",
    "EXIT_RULES",
    "HISTORY_EVENTS",
    "JOB_ATTEMPTS",
    "JOB_NAME_LENGTH",
    "JOB_TIMEOUT",
    "LAMBDA_SECONDS",
    "MAP_CONCURRENCY",
    "MAX_INVOCATIONS",
    "MOST_TAGS",
    "OVERRIDES_LENGTH",
    "SCHEDULING_PRIORITY",
    "STATE_BYTES",
]

#: The least and most children of an AWS Batch array job:
#: https://docs.aws.amazon.com/batch/latest/userguide/array_jobs.html
ARRAY_CHILDREN = (2, 10_000)

#: The most jobs that one call describes: https://docs.aws.amazon.com/batch/latest/APIReference/API_DescribeJobs.html
DESCRIBED_JOBS = 100

#: The most attempts that AWS Batch makes of a job:
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_RetryStrategy.html
JOB_ATTEMPTS = 10

#: The most characters of a job's name: https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html
JOB_NAME_LENGTH = 128

#: Tags of a job and of its job definition together: https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html
MOST_TAGS = 50

#: The most characters of the overrides of a job's container:
#: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html
OVERRIDES_LENGTH = 8_192

#: The most rules of a retry strategy:
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_RetryStrategy.html
EXIT_RULES = 5

#: The least and greatest priority of a job in its share:
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html
SCHEDULING_PRIORITY = (0, 9_999)

#: The least and most seconds of a job's timeout. Fargate may end longer jobs:
#: https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html
JOB_TIMEOUT = (60, 1_209_600)

#: The least and most seconds of a Lambda function's timeout:
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LAMBDA_SECONDS = (1, 900)

#: The most iterations of an inline Map state that run at once:
#: https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
MAP_CONCURRENCY = 40

#: The most characters of an execution's name, events of its history, and bytes that a state hands on:
#: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
EXECUTION_NAME_LENGTH = 80
HISTORY_EVENTS = 25_000
STATE_BYTES = 262_144

#: The most splits of a layer on AWS Lambda. It is Laminar's own limit: each split adds seven or more history events.
MAX_INVOCATIONS = 1_000

"""What a deployment may do: the statements of its roles, no more than its states, tasks or functions need.

They come from AWS's own documentation of each integration:
https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html,
https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html,
https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html and
https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html.

What the document makes is named by ARNs put together of names: so Terraform knows the policies when it plans, and shows
none as changed because what it names is. They are JSON that Terraform itself writes, no data sources: it reads these
later wherever the document is in a module that depends on something with changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import attrs

from laminar_codegen import names
from laminar_codegen.graph import Graph
from laminar_codegen.states import PARTITION, StateMachine, Task, all_states
from laminar_codegen.values import Joined, Ref, Value

__all__ = [
    "ACCOUNT",
    "Statement",
    "for_execution",
    "for_functions",
    "for_schedule",
    "for_state_machine",
    "for_tasks",
    "logs_jobs",
    "regional",
]

ACCOUNT = Ref("local.account_id")
_REGION = Ref("local.region")
_BUCKET = Joined("arn:", PARTITION, ":s3:::", Ref("local.datastore_bucket"))
_NAME = Ref("var.name")
#: What wakes a state that waits for others.
_WAKE = "aws-sdk:sfn:sendTaskSuccess"
#: The ARNs of the repositories that jobs have their images from.
_REPOSITORIES = "local.repositories"
#: How many functions a policy names one by one.
_NAMED = 20
#: What pulls an image; the last two, one that a pull-through cache has not yet, whose repository may not be there yet:
#: https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html
_PULL = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "ecr:BatchImportUpstreamImage",
    "ecr:CreateRepository",
)
#: The parts of an ARN up to a secret's name, and what Secrets Manager puts behind that name, by which policies go:
#: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html#iam-resources
_OF_SECRET = 7
_SUFFIX = re.compile("-[A-Za-z0-9]{6}")


#: A test, a key of the request's context, and its values.
Condition = tuple[str, str, tuple[Value, ...]]


@attrs.frozen
class Statement:
    """What may be done to what.

    Args:
        sid: Its name.
        actions: What may be done.
        resources: To what: ARNs, or a Terraform list of them. If that has none the statement is not there.
        conditions: When.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[Value, ...] | Ref
    conditions: tuple[Condition, ...] = ()

    def body(self) -> dict[str, Value]:
        """The statement as IAM takes it.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_statement.html
        """
        conditions: dict[str, dict[str, Value]] = {}
        for test, key, values in self.conditions:
            conditions.setdefault(test, {})[key] = list(values)
        resources = self.resources if isinstance(self.resources, Ref) else list(self.resources)
        granted: dict[str, Value] = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": resources,
        }
        return {**granted, **({"Condition": conditions} if conditions else {})}


def regional(service: str, *resource: str | Ref | Joined) -> Joined:
    """The ARN of what is in the deployment's own account and region.

    Args:
        service: Its service.
        *resource: What follows the account, in parts.
    """
    return Joined("arn:", PARTITION, f":{service}:", _REGION, ":", ACCOUNT, ":", *resource)


def for_state_machine(graphs: Sequence[Graph], machines: Sequence[StateMachine]) -> Iterator[Statement]:
    """What the states of the machines need, each kind of state its own, and what every machine needs for its logs.

    Args:
        graphs: The graphs of the flows.
        machines: All state machines.
    """
    states = [state for machine in machines for state in all_states(machine.states)]
    used = {state.integration for state in states if isinstance(state, Task)}
    # Its states write to, and read from, this one folder of each flow's in the datastore.
    folders = tuple(Joined(Ref("local.datastore_prefix"), f"{graph.flow}/.cache/*") for graph in graphs)
    notes = tuple(Joined(_BUCKET, "/", folder) for folder in folders)
    if "batch:submitJob.sync" in used:
        yield from _batch(graphs)
    for sid, labels in (("InvokePlanner", names.planners(*graphs)), ("RunTasks", names.functions(*graphs))):
        if labels:
            yield Statement(sid, ("lambda:InvokeFunction",), _functions(_named(graphs, labels)))
    if "states:startExecution.sync:2" in used:
        yield from _nested([machine.name for machine in machines if machine.name != names.MAIN])
    if used & {"aws-sdk:s3:putObject", "aws-sdk:s3:putObject.waitForTaskToken"}:
        yield Statement("WriteRecords", ("s3:PutObject",), notes)
    if _WAKE in used:
        yield Statement("ReadTokens", ("s3:GetObject",), notes)
        yield Statement("ListMarks", ("s3:ListBucket",), (_BUCKET,), (("StringLike", "s3:prefix", folders),))
        waiting = tuple(_states_arn("stateMachine", machine.name) for machine in machines)
        yield Statement("WakeStates", ("states:SendTaskSuccess",), waiting)
    if any(integration.startswith("aws-sdk:s3:") for integration in used):
        yield _datastore_key(notes)
    yield from _own_key(machines)
    yield _LOG_DELIVERY
    yield _TRACES


def _own_key(machines: Sequence[StateMachine]) -> Iterator[Statement]:
    """Encrypting state machines, their executions and their logs by a customer's key, if there is one.

    https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html
    """
    own = tuple(_states_arn("stateMachine", machine.name) for machine in machines)
    yield _key("EncryptExecutions", ("StringEquals", "kms:EncryptionContext:aws:states:stateMachineArn", own))
    logs = (regional("logs", "*"),)
    condition = ("StringLike", "kms:EncryptionContext:SourceArn", logs)
    yield attrs.evolve(_key("EncryptLogs", condition), actions=("kms:GenerateDataKey",))


def _key(sid: str, *conditions: Condition, variable: str = "kms_key_arn") -> Statement:
    """The use of a customer's key, if there is one."""
    actions = ("kms:Decrypt", "kms:GenerateDataKey")
    return Statement(sid, actions, Ref(f"var.{variable}[*]"), conditions)


def _datastore_key(objects: tuple[Value, ...]) -> Statement:
    """Reading and writing objects in a bucket that is encrypted by a customer's key.

    S3 names what it encrypts: the object, or the bucket if that has a key of its own.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    """
    condition = ("StringLike", "kms:EncryptionContext:aws:s3:arn", (_BUCKET, *objects))
    return _key("UseDatastoreKey", condition, variable="datastore_kms_key_arn")


def _nested(parts: list[str]) -> Iterator[Statement]:
    """Starting executions of other machines and waiting for them.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
    """
    yield Statement("RunParts", ("states:StartExecution",), tuple(_states_arn("stateMachine", part) for part in parts))
    executions = tuple(Joined(_states_arn("execution", part), ":*") for part in parts)
    yield Statement("WatchParts", ("states:DescribeExecution", "states:StopExecution"), executions)
    rule = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
    yield _managed_rule("AwaitParts", rule)


def _states_arn(kind: str, machine: str) -> Joined:
    return regional("states", f"{kind}:", names.machine(machine))


def _managed_rule(sid: str, rule: str) -> Statement:
    """Making the rule of EventBridge by which Step Functions learns that what it started has ended."""
    actions = ("events:DescribeRule", "events:PutRule", "events:PutTargets")
    return Statement(sid, actions, (regional("events", f"rule/{rule}"),))


def _batch(graphs: Sequence[Graph]) -> Iterator[Statement]:
    definitions = tuple(
        regional("batch", "job-definition/", names.of_deployment(label)) for label in names.jobs(*graphs)
    )
    revisions = tuple(Joined(definition, ":*") for definition in definitions)
    # A job has no ARN before it is submitted, and the Service Authorization Reference asks for it all the same.
    jobs = regional("batch", "job/*")
    queues = tuple(Ref(f"var.{variable}") for variable in names.queues(*graphs))
    yield Statement("SubmitJobs", ("batch:SubmitJob",), (*queues, *definitions, *revisions, jobs))
    # The ARN of a job is of an identifier that Batch makes, and its tags are not those of the children of an array: a
    # narrower permission would leave jobs running, and billed, when their execution is stopped.
    yield Statement("StopJobs", ("batch:TerminateJob",), (jobs,))
    # AWS offers no resource for it.
    yield Statement("WatchJobs", ("batch:DescribeJobs",), ("*",))
    yield _managed_rule("AwaitJobs", "StepFunctionsGetEventsForBatchJobsRule")


def for_tasks(graphs: Sequence[Graph]) -> tuple[Statement, ...]:
    """Reading and writing artifacts. Listing makes a missing object be told as missing, and not as forbidden.

    Args:
        graphs: The graphs of the flows.
    """
    objects = tuple(Joined(_BUCKET, "/", Ref("local.datastore_prefix"), names.flow(graph), "/*") for graph in graphs)
    return (
        Statement("ReadAndWriteArtifacts", ("s3:GetObject", "s3:PutObject"), objects),
        # Not by s3:prefix: a request for one object has none, and S3 would tell that it is forbidden.
        Statement("TellWhatIsMissing", ("s3:ListBucket",), (_BUCKET,)),
        _datastore_key(objects),
    )


def for_functions(graphs: Sequence[Graph], functions: Iterable[str]) -> tuple[Statement, ...]:
    """What functions do: they read and write artifacts as tasks do.

    Args:
        graphs: The graphs of the flows.
        functions: The labels of the functions.
    """
    labels = _named(graphs, functions)
    condition = ("StringLike", "kms:EncryptionContext:aws:lambda:FunctionArn", _functions(labels))
    environment = attrs.evolve(_key("DecryptEnvironment", condition), actions=("kms:Decrypt",))
    groups = tuple(names.log_group(label) for label in labels)
    return (*for_tasks(graphs), environment, _logs("WriteLogs", groups), _TRACES)


def _named(graphs: Sequence[Graph], functions: Iterable[str]) -> tuple[str, ...]:
    """The labels of functions as a policy names them: each, or of many what they begin with and others do not.

    A role's policies have at most 10,240 characters:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """
    labels = tuple(functions)
    if len(labels) <= _NAMED:
        return labels
    starts = [f"{graph.prefix}{kind}" for graph in graphs for kind in names.FUNCTIONS]
    return tuple(f"{start}*" for start in starts if any(label.startswith(start) for label in labels))


def _functions(labels: Iterable[str]) -> tuple[Value, ...]:
    return tuple(regional("lambda", "function:", names.of_deployment(label)) for label in labels)


def for_schedule() -> tuple[Statement, ...]:
    """Starting executions, and keeping what could not be started. To start one needs no use of its machine's key.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/encryption-rest.html
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
    """
    queue = regional("sqs", names.of_deployment(names.FAILED_STARTS))
    # A schedule that names no group is in this one.
    schedule = regional("scheduler", "schedule/default/", _NAME)
    encrypted = _key(
        "DecryptSchedule", ("StringEquals", "kms:EncryptionContext:aws:scheduler:schedule:arn", (schedule,))
    )
    return (
        Statement("StartExecutions", ("states:StartExecution",), (_states_arn("stateMachine", names.MAIN),)),
        Statement("KeepFailures", ("sqs:SendMessage",), (queue,)),
        attrs.evolve(encrypted, actions=("kms:Decrypt",)),
        _key("EncryptFailures", ("StringEquals", "kms:EncryptionContext:aws:sqs:arn", (queue,))),
    )


def logs_jobs(graphs: Sequence[Graph]) -> bool:
    """Whether jobs write to the log group of the tasks.

    Args:
        graphs: The graphs of the flows.
    """
    return any(job.container.log_driver == "awslogs" for job in names.jobs(*graphs).values())


def for_execution(graphs: Sequence[Graph]) -> Iterator[Statement]:
    """Starting containers.

    On EC2 the instances have a role of their own for their images and logs; one that reads secrets has both roles:
    https://docs.aws.amazon.com/batch/latest/userguide/specifying-sensitive-data.html

    Args:
        graphs: The graphs of the flows.
    """
    # Only if there is an image in ECR. For the token AWS offers no resource.
    all_of_them = Ref(f'length({_REPOSITORIES}) > 0 ? ["*"] : []')
    yield Statement("LogInToRegistries", ("ecr:GetAuthorizationToken",), all_of_them)
    yield Statement("PullImages", _PULL, Ref(_REPOSITORIES))
    if logs_jobs(graphs):
        yield _logs("WriteLogs", (names.log_group(names.TASKS),))
    yield from _secrets(graphs)


def _secrets(graphs: Sequence[Graph]) -> Iterator[Statement]:
    """Reading the secrets that containers ask for, and no others."""
    containers = [job.container for job in names.jobs(*graphs).values()]
    given = {arn for item in containers for _, arn in (*item.secrets, *item.secret_log_options)}
    kinds = (
        ("ReadSecrets", "secretsmanager", "secretsmanager:GetSecretValue"),
        ("ReadParameters", "ssm", "ssm:GetParameters"),
    )
    for sid, service, action in kinds:
        # What follows a secret's name is a key in it, or its version: the permission is for the secret.
        arns = {_whole(":".join(arn.split(":")[:_OF_SECRET])) for arn in given if arn.split(":")[2] == service}
        if arns:
            yield Statement(sid, (action,), tuple(sorted(arns)))


def _whole(arn: str) -> str:
    """The ARN of a secret or parameter as policies name it, also if what follows a secret's name was left out.

    Secrets Manager takes a name that ends as if it had that for a whole one, and so does this.
    """
    named = ":secretsmanager:" not in arn or _SUFFIX.fullmatch(arn[-len("-AbCdEf") :])
    return arn if named else f"{arn}-??????"


def _logs(sid: str, groups: tuple[Joined, ...]) -> Statement:
    streams = tuple(regional("logs", "log-group:", group, ":log-stream:*") for group in groups)
    return Statement(sid, ("logs:CreateLogStream", "logs:PutLogEvents"), streams)


# AWS offers no resources for these two.
_LOG_DELIVERY = Statement(
    "DeliverLogs",
    (
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
    ),
    ("*",),
)
_TRACES = Statement(
    "SendTraces",
    (
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    ),
    ("*",),
)

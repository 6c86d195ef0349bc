"""What a deployment may do: the statements of its roles, no more than its states, tasks or functions need.

They come from AWS's own documentation of each integration:
https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html,
https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html,
https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html and
https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html.

What the document makes is named by ARNs put together of names: so Terraform knows the policies when it plans, and shows
none as changed because what it names is. They are JSON that Terraform itself writes, no data sources: it reads these
later wherever the document is in a module that depends on something with changes.

What starts containers has a module of its own, `laminar_codegen.lower_terraform.start_permissions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import Task, all_states, submits_unawaited
from laminar_codegen.ir.deployment import Deployment, Planner, TaskFunction
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.policies.sizes import Fitted, fit
from laminar_codegen.policies.statement import (
    BUCKET,
    TRACES,
    Statement,
    datastore_key,
    key,
    logs,
    regional,
    states_arn,
)
from laminar_runtime.storage.layout import input_key, joins_prefix

__all__ = ["for_functions", "for_state_machine", "for_stop_jobs", "for_tasks"]

#: What wakes a state that waits for others.
_WAKE = "aws-sdk:sfn:sendTaskSuccess"
#: How many functions a policy names one by one, and how many beginnings of names at most.
_NAMED, _BEGINNINGS = 20, 4


def for_state_machine(deployment: Deployment) -> Fitted:
    """What the states of the machines need, each kind of state its own, and what every machine needs for its logs.

    Args:
        deployment: The deployment.
    """
    return fit(deployment, lambda most: _for_state_machine(deployment, short=most is not None))


def _for_state_machine(deployment: Deployment, *, short: bool) -> Iterator[Statement]:
    states = [state for machine in deployment.machines for state in all_states(machine.states)]
    used = {state.integration for state in states if isinstance(state, Task)}
    flows = [graph.flow for graph in deployment.graphs if graph.keeps_input]
    # Beside what states write lies what says that layers finished, and that no state may write.
    marks = _in_datastore(f"{joins_prefix(graph.flow, '*')}*" for graph in deployment.graphs) if _WAKE in used else ()
    notes = (*_in_datastore(input_key(flow, "*") for flow in flows), *marks)
    written = tuple(Joined(BUCKET, "/", note) for note in notes)
    if "batch:submitJob.sync" in used:
        yield from _batch(deployment, short=short)
    if "aws-sdk:batch:listJobs" in used:
        yield from _left_jobs(deployment, short=short)
    for sid, functions in (("InvokePlanner", deployment.planners), ("RunTasks", deployment.task_functions)):
        if functions:
            yield Statement(sid, ("lambda:InvokeFunction",), _functions(_named(deployment, functions, short=short)))
    if "states:startExecution.sync:2" in used:
        yield from _nested(_others(deployment, short=short))
    yield from _notes(written, tuple(Joined(BUCKET, "/", mark) for mark in marks), short=short)
    if _WAKE in used:
        yield Statement("ListMarks", ("s3:ListBucket",), (BUCKET,), (("StringLike", "s3:prefix", marks),))
        yield Statement("WakeStates", ("states:SendTaskSuccess",), _own(deployment, short=short))
    if written:
        yield datastore_key(_key_of(written, short=short))
    yield from _own_key((*_own(deployment, short=short), *_stopping(deployment)), short=short)
    yield _LOG_DELIVERY
    yield TRACES


def _in_datastore(keys: Iterable[str]) -> tuple[Joined, ...]:
    """Keys of the datastore as keys of its bucket."""
    return tuple(Joined(Ref("local.datastore_prefix"), key) for key in keys)


def _notes(written: tuple[Value, ...], read: tuple[Value, ...], *, short: bool) -> Iterator[Statement]:
    """Writing and reading what is kept of executions."""
    if read and short:
        yield Statement("KeepNotes", ("s3:GetObject", "s3:PutObject"), written)
        return
    if written:
        yield Statement("WriteNotes", ("s3:PutObject",), written)
    if read:
        yield Statement("ReadTokens", ("s3:GetObject",), read)


def _key_of(objects: tuple[Value, ...], *, short: bool) -> tuple[Value, ...]:
    """The objects for which the bucket's key is used: those that are read and written, which other statements say."""
    return (Joined(BUCKET, "/*"),) if short else objects


def _others(deployment: Deployment, *, short: bool) -> tuple[str, ...]:
    """The names of the machines that others start, each, or by what they begin with."""
    others = tuple(
        machine.name for machine in deployment.machines if machine.name not in {labels.MAIN, labels.STOP_JOBS}
    )
    if not short or len(others) <= 1:
        return others
    return ("part_*",) if len(deployment.graphs) == 1 else ("*",)


def _own(deployment: Deployment, *, short: bool) -> tuple[Value, ...]:
    """The ARNs of the machines that run the flows."""
    return tuple(states_arn("stateMachine", machine) for machine in (labels.MAIN, *_others(deployment, short=short)))


def _stopping(deployment: Deployment) -> tuple[Value, ...]:
    """The ARN of the machine that ends jobs, if there is one."""
    return tuple(states_arn("stateMachine", item.name) for item in deployment.machines if item.name == labels.STOP_JOBS)


def _own_key(own: tuple[Value, ...], *, short: bool) -> Iterator[Statement]:
    """Encrypting state machines, their executions and their logs by a customer's key, if there is one.

    https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html
    """
    test = "StringLike" if short else "StringEquals"
    yield key("EncryptExecutions", (test, "kms:EncryptionContext:aws:states:stateMachineArn", own))
    condition = ("StringLike", "kms:EncryptionContext:SourceArn", (regional("logs", "*"),))
    yield attrs.evolve(key("EncryptLogs", condition), actions=("kms:GenerateDataKey",))


def _nested(parts: tuple[str, ...]) -> Iterator[Statement]:
    """Starting executions of other machines and waiting for them.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
    """
    yield Statement("RunParts", ("states:StartExecution",), tuple(states_arn("stateMachine", part) for part in parts))
    executions = tuple(Joined(states_arn("execution", part), ":*") for part in parts)
    yield Statement("WatchParts", ("states:DescribeExecution", "states:StopExecution"), executions)
    rule = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
    yield _managed_rule("AwaitParts", rule)


def _managed_rule(sid: str, rule: str) -> Statement:
    """Making the rule of EventBridge by which Step Functions learns that what it started has ended."""
    actions = ("events:DescribeRule", "events:PutRule", "events:PutTargets")
    return Statement(sid, actions, (regional("events", f"rule/{rule}"),))


def _batch(deployment: Deployment, *, short: bool) -> Iterator[Statement]:
    found = tuple(sorted(definition.label for definition in deployment.job_definitions))
    patterns = _beginnings(deployment, found, labels.JOBS) if short else found
    definitions = tuple(regional("batch", "job-definition/", labels.of_deployment(pattern)) for pattern in patterns)
    # A pattern is one of revisions too.
    revisions = () if short else tuple(Joined(definition, ":*") for definition in definitions)
    # A job has no ARN before it is submitted, and the Service Authorization Reference asks for it all the same.
    jobs = regional("batch", "job/*")
    queues = tuple(Ref(f"var.{queue.variable}") for queue in deployment.queues)
    yield Statement("SubmitJobs", ("batch:SubmitJob",), (*queues, *definitions, *revisions, jobs))
    # The ARN of a job is of an identifier that Batch makes, and its tags are not those of the children of an array: a
    # narrower permission would leave jobs running, and billed, when their execution is stopped.
    yield Statement("StopJobs", ("batch:TerminateJob",), (jobs,))
    # AWS offers no resource for it.
    yield Statement("WatchJobs", ("batch:DescribeJobs",), ("*",))
    yield _managed_rule("AwaitJobs", "StepFunctionsGetEventsForBatchJobsRule")


def _left_jobs(deployment: Deployment, *, short: bool) -> Iterator[Statement]:
    """Finding the jobs of executions that have ended.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html
    """
    watched = tuple(machine.name for machine in deployment.machines if submits_unawaited(machine))
    if short and len(watched) > 1:
        watched = (labels.MAIN, *_others(deployment, short=short))
    executions = tuple(Joined(states_arn("execution", name), ":*") for name in watched)
    yield Statement("LookAtExecutions", ("states:DescribeExecution",), executions)
    # AWS offers no resource for it.
    yield Statement("FindJobs", ("batch:ListJobs",), ("*",))


def for_stop_jobs(deployment: Deployment) -> Fitted:
    """Starting the machine that ends the jobs of executions.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-identity-based.html

    Args:
        deployment: The deployment.
    """
    machine = (states_arn("stateMachine", labels.STOP_JOBS),)
    return fit(deployment, lambda _: (Statement("StartStops", ("states:StartExecution",), machine),))


def for_tasks(deployment: Deployment) -> Fitted:
    """Reading and writing artifacts. Listing makes a missing object be told as missing, and not as forbidden.

    Args:
        deployment: The deployment.
    """
    return fit(deployment, lambda most: _for_tasks(deployment, short=most is not None))


def _for_tasks(deployment: Deployment, *, short: bool) -> tuple[Statement, ...]:
    objects = tuple(Joined(BUCKET, "/", Ref("local.datastore_prefix"), flow, "/*") for flow in deployment.flow_names)
    return (
        Statement("ReadAndWriteArtifacts", ("s3:GetObject", "s3:PutObject"), objects),
        # Not by s3:prefix: a request for one object has none, and S3 would tell that it is forbidden.
        Statement("TellWhatIsMissing", ("s3:ListBucket",), (BUCKET,)),
        datastore_key(_key_of(objects, short=short)),
    )


def for_functions(deployment: Deployment, functions: Sequence[Planner | TaskFunction]) -> Fitted:
    """What functions do: they read and write artifacts as tasks do.

    Args:
        deployment: The deployment.
        functions: The functions.
    """
    return fit(deployment, lambda most: _for_functions(deployment, functions, short=most is not None))


def _for_functions(
    deployment: Deployment, functions: Sequence[Planner | TaskFunction], *, short: bool
) -> tuple[Statement, ...]:
    patterns = _named(deployment, functions, short=short)
    condition = ("StringLike", "kms:EncryptionContext:aws:lambda:FunctionArn", _functions(patterns))
    environment = attrs.evolve(key("DecryptEnvironment", condition), actions=("kms:Decrypt",))
    groups = tuple(labels.log_group(pattern) for pattern in patterns)
    return (*_for_tasks(deployment, short=short), environment, logs("WriteLogs", groups), TRACES)


def _named(deployment: Deployment, functions: Sequence[Planner | TaskFunction], *, short: bool) -> tuple[str, ...]:
    """Return the labels of functions as a policy names them: each, or patterns of their prefixes if there are many."""
    found = tuple(function.label for function in functions)
    return _beginnings(deployment, found, labels.FUNCTIONS) if short or len(found) > _NAMED else found


def _beginnings(deployment: Deployment, found: tuple[str, ...], kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Patterns of labels, by what those of each kind begin with: so none is of another deployment's.

    Of the flows of a chain there may be many. Then it is all that is named after the deployment.
    """
    starts = [f"{graph.prefix}{kind}" for graph in deployment.graphs for kind in kinds]
    patterns = tuple(f"{start}*" for start in starts if any(label.startswith(start) for label in found))
    return patterns if len(patterns) <= _BEGINNINGS else ("*",)


def _functions(patterns: Iterable[str]) -> tuple[Value, ...]:
    return tuple(regional("lambda", "function:", labels.of_deployment(pattern)) for pattern in patterns)


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

"""The roles of a deployment, and what each may do: no more than its states, tasks or functions need.

The statements come from AWS's own documentation of each integration:
https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html,
https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html and
https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import attrs

from laminar_codegen import names
from laminar_codegen.document import Block
from laminar_codegen.graph import Graph
from laminar_codegen.states import PARTITION, StateMachine, Task, all_states
from laminar_codegen.values import Joined, Ref, Value

__all__ = ["documents", "logs_jobs", "names_regions", "roles"]

_ACCOUNT = Ref("data.aws_caller_identity.current.account_id")
_REGION = Ref("data.aws_region.current.region")
_BUCKET = Joined("arn:", PARTITION, ":s3:::", Ref("local.datastore_bucket"))
_NAME = Ref("var.name")
#: What wakes a state that waits for others.
_WAKE = "aws-sdk:sfn:sendTaskSuccess"
#: The parts of an ARN up to a secret's name.
_OF_SECRET = 7


@attrs.frozen
class Statement:
    """What may be done to what."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[Value, ...]

    def body(self) -> dict[str, Value]:
        """The statement as a block of ``aws_iam_policy_document``."""
        return {"sid": self.sid, "actions": list(self.actions), "resources": list(self.resources)}


@attrs.frozen
class Role:
    """A role: its label, who may take it, and what it may do."""

    label: str
    service: str
    description: str
    statements: tuple[Statement, ...]


def documents(graphs: Sequence[Graph], machines: Sequence[StateMachine]) -> Iterator[Block]:
    """The policy documents of all roles.

    Args:
        graphs: The graphs of the flows.
        machines: All state machines.
    """
    for role in _roles(graphs, machines):
        yield Block("aws_iam_policy_document", f"{role.label}_trust", {"statement": [_trust(role.service)]})
        statements: list[Value] = [statement.body() for statement in role.statements]
        yield Block("aws_iam_policy_document", role.label, {"statement": statements})


def roles(graphs: Sequence[Graph], machines: Sequence[StateMachine]) -> Iterator[Block]:
    """The roles, each with its policy.

    Args:
        graphs: The graphs of the flows.
        machines: All state machines.
    """
    for role in _roles(graphs, machines):
        name = role.label.replace("_", "-")
        yield Block(
            "aws_iam_role",
            role.label,
            {
                "name": Joined(_NAME, f"-{name}"),
                "description": role.description,
                "assume_role_policy": Ref(f"data.aws_iam_policy_document.{role.label}_trust.json"),
                "permissions_boundary": Ref("var.permissions_boundary_arn"),
                "tags": Ref("var.tags"),
            },
        )
        yield Block(
            "aws_iam_role_policy",
            role.label,
            {
                "name": name,
                "role": Ref(f"aws_iam_role.{role.label}.id"),
                "policy": Ref(f"data.aws_iam_policy_document.{role.label}.json"),
            },
        )


def _roles(graphs: Sequence[Graph], machines: Sequence[StateMachine]) -> Iterator[Role]:
    states, flows = "states.amazonaws.com", _flows(graphs)
    yield Role("state_machine", states, f"Runs the {flows}", tuple(_state_machine(graphs, machines)))
    tasks, jobs = "ecs-tasks.amazonaws.com", names.jobs(*graphs)
    if jobs:
        yield Role("task", tasks, f"What the layers of the {flows} may do", _datastore(graphs))
    if any(job.has_execution_role for job in jobs.values()):
        yield Role("execution", tasks, f"Starts the containers of the {flows}", tuple(_execution(graphs)))
    planners, functions = names.planners(*graphs), names.functions(*graphs)
    if planners:
        yield _of_functions(graphs, "planner", f"Plans the layers of the {flows}", planners)
    if functions:
        description = f"What the layers of the {flows} on AWS Lambda may do"
        yield _of_functions(graphs, "function", description, functions)


def _of_functions(graphs: Sequence[Graph], label: str, description: str, functions: Iterable[str]) -> Role:
    """The role of functions, which read and write artifacts as tasks do."""
    statements = (*_datastore(graphs), _logs("WriteLogs", tuple(functions)), _TRACES)
    return Role(label, "lambda.amazonaws.com", description, statements)


def _flows(graphs: Sequence[Graph]) -> str:
    """The flows, to be named in a description."""
    named = ", ".join(graph.flow for graph in graphs)
    return f"flow {named}" if len(graphs) == 1 else f"flows {named}"


def _trust(service: str) -> dict[str, Value]:
    """Who may take a role: a service, and only for this account where the service tells for whom it acts.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    own: dict[str, Value] = {"test": "StringEquals", "variable": "aws:SourceAccount", "values": [_ACCOUNT]}
    condition: dict[str, Value] = {} if service == "lambda.amazonaws.com" else {"condition": own}
    principals: dict[str, Value] = {"type": "Service", "identifiers": [service]}
    return {"actions": ["sts:AssumeRole"], "principals": principals, **condition}


def _state_machine(graphs: Sequence[Graph], machines: Sequence[StateMachine]) -> Iterator[Statement]:
    """What the states of the machines need, each kind of state its own, and what every machine needs for its logs."""
    states = [state for machine in machines for state in all_states(machine.states)]
    used = {state.integration for state in states if isinstance(state, Task)}
    # Its states write to, and read from, this one folder of each flow's in the datastore.
    notes = tuple(Joined(_BUCKET, "/", Ref("local.datastore_prefix"), f"{graph.flow}/.cache/*") for graph in graphs)
    if "batch:submitJob.sync" in used:
        yield from _batch(graphs)
    for sid, labels in (("InvokePlanner", names.planners(*graphs)), ("RunTasks", names.functions(*graphs))):
        if labels:
            functions = tuple(Ref(f"aws_lambda_function.{label}.arn") for label in labels)
            yield Statement(sid, ("lambda:InvokeFunction",), functions)
    if "states:startExecution.sync:2" in used:
        yield from _nested([machine.name for machine in machines if machine.name != names.MAIN])
    if used & {"aws-sdk:s3:putObject", "aws-sdk:s3:putObject.waitForTaskToken"}:
        yield Statement("WriteRecords", ("s3:PutObject",), notes)
    if _WAKE in used:
        yield Statement("ReadTokens", ("s3:GetObject",), notes)
        yield Statement("ListMarks", ("s3:ListBucket",), (_BUCKET,))
        waiting = tuple(_states_arn("stateMachine", machine.name) for machine in machines)
        yield Statement("WakeStates", ("states:SendTaskSuccess",), waiting)
    yield _LOG_DELIVERY
    yield _TRACES


def _nested(parts: list[str]) -> Iterator[Statement]:
    """Starting executions of other machines and waiting for them.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
    """
    # By their names: the machines themselves are made when their role has its policy.
    yield Statement("RunParts", ("states:StartExecution",), tuple(_states_arn("stateMachine", part) for part in parts))
    executions = tuple(Joined(_states_arn("execution", part), ":*") for part in parts)
    yield Statement("WatchParts", ("states:DescribeExecution", "states:StopExecution"), executions)
    rule = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
    yield _managed_rule("AwaitParts", rule)


def _states_arn(kind: str, machine: str) -> Joined:
    name = names.machine(machine)
    return Joined("arn:", PARTITION, ":states:", _REGION, ":", _ACCOUNT, f":{kind}:", name)


def _managed_rule(sid: str, rule: str) -> Statement:
    """Making the rule of EventBridge by which Step Functions learns that what it started has ended."""
    arn = Joined("arn:", PARTITION, ":events:", _REGION, ":", _ACCOUNT, f":rule/{rule}")
    return Statement(sid, ("events:DescribeRule", "events:PutRule", "events:PutTargets"), (arn,))


def _batch(graphs: Sequence[Graph]) -> Iterator[Statement]:
    definitions = tuple(Ref(f"aws_batch_job_definition.{label}.arn_prefix") for label in names.jobs(*graphs))
    revisions = tuple(Joined(definition, ":*") for definition in definitions)
    # A job has no ARN before it is submitted, and the Service Authorization Reference asks for it all the same.
    jobs = Joined("arn:", PARTITION, ":batch:", _REGION, ":", _ACCOUNT, ":job/*")
    queues = tuple(Ref(f"var.{variable}") for variable in names.queues(*graphs))
    yield Statement("SubmitJobs", ("batch:SubmitJob",), (*queues, *definitions, *revisions, jobs))
    yield Statement("StopJobs", ("batch:TerminateJob",), (jobs,))
    # AWS offers no resource for it.
    yield Statement("WatchJobs", ("batch:DescribeJobs",), ("*",))
    yield _managed_rule("AwaitJobs", "StepFunctionsGetEventsForBatchJobsRule")


def _datastore(graphs: Sequence[Graph]) -> tuple[Statement, ...]:
    """Reading and writing artifacts. Listing makes a missing object be told as missing, and not as forbidden."""
    objects = tuple(Joined(_BUCKET, "/", Ref("local.datastore_prefix"), names.flow(graph), "/*") for graph in graphs)
    return (
        Statement("ReadAndWriteArtifacts", ("s3:GetObject", "s3:PutObject"), objects),
        Statement("TellWhatIsMissing", ("s3:ListBucket",), (_BUCKET,)),
    )


def names_regions(graphs: Sequence[Graph], machines: Sequence[StateMachine]) -> bool:
    """Whether the document names what is in its own region: jobs, or other machines.

    Args:
        graphs: The graphs of the flows.
        machines: All state machines.
    """
    states = (state for machine in machines for state in all_states(machine.states))
    wakes = any(isinstance(state, Task) and state.integration == _WAKE for state in states)
    return bool(names.jobs(*graphs)) or len(machines) > 1 or wakes


def logs_jobs(graphs: Sequence[Graph]) -> bool:
    """Whether jobs write to the log group of the tasks.

    Args:
        graphs: The graphs of the flows.
    """
    return any(job.container.log_driver == "awslogs" for job in names.jobs(*graphs).values())


def _execution(graphs: Sequence[Graph]) -> Iterator[Statement]:
    """Starting containers.

    On EC2 the instances have a role of their own for their images and logs; one that reads secrets has both roles:
    https://docs.aws.amazon.com/batch/latest/userguide/specifying-sensitive-data.html
    """
    pull = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
    repositories = Joined("arn:", PARTITION, ":ecr:*:*:repository/*")
    # AWS offers no resource for it.
    yield Statement("LogInToRegistries", ("ecr:GetAuthorizationToken",), ("*",))
    yield Statement("PullImages", pull, (repositories,))
    if logs_jobs(graphs):
        yield _logs("WriteLogs", ("tasks",))
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
        arns = {":".join(arn.split(":")[:_OF_SECRET]) for arn in given if arn.split(":")[2] == service}
        if arns:
            yield Statement(sid, (action,), tuple(sorted(arns)))


def _logs(sid: str, groups: tuple[str, ...]) -> Statement:
    streams = tuple(Joined(Ref(f"aws_cloudwatch_log_group.{label}.arn"), ":log-stream:*") for label in groups)
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

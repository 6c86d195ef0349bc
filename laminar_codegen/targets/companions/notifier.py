"""What reports executions that did not succeed: the rule that starts its machine, and the statements of its role."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Alarm, Deployment, Role
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.graph import Graph
from laminar_codegen.policies.statement import BUCKET, Condition, Statement, regional, states_arn
from laminar_codegen.targets.companions.companion import NOTIFY, Companion
from laminar_codegen.targets.companions.ended_executions import STATUSES, emit_rule, pattern, starts
from laminar_codegen.targets.companions.notify import DETAIL_TYPE, SOURCE, emit_notify
from laminar_runtime.storage.layout import failures_prefix

__all__ = ["NOTIFIER", "NOT_REPORTED", "read_and_report", "records"]

#: The local value with the pattern of the rule.
_LOCAL = "reported_executions"
_NAME = Ref("var.name")


def _is_needed(graphs: Sequence[Graph]) -> bool:
    return graphs[0].settings.notices is not None


def _role(flows: str) -> Role:
    description = f"Has failed executions of the {flows} reported"
    return Role(NOTIFY, "events.amazonaws.com", description, "has failed executions reported")


def records(deployment: Deployment) -> tuple[Joined, ...]:
    """Return the keys of the records of failures in the bucket of the datastore, as patterns; none if none are read.

    Args:
        deployment: The deployment.
    """
    if deployment.settings.notices is None:
        return ()
    found = (failures_prefix(graph.flow, "*") for graph in deployment.graphs)
    return tuple(Joined(Ref("local.datastore_prefix"), f"{prefix}*") for prefix in found)


def read_and_report(deployment: Deployment) -> Iterator[Statement]:
    """Yield the statements of the state machine that reports executions, none if there is no such machine.

    Args:
        deployment: The deployment.
    """
    notices, keys = deployment.settings.notices, records(deployment)
    if notices is None:
        return
    executions = (Joined(states_arn("execution", labels.MAIN), ":*"),)
    yield Statement("ReadExecutions", ("states:DescribeExecution", "states:GetExecutionHistory"), executions)
    yield Statement("ListFailures", ("s3:ListBucket",), (BUCKET,), (("StringLike", "s3:prefix", keys),))
    yield Statement("ReadFailures", ("s3:GetObject",), tuple(Joined(BUCKET, "/", key) for key in keys))
    if any(layer.placement.queue is not None for graph in deployment.graphs for layer in graph.layers):
        # This action has no resource to name.
        yield Statement("FindFailedJobs", ("batch:ListJobs",), ("*",))
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
    conditions: tuple[Condition, ...] = (
        ("StringEquals", "events:source", (SOURCE,)),
        ("StringEquals", "events:detail-type", (DETAIL_TYPE,)),
    )
    yield Statement("ReportToEventBus", ("events:PutEvents",), (regional("events", "event-bus/default"),), conditions)
    topics: tuple[Value, ...] | Ref = notices.topics
    if topics:
        yield Statement("ReportToTopics", ("sns:Publish",), topics)
    if notices.key is not None:
        # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
        yield Statement("EncryptReports", ("kms:Decrypt", "kms:GenerateDataKey"), (notices.key,))


#: The alarm about reports that failed.
NOT_REPORTED = Alarm(
    label="notify_failed",
    description=Joined("A failed execution of the state machine ", _NAME, " was not reported"),
    namespace="AWS/States",
    metric="ExecutionsFailed",
    statistic="Sum",
    dimensions={"StateMachineArn": Ref(f"aws_sfn_state_machine.{NOTIFY}.arn")},
)

#: The state machine that reports executions, with all that it needs.
NOTIFIER = Companion(
    label=NOTIFY,
    needed=_is_needed,
    machine=emit_notify,
    role=_role,
    permissions=lambda deployment: starts(deployment, "StartReports", NOTIFY),
    local_values=lambda _: {_LOCAL: pattern([labels.MAIN], STATUSES)},
    emit=lambda: emit_rule(NOTIFY, Joined("Has failed executions of ", _NAME, " reported"), _LOCAL),
)

"""The dashboard of a deployment in CloudWatch, and saved queries of its logs, if a flow asks for them.

Before: a deployment. After: a dashboard with its executions, how long they take, failures by layer, the time of jobs in
their queues, what costs money, and its alarms; and the queries behind it, to change and to run again.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.settings import OFF
from laminar_codegen.ir.terraform import Block
from laminar_codegen.policies.statement import regional
from laminar_codegen.targets import registry as targets

__all__ = ["emit_dashboard", "local_values"]

_LOCAL = "dashboard"
_REGION = Ref("local.region")
_NAME = Ref("var.name")
#: The columns of a dashboard, and the rows of a widget.
_COLUMNS, _ROWS = 24, 6
_PERIOD = 300
_EXECUTIONS = (
    "ExecutionsStarted",
    "ExecutionsSucceeded",
    "ExecutionsFailed",
    "ExecutionsTimedOut",
    "ExecutionsAborted",
)

#: The queries of the log of the state machines, by name. The cause of a failed job has the tags of the job.
_OF_MACHINES: Mapping[str, str] = {
    "failed executions": (
        "fields @timestamp, execution_arn, details.error, details.cause\n"
        '| filter type in ["ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"]\n'
        "| sort @timestamp desc\n| limit 100"
    ),
    "failures by layer": (
        'filter type = "TaskFailed"\n'
        '| parse @message /laminar:layer[\\\\":]+(?<layer>[A-Za-z0-9_]+)/\n'
        "| stats count(*) as failures by coalesce(layer, details.resource)\n| sort failures desc"
    ),
}
#: Those of the output of tasks and functions.
_OF_TASKS: Mapping[str, str] = {
    "errors in the output": (
        "fields @timestamp, @logStream, @message\n"
        "| filter @message like /(Error|Exception|Traceback)/\n"
        "| sort @timestamp desc\n| limit 100"
    ),
}


def _machine_groups(deployment: Deployment) -> list[Value]:
    """Return the log group of the state machines, none if they log nothing."""
    logged = deployment.settings.log_level != OFF
    return [group.name for group in deployment.log_groups if group.label == "state_machine" and logged]


def _task_groups(deployment: Deployment) -> list[Value]:
    return [group.name for group in deployment.log_groups if group.label != "state_machine"]


def _queries(deployment: Deployment) -> Iterator[tuple[str, str, list[Value]]]:
    """Yield the names, the texts and the log groups of the queries."""
    for groups, queries in ((_machine_groups(deployment), _OF_MACHINES), (_task_groups(deployment), _OF_TASKS)):
        if groups:
            yield from ((name, text, groups) for name, text in queries.items())


def emit_dashboard(deployment: Deployment) -> Iterator[Block]:
    """Yield the dashboard and the saved queries of a deployment, none if its flow does not ask for them.

    Args:
        deployment: The deployment.
    """
    if not deployment.settings.dashboard:
        return
    body = Ref(f"jsonencode(local.{_LOCAL})")
    yield Block("aws_cloudwatch_dashboard", "flow", {"dashboard_name": _NAME, "dashboard_body": body})
    for name, text, groups in _queries(deployment):
        arguments: dict[str, Value] = {
            "name": Joined(_NAME, f"/{name}"),
            "log_group_names": groups,
            "query_string": text,
            # A query names log groups that must be there.
            "depends_on": [labels.MADE_FIRST],
        }
        yield Block("aws_cloudwatch_query_definition", name.replace(" ", "_"), arguments)


def local_values(deployment: Deployment) -> dict[str, Value]:
    """Return the local value with the body of the dashboard, if there is one.

    Args:
        deployment: The deployment.
    """
    if not deployment.settings.dashboard:
        return {}
    return {_LOCAL: {"widgets": [*_place(_widgets(deployment))]}}


def _place(widgets: Iterator[tuple[int, str, dict[str, Value]]]) -> Iterator[Value]:
    """Yield widgets with their places: in rows, from the left."""
    x = y = 0
    for width, kind, properties in widgets:
        if x + width > _COLUMNS:
            x, y = 0, y + _ROWS
        yield {"type": kind, "x": x, "y": y, "width": width, "height": _ROWS, "properties": properties}
        x += width


def _widgets(deployment: Deployment) -> Iterator[tuple[int, str, dict[str, Value]]]:
    half, third = _COLUMNS // 2, _COLUMNS // 3
    machine: list[Value] = ["StateMachineArn", Ref("aws_sfn_state_machine.flow.arn")]
    yield half, "metric", _metrics("Executions", [["AWS/States", name, *machine] for name in _EXECUTIONS], "Sum")
    times: list[Value] = [
        ["AWS/States", "ExecutionTime", *machine, {"stat": statistic}] for statistic in ("Average", "p90", "Maximum")
    ]
    yield half, "metric", _metrics("How long executions take (ms)", times, "Average")
    for name, text, groups in _queries(deployment):
        yield third, "log", _log(name, text, groups)
    for queue in deployment.queues:
        given = f'reverse(split("/", var.{queue.variable}))[0]'
        searched = Joined("SEARCH('{AWS/Batch,JobQueueName} JobQueueName=\"", Ref(given), "\"', 'Average', 300)")
        title = f"Jobs in the queue {queue.variable.removesuffix('_arn')}: states, and time in them"
        yield third, "metric", _metrics(title, [[{"expression": searched, "id": "all"}]], "Average")
    yield half, "metric", _metrics("What costs money", [*_costs(deployment, machine)], "Sum")
    alarms: list[Value] = [
        regional("cloudwatch", "alarm:", labels.of_deployment(alarm.label.replace("_", "-")))
        for alarm in deployment.alarms
        if not alarm.switches
    ]
    yield half, "alarm", {"title": "Alarms", "alarms": alarms}


def _costs(deployment: Deployment, machine: Sequence[Value]) -> Iterator[Value]:
    """Yield the metrics of what is paid for, besides the time of jobs: that is in the report of costs, by tags."""
    yield ["AWS/States", "ExecutionsStarted", *machine]
    for function in targets.functions_of(deployment.resources):
        name = labels.of_deployment(function.label)
        yield ["AWS/Lambda", "Duration", "FunctionName", name, {"yAxis": "right"}]
    for group in deployment.log_groups:
        yield ["AWS/Logs", "IncomingBytes", "LogGroupName", group.name, {"yAxis": "right"}]


def _metrics(title: str, metrics: list[Value], statistic: str) -> dict[str, Value]:
    return {
        "title": title,
        "view": "timeSeries",
        "region": _REGION,
        "stat": statistic,
        "period": _PERIOD,
        "metrics": metrics,
    }


def _log(title: str, text: str, groups: Sequence[Value]) -> dict[str, Value]:
    sources: list[str | Ref | Joined] = []
    for group in groups:
        assert isinstance(group, Joined)  # noqa: S101 - for mypy: the names of log groups are
        sources += ["SOURCE '", group, "' | "]
    return {"title": title.capitalize(), "view": "table", "region": _REGION, "query": Joined(*sources, text)}

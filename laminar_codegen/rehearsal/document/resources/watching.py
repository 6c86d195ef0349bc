"""CloudWatch: log groups, alarms, dashboards and saved queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laminar_codegen.rehearsal.document.kinds import Kind, Making
from laminar_codegen.rehearsal.document.values import as_number

__all__ = ["KINDS"]

_GROUP = {"name": "logGroupName", "kms_key_id": "kmsKeyId"}
_ALARM = {
    "evaluate_low_sample_count_percentiles": "EvaluateLowSampleCountPercentile",
    "ok_actions": "OKActions",
    "metric_query": "Metrics",
    "metric_query.metric": "MetricStat",
}


def _group(making: Making) -> Mapping[str, Any]:
    client, name = making.client("logs"), making.name()
    request = making.request("logs", "CreateLogGroup", renames=_GROUP, omit=("retention_in_days", "skip_destroy"))
    client.create_log_group(**{**request, "logGroupName": name})
    days = as_number(making.get("retention_in_days") or 0)
    if days:
        client.put_retention_policy(logGroupName=name, retentionInDays=days)
    return {"id": name, "name": name, "arn": making.account.arn("logs", f"log-group:{name}")}


def _alarm(making: Making) -> Mapping[str, Any]:
    request = making.request("cloudwatch", "PutMetricAlarm", renames=_ALARM, omit=("dimensions",))
    request["Dimensions"] = [{"Name": name, "Value": value} for name, value in (making.get("dimensions") or {}).items()]
    making.client("cloudwatch").put_metric_alarm(**request)
    name = making["alarm_name"]
    return {"id": name, "arn": making.account.arn("cloudwatch", f"alarm:{name}")}


def _dashboard(making: Making) -> Mapping[str, Any]:
    name = making["dashboard_name"]
    making.client("cloudwatch").put_dashboard(**making.request("cloudwatch", "PutDashboard"))
    return {"id": name, "dashboard_arn": making.account.arn("cloudwatch", f"dashboard/{name}")}


def _query(making: Making) -> Mapping[str, Any]:
    request = making.request("logs", "PutQueryDefinition")
    found = making.client("logs").put_query_definition(**request)["queryDefinitionId"]
    return {"id": found, "query_definition_id": found, "arn": making.account.arn("logs", f"query-definition:{found}")}


KINDS: Mapping[str, Kind] = {
    "aws_cloudwatch_log_group": Kind(_group, {"skip_destroy": "nothing is destroyed"}),
    "aws_cloudwatch_dashboard": Kind(_dashboard),
    "aws_cloudwatch_metric_alarm": Kind(_alarm),
    "aws_cloudwatch_query_definition": Kind(_query),
}

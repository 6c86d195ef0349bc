"""CloudWatch: log groups, metric alarms, dashboards and saved queries."""

from __future__ import annotations

from tools.terraform_standin.declaration import Call, Limit, Naming, Resource
from tools.terraform_standin.tagging import TagOperations, from_pairs
from tools.terraform_standin.text_equality import same_json
from tools.terraform_standin.values import State

#: The days that log groups keep events. 0 is for ever.
_RETENTIONS = "0|1|3|5|7|14|30|60|90|120|150|180|365|400|545|731|1096|1827|2192|2557|2922|3288|3653"


def _create_group(call: Call) -> State:
    client, name = call.client("logs"), call["name"]
    request = {"logGroupName": name}
    if call["kms_key_id"] is not None:
        request["kmsKeyId"] = call["kms_key_id"]
    if call["log_group_class"] is not None:
        request["logGroupClass"] = call["log_group_class"]
    client.create_log_group(**request, **call.tag_parameter("logs", "CreateLogGroup"))
    if call["retention_in_days"]:
        client.put_retention_policy(logGroupName=name, retentionInDays=int(call["retention_in_days"]))
    return {"id": name}


def _read_group(call: Call) -> State | None:
    found = call.client("logs").describe_log_groups(logGroupNamePrefix=call["id"])["logGroups"]
    for group in found:
        if group["logGroupName"] == call["id"]:
            state = call.attributes(group, {"name": "logGroupName"})
            arn = group["arn"].removesuffix(":*")
            return {"retention_in_days": 0, "kms_key_id": None} | state | {"id": call["id"], "arn": arn}
    return None


def _update_group(call: Call) -> State | None:
    client, name = call.client("logs"), call["name"]
    if call.changes("retention_in_days"):
        days = int(call["retention_in_days"])
        if days:
            client.put_retention_policy(logGroupName=name, retentionInDays=days)
        else:
            client.delete_retention_policy(logGroupName=name)
    if call.changes("kms_key_id"):
        if call["kms_key_id"] is None:
            client.disassociate_kms_key(logGroupName=name)
        else:
            client.associate_kms_key(logGroupName=name, kmsKeyId=call["kms_key_id"])
    return None


def _delete_group(call: Call) -> None:
    if not call["skip_destroy"]:
        call.client("logs").delete_log_group(logGroupName=call["name"])


_ALARM_NAMES = {
    "evaluate_low_sample_count_percentiles": "EvaluateLowSampleCountPercentile",
    "ok_actions": "OKActions",
    "metric_query": "Metrics",
    "metric_query.metric": "MetricStat",
}


def _put_alarm(call: Call) -> State:
    request = call.request("cloudwatch", "PutMetricAlarm", renames=_ALARM_NAMES, omit={"dimensions", "metric_query"})
    if call["dimensions"]:
        request["Dimensions"] = _dimensions(call["dimensions"])
    if call["metric_query"]:
        request["Metrics"] = [_query(query) for query in call["metric_query"]]
    call.client("cloudwatch").put_metric_alarm(**request)
    return {"id": call["alarm_name"]}


def _dimensions(dimensions: dict[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def _query(query: State) -> State:
    members = {
        "id": "Id",
        "expression": "Expression",
        "label": "Label",
        "period": "Period",
        "return_data": "ReturnData",
        "account_id": "AccountId",
    }
    request = {member: query[name] for name, member in members.items() if query[name] is not None}
    for metric in query["metric"]:
        request["MetricStat"] = {
            "Metric": {
                "Namespace": metric["namespace"],
                "MetricName": metric["metric_name"],
                "Dimensions": _dimensions(metric["dimensions"] or {}),
            },
            "Period": int(metric["period"]),
            "Stat": metric["stat"],
        } | ({"Unit": metric["unit"]} if metric["unit"] else {})
    return request


def _read_alarm(call: Call) -> State | None:
    found = call.client("cloudwatch").describe_alarms(AlarmNames=[call["id"]])["MetricAlarms"]
    if not found:
        return None
    alarm = found[0]
    dimensions = from_pairs(alarm.pop("Dimensions", []), ("Name", "Value"))
    alarm.pop("Metrics", None)
    return call.attributes(alarm, _ALARM_NAMES) | {
        "id": call["id"],
        "arn": alarm["AlarmArn"],
        "dimensions": dimensions,
    }


def _delete_alarm(call: Call) -> None:
    call.client("cloudwatch").delete_alarms(AlarmNames=[call["alarm_name"]])


def _put_dashboard(call: Call) -> State:
    call.client("cloudwatch").put_dashboard(DashboardName=call["dashboard_name"], DashboardBody=call["dashboard_body"])
    return {"id": call["dashboard_name"]}


def _read_dashboard(call: Call) -> State | None:
    client = call.client("cloudwatch")
    try:
        found = client.get_dashboard(DashboardName=call["id"])
    except client.exceptions.DashboardNotFoundError:
        return None
    return {
        "id": call["id"],
        "dashboard_arn": found["DashboardArn"],
        "dashboard_name": found["DashboardName"],
        "dashboard_body": found["DashboardBody"],
    }


def _delete_dashboard(call: Call) -> None:
    call.client("cloudwatch").delete_dashboards(DashboardNames=[call["dashboard_name"]])


def _put_query(call: Call) -> State:
    request = {"name": call["name"], "queryString": call["query_string"]}
    if call["log_group_names"]:
        request["logGroupNames"] = call["log_group_names"]
    if call.prior is not None:
        request["queryDefinitionId"] = call.prior["query_definition_id"]
    found = call.client("logs").put_query_definition(**request)["queryDefinitionId"]
    return {"id": found, "query_definition_id": found, "name": call["name"]}


def _read_query(call: Call) -> State | None:
    # The API lists by names, and has no other way to find one.
    found = call.client("logs").describe_query_definitions(queryDefinitionNamePrefix=call["name"] or "")
    for query in found["queryDefinitions"]:
        if query["queryDefinitionId"] == call["id"]:
            region = call["region"] or call.account.region
            account = call.client("sts").get_caller_identity()["Account"]
            return call.attributes(query) | {
                "id": call["id"],
                "query_definition_id": call["id"],
                "arn": f"arn:aws:logs:{region}:{account}:query-definition:{call['id']}",
            }
    return None


def _delete_query(call: Call) -> None:
    call.client("logs").delete_query_definition(queryDefinitionId=call["query_definition_id"])


LOG_GROUP = Resource(
    type="aws_cloudwatch_log_group",
    limits={"name": Limit(1, 512), "name_prefix": Limit(1, 486), "retention_in_days": Limit(pattern=_RETENTIONS)},
    create=_create_group,
    read=_read_group,
    update=_update_group,
    delete=_delete_group,
    replaces={"log_group_class"},
    computed={"deletion_protection_enabled", "log_group_class"},
    defaults={"retention_in_days": 0, "skip_destroy": False},
    tagging=TagOperations(service="logs", parameter="resourceArn", tags="tags", keys="tagKeys", pair=None).tagging(),
    naming=Naming(),
)
METRIC_ALARM = Resource(
    type="aws_cloudwatch_metric_alarm",
    limits={"alarm_description": Limit(0, 1024), "alarm_name": Limit(1, 255)},
    create=_put_alarm,
    read=_read_alarm,
    update=_put_alarm,
    delete=_delete_alarm,
    replaces={"alarm_name"},
    computed={"evaluate_low_sample_count_percentiles"},
    defaults={"actions_enabled": True, "treat_missing_data": "missing"},
    tagging=TagOperations(service="cloudwatch", parameter="ResourceARN").tagging(),
)
DASHBOARD = Resource(
    type="aws_cloudwatch_dashboard",
    create=_put_dashboard,
    read=_read_dashboard,
    update=_put_dashboard,
    delete=_delete_dashboard,
    replaces={"dashboard_name"},
    json={"dashboard_body": same_json},
    naming=Naming(argument="dashboard_name", prefix=None),
)
QUERY_DEFINITION = Resource(
    type="aws_cloudwatch_query_definition",
    limits={"name": Limit(1, 255), "query_string": Limit(1, 10_000)},
    create=_put_query,
    read=_read_query,
    update=_put_query,
    delete=_delete_query,
    computed={"log_group_names"},
    naming=Naming(prefix=None),
)

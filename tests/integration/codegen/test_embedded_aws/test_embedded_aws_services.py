"""What Terraform documents declare besides jobs, functions and state machines: moto answers for it.

None of it acts: schedules do not fire and alarms have no metrics.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from embedded_aws_bench import Bench

ACCOUNT = "us-east-1:123456789012"
ROLE = "arn:aws:iam::123456789012:role/any"
TAGS = [{"Key": "team", "Value": "data"}]


def test_schedule(bench: Bench) -> None:
    """A schedule keeps its target, time zone, retries and dead-letter queue, until it is deleted."""
    scheduler = bench.aws.client("scheduler")
    target = {
        "Arn": bench.machine({"A": {"Type": "Pass", "End": True}}),
        "RoleArn": ROLE,
        "Input": json.dumps({"parameters": {"day": 1}}),
        "RetryPolicy": {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 3600},
        "DeadLetterConfig": {"Arn": f"arn:aws:sqs:{ACCOUNT}:dead"},
    }
    wanted: dict[str, Any] = {
        "ScheduleExpression": "cron(0 6 * * ? *)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": target,
    }
    scheduler.create_schedule_group(Name="flows", Tags=TAGS)
    arn = scheduler.create_schedule(Name="daily", GroupName="flows", **wanted)["ScheduleArn"]
    described = scheduler.get_schedule(Name="daily", GroupName="flows")
    assert {key: described[key] for key in wanted} == wanted
    assert described["Arn"] == arn
    scheduler.update_schedule(Name="daily", GroupName="flows", **{**wanted, "State": "DISABLED"})
    assert scheduler.get_schedule(Name="daily", GroupName="flows")["State"] == "DISABLED"
    group = scheduler.get_schedule_group(Name="flows")["Arn"]
    assert scheduler.list_tags_for_resource(ResourceArn=group)["Tags"] == TAGS
    scheduler.delete_schedule(Name="daily", GroupName="flows")
    assert scheduler.list_schedules(GroupName="flows")["Schedules"] == []


def test_queue(bench: Bench) -> None:
    """A queue keeps its attributes and tags, and carries messages."""
    sqs = bench.aws.client("sqs")
    attributes = {"MessageRetentionPeriod": "1209600", "KmsMasterKeyId": "alias/aws/sqs"}
    url = sqs.create_queue(QueueName="dead", Attributes=attributes, tags={"team": "data"})["QueueUrl"]
    assert sqs.get_queue_url(QueueName="dead")["QueueUrl"] == url
    described = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert {key: described[key] for key in attributes} == attributes
    assert described["QueueArn"] == f"arn:aws:sqs:{ACCOUNT}:dead"
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "data"}
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "hello"
    sqs.delete_queue(QueueUrl=url)
    assert "QueueUrls" not in sqs.list_queues()


def test_topic(bench: Bench) -> None:
    """A topic keeps its attributes and tags, and reaches its queues."""
    sns, sqs = bench.aws.client("sns"), bench.aws.client("sqs")
    arn = sns.create_topic(Name="alerts", Attributes={"KmsMasterKeyId": "alias/aws/sns"}, Tags=TAGS)["TopicArn"]
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["KmsMasterKeyId"] == "alias/aws/sns"
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == TAGS
    url = sqs.create_queue(QueueName="alerts")["QueueUrl"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:{ACCOUNT}:alerts")
    sns.publish(TopicArn=arn, Message="failed")
    body = json.loads(sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"])
    assert body["Message"] == "failed"
    sns.delete_topic(TopicArn=arn)


def test_alarm(bench: Bench) -> None:
    """An alarm keeps what it watches and whom it notifies."""
    cloudwatch = bench.aws.client("cloudwatch")
    wanted: dict[str, Any] = {
        "Namespace": "AWS/States",
        "MetricName": "ExecutionsFailed",
        "Dimensions": [{"Name": "StateMachineArn", "Value": f"arn:aws:states:{ACCOUNT}:stateMachine:flow"}],
        "Statistic": "Sum",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 0.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [f"arn:aws:sns:{ACCOUNT}:alerts"],
    }
    cloudwatch.put_metric_alarm(AlarmName="failed", Tags=TAGS, **wanted)
    described = cloudwatch.describe_alarms(AlarmNames=["failed"])["MetricAlarms"][0]
    assert {key: described[key] for key in wanted} == wanted
    assert cloudwatch.list_tags_for_resource(ResourceARN=described["AlarmArn"])["Tags"] == TAGS
    cloudwatch.delete_alarms(AlarmNames=["failed"])
    assert cloudwatch.describe_alarms(AlarmNames=["failed"])["MetricAlarms"] == []


def test_parameter(bench: Bench) -> None:
    """A parameter keeps its value and tags, counts its versions, and is found by name, ARN and path."""
    ssm = bench.aws.client("ssm")
    name = "/services/token"
    ssm.put_parameter(Name=name, Value="first", Type="SecureString", Tags=TAGS)
    with pytest.raises(ssm.exceptions.ParameterAlreadyExists):
        ssm.put_parameter(Name=name, Value="second", Type="SecureString")
    assert ssm.put_parameter(Name=name, Value="second", Overwrite=True)["Version"] == 2
    found = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    assert (found["Value"], found["Type"], found["ARN"]) == (
        "second",
        "SecureString",
        f"arn:aws:ssm:{ACCOUNT}:parameter{name}",
    )
    assert "second" not in ssm.get_parameter(Name=found["ARN"])["Parameter"]["Value"]
    assert ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"] == TAGS
    by_path = ssm.get_parameters_by_path(Path="/services", WithDecryption=True)["Parameters"]
    assert [item["Value"] for item in by_path] == ["second"]
    both = ssm.get_parameters(Names=[name, "/services/none"])
    assert ([item["Name"] for item in both["Parameters"]], both["InvalidParameters"]) == ([name], ["/services/none"])
    filters = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    described = ssm.describe_parameters(ParameterFilters=filters)["Parameters"]
    assert [(item["KeyId"], item["Tier"], item["Version"]) for item in described] == [("alias/aws/ssm", "Standard", 2)]
    ssm.delete_parameter(Name=name)
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter(Name=name)


def test_rule(bench: Bench) -> None:
    """A rule on executions keeps its pattern and targets."""
    events = bench.aws.client("events")
    pattern = {"source": ["aws.states"], "detail-type": ["Step Functions Execution Status Change"]}
    events.put_rule(Name="ended", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="ended", Targets=[{"Id": "topic", "Arn": f"arn:aws:sns:{ACCOUNT}:alerts"}])
    assert json.loads(events.describe_rule(Name="ended")["EventPattern"]) == pattern
    assert [target["Id"] for target in events.list_targets_by_rule(Rule="ended")["Targets"]] == ["topic"]
    events.remove_targets(Rule="ended", Ids=["topic"])
    events.delete_rule(Name="ended")
    assert events.list_rules()["Rules"] == []

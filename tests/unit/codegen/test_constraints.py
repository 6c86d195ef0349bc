"""Requests are held against all that AWS's API models demand."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from laminar_codegen.rehearsal.constraints import _compile, broken_constraints

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:Report"
JOB = {"jobName": "a", "jobQueue": "q", "jobDefinition": "d"}


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "expected"),
    [
        ("states", "StartExecution", {"stateMachineArn": MACHINE, "name": "a" * 80, "input": "{}"}, []),
        (
            "states",
            "StartExecution",
            {"stateMachineArn": MACHINE, "name": "a" * 81},
            ["name: has 81 characters, and may have at most 80"],
        ),
        (
            "states",
            "StartExecution",
            {"name": ""},
            ["stateMachineArn: is required", "name: has 0 characters, and must have at least 1"],
        ),
        (
            "states",
            "StartExecution",
            {"stateMachineArn": 1},
            ["stateMachineArn: must be a value of type string, not 1"],
        ),
        ("states", "StartExecution", {"stateMachineArn": MACHINE, "inputs": "{}"}, ["inputs: is not known"]),
        ("batch", "SubmitJob", {**JOB, "arrayProperties": {"size": 10}}, []),
        (
            "batch",
            "SubmitJob",
            {**JOB, "arrayProperties": {"size": "10"}},
            ["arrayProperties.size: must be a value of type integer, not '10'"],
        ),
        (
            "batch",
            "SubmitJob",
            {**JOB, "arrayProperties": {"size": True}},
            ["arrayProperties.size: must be a value of type integer, not True"],
        ),
        (
            "batch",
            "SubmitJob",
            {**JOB, "containerOverrides": {"resourceRequirements": [{"type": "CPU", "value": "1"}]}},
            ["containerOverrides.resourceRequirements[0].type: 'CPU' is none of GPU, VCPU, MEMORY"],
        ),
        ("batch", "SubmitJob", {**JOB, "tags": {"": "x"}}, ["tags key '': has 0 characters, and must have at least 1"]),
        ("batch", "UntagResource", {"resourceArn": "arn:aws:batch:x", "tagKeys": "team"}, []),
        ("ssm", "GetParameters", {"Names": []}, ["Names: has 0 items, and must have at least 1"]),
        (
            "logs",
            "CreateLogStream",
            {"logGroupName": "a b", "logStreamName": "a:b"},
            [
                "logGroupName: 'a b' does not match the pattern [\\.\\-_/#A-Za-z0-9]+",
                "logStreamName: 'a:b' does not match the pattern [^:*]*",
            ],
        ),
        ("s3", "PutObject", {"Bucket": "b", "Key": "k", "Body": b"abc"}, []),
        ("secretsmanager", "NoOperation", {"a": 1}, []),
        ("no-service", "NoOperation", {"a": 1}, []),
    ],
)
def test_constraints(service: str, operation: str, parameters: dict[str, Any], expected: list[str]) -> None:
    """Each constraint that is broken is said, with the path of the parameter."""
    assert broken_constraints(service, operation, parameters) == expected


#: Of this share of patterns at least, `re` has all classes of characters. The others are not checked.
CHECKED = 0.98


def test_patterns_can_be_checked() -> None:
    """Nearly all patterns of the services in use are checked."""
    session = botocore.session.Session()
    services = ("batch", "cloudwatch", "events", "iam", "lambda", "logs", "scheduler", "secretsmanager", "sqs", "ssm")
    models = [session.get_service_model(service) for service in (*services, "stepfunctions")]
    patterns = {model.shape_for(name).metadata.get("pattern") for model in models for name in model.shape_names}
    checked = [pattern for pattern in patterns - {None} if _compile(pattern) is not None]
    assert len(checked) / len(patterns) > CHECKED

"""What the provider refuses, replaces and warns of before it calls AWS."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from tools.terraform_standin.engine import validate
from tools.terraform_standin.errors import InvalidConfigurationError
from tools.terraform_standin.installing import OLDEST
from tools.terraform_standin.planning import plan
from tools.terraform_standin.registry import DATA_SOURCES, RESOURCES
from tools.terraform_standin.schema import load_schemas, to_protocol
from tools.terraform_standin.shapes import tags_to_api
from tools.terraform_standin.values import UNKNOWN


def config(type_: str, **arguments: Any) -> dict[str, Any]:
    return {**load_schemas(OLDEST).resources[type_].empty(), **arguments}


@pytest.mark.parametrize(
    ("type_", "arguments", "message"),
    [
        ("aws_iam_role", {"name": "r" * 65}, "length of aws_iam_role.name to be at most 64"),
        ("aws_iam_role", {"name_prefix": "r" * 39}, "name_prefix to be at most 38"),
        ("aws_sfn_state_machine", {"name": "a b"}, "does not match"),
        ("aws_sfn_state_machine", {"definition": "x" * 1_048_577}, "definition to be at most 1048576"),
        ("aws_cloudwatch_log_group", {"retention_in_days": 2}, "does not match"),
        ("aws_batch_job_definition", {"retry_strategy": [{"attempts": 11}]}, "attempts to be at most 10"),
        ("aws_batch_job_definition", {"timeout": [{"attempt_duration_seconds": 59}]}, "to be at least 60"),
        ("aws_batch_job_definition", {"container_properties": '{"command": "x"}'}, "cannot decode"),
        ("aws_s3_bucket", {"bucket_prefix": "b" * 38}, "bucket_prefix to be at most 37"),
    ],
)
def test_limits(type_: str, arguments: dict[str, Any], message: str) -> None:
    """Names, lengths and ranges are checked before anything is applied."""
    with pytest.raises(InvalidConfigurationError, match=message):
        validate(RESOURCES[type_], config(type_, **arguments))


def test_within_limits() -> None:
    """What is as long as it may be is valid; what is not known yet is not checked."""
    validate(RESOURCES["aws_iam_role"], config("aws_iam_role", name="r" * 64, max_session_duration=3600))
    validate(RESOURCES["aws_sfn_state_machine"], config("aws_sfn_state_machine", name=UNKNOWN, definition=UNKNOWN))


def environment(**resources: Any) -> dict[str, Any]:
    schema = load_schemas(OLDEST).resources["aws_batch_compute_environment"]
    inner = schema.blocks["compute_resources"].block.empty()
    given = {"type": "EC2", "allocation_strategy": "BEST_FIT_PROGRESSIVE", "subnets": ["s"], **resources}
    return {**schema.empty(), "name": "e", "type": "MANAGED", "compute_resources": [{**inner, **given}]}


@pytest.mark.parametrize(
    ("before", "after", "replaced"),
    [
        ({}, {"instance_type": ["m5"]}, []),
        ({}, {"type": "SPOT"}, []),
        ({}, {"placement_group": "g"}, ["compute_resources.placement_group"]),
        (
            {},
            {"launch_template": [{"launch_template_id": "l", "launch_template_name": None, "version": None}]},
            ["compute_resources.launch_template"],
        ),
        ({"allocation_strategy": "BEST_FIT"}, {"instance_type": ["m5"]}, ["compute_resources.instance_type"]),
        ({"allocation_strategy": "BEST_FIT"}, {"subnets": ["t"]}, ["compute_resources.subnets"]),
        ({"allocation_strategy": None, "type": "FARGATE"}, {"subnets": ["t"]}, []),
    ],
)
def test_compute_environments(before: dict[str, Any], after: dict[str, Any], replaced: list[str]) -> None:
    """Environments that AWS Batch can update are updated in place, others are replaced for most changes."""
    block = load_schemas(OLDEST).resources["aws_batch_compute_environment"]
    resource = RESOURCES["aws_batch_compute_environment"]
    prior, planned = environment(**before), environment(**{**before, **after})
    account: Any = type("Account", (), {"region": "eu-west-1", "default_tags": {}})
    found = plan(
        resource, block, {**prior, "region": "eu-west-1", "tags_all": {}, "state": "ENABLED"}, planned, account
    )
    assert list(found.replaces) == replaced


@pytest.mark.parametrize(
    ("service", "operation", "expected"),
    [
        ("batch", "RegisterJobDefinition", {"tags": {"a": "1"}}),
        ("stepfunctions", "CreateStateMachine", {"tags": [{"key": "a", "value": "1"}]}),
        ("iam", "CreateRole", {"Tags": [{"Key": "a", "Value": "1"}]}),
        ("kms", "CreateKey", {"Tags": [{"TagKey": "a", "TagValue": "1"}]}),
        ("sqs", "CreateQueue", {"tags": {"a": "1"}}),
        ("ec2", "CreateVpc", {"TagSpecifications": [{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "1"}]}]}),
    ],
)
def test_tags_go_in_the_request(service: str, operation: str, expected: dict[str, Any]) -> None:
    """Tags are a parameter of the request that creates, in the form that the service has."""
    shape = botocore.session.Session().get_service_model(service).operation_model(operation).input_shape
    assert tags_to_api({"a": "1"}, shape, "vpc") == expected


def test_deprecated_arguments() -> None:
    """Terraform learns which arguments to warn of."""
    block = load_schemas(OLDEST).resources["aws_iam_role"]
    declared = to_protocol(block, RESOURCES["aws_iam_role"].deprecated).block
    assert [item.name for item in declared.attributes if item.deprecated] == ["managed_policy_arns"]
    assert [item.type_name for item in declared.block_types if item.block.deprecated] == ["inline_policy"]


@pytest.mark.parametrize(
    ("source", "deprecated"),
    [
        ("aws_iam_policy_document", ["override_json", "source_json"]),
        ("aws_partition", ["id"]),
        ("aws_region", ["name"]),
        ("aws_vpc", []),
    ],
)
def test_deprecated_arguments_of_data_sources(source: str, deprecated: list[str]) -> None:
    """The same of what is read."""
    declared = to_protocol(load_schemas(OLDEST).data_sources[source], DATA_SOURCES[source].deprecated).block
    assert [item.name for item in declared.attributes if item.deprecated] == deprecated


def test_warnings() -> None:
    """A variable with an empty value is warned of."""
    properties = '{"Environment": [{"name": "A", "Value": ""}, {"name": "B", "value": "1"}]}'
    found = list(RESOURCES["aws_batch_job_definition"].warnings({"container_properties": properties}))
    assert found == ["The environment variable A has an empty value, which the Batch service ignores"]

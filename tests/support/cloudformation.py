"""Resources of Terraform as those of CloudFormation, whose schemas say what AWS takes.

An argument `retention_in_days` is the property `RetentionInDays`, but for those in the tables below. How a value is
written, as an object or in a list of one, the schema says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

__all__ = ["TYPES", "complaints", "properties_of"]

Json = Mapping[str, Any]
_ACTION = "what Terraform does at a later apply"


def _same(properties: dict[str, Any]) -> Json:
    return properties


@attrs.frozen
class Type:
    """A type of resources.

    Args:
        name: CloudFormation's name of it.
        renames: Arguments whose properties have other names.
        texts: Arguments that are JSON in a text, and objects in CloudFormation.
        omits: Arguments that CloudFormation does not have, each with the reason.
        reshape: What else differs.
    """

    name: str
    renames: Json = attrs.field(factory=dict)
    texts: tuple[str, ...] = ()
    omits: Json = attrs.field(factory=dict)
    reshape: Callable[[dict[str, Any]], Json] = _same


def _machine(properties: dict[str, Any]) -> Json:
    for logging in properties.get("logging_configuration") or ():
        destination = {"cloud_watch_logs_log_group": {"log_group_arn": logging.pop("log_destination")}}
        logging["destinations"] = [destination]
    return properties


def _function(properties: dict[str, Any]) -> Json:
    image = properties.pop("image_uri")
    return {**properties, "code": {"image_uri": image}}


def _alarm(properties: dict[str, Any]) -> Json:
    dimensions = properties.pop("dimensions", None) or {}
    return {**properties, "dimensions": [{"name": name, "value": value} for name, value in dimensions.items()]}


def _target(properties: dict[str, Any]) -> Json:
    target = {"id": properties.pop("target_id"), **properties}
    given = target.pop("input_transformer", None)
    for transformer in given if isinstance(given, list) else [given] if given else ():
        paths = {"input_paths_map": transformer["input_paths"]} if transformer.get("input_paths") else {}
        target["input_transformer"] = {"input_template": transformer["input_template"], **paths}
    # The pattern is that of the rule.
    return {"event_pattern": {}, "targets": [target]}


TYPES: Mapping[str, Type] = {
    "aws_batch_job_definition": Type(
        "AWS::Batch::JobDefinition",
        {"name": "JobDefinitionName"},
        ("container_properties",),
        {"deregister_on_new_revision": _ACTION},
    ),
    "aws_cloudwatch_dashboard": Type("AWS::CloudWatch::Dashboard"),
    "aws_cloudwatch_query_definition": Type("AWS::Logs::QueryDefinition"),
    "aws_cloudwatch_event_rule": Type("AWS::Events::Rule", texts=("event_pattern",)),
    "aws_cloudwatch_event_target": Type(
        "AWS::Events::Rule", omits={"rule": "targets are part of their rule"}, reshape=_target
    ),
    "aws_cloudwatch_log_group": Type("AWS::Logs::LogGroup", {"name": "LogGroupName"}, (), {"skip_destroy": _ACTION}),
    "aws_cloudwatch_metric_alarm": Type("AWS::CloudWatch::Alarm", reshape=_alarm),
    "aws_iam_role": Type(
        "AWS::IAM::Role",
        {"name": "RoleName", "assume_role_policy": "AssumeRolePolicyDocument"},
        ("assume_role_policy",),
    ),
    "aws_iam_role_policy": Type(
        "AWS::IAM::RolePolicy",
        {"name": "PolicyName", "role": "RoleName", "policy": "PolicyDocument"},
        ("policy",),
    ),
    "aws_lambda_function": Type(
        "AWS::Lambda::Function", {"file_system_config": "FileSystemConfigs"}, reshape=_function
    ),
    "aws_scheduler_schedule": Type("AWS::Scheduler::Schedule"),
    "aws_sfn_state_machine": Type(
        "AWS::StepFunctions::StateMachine",
        {"name": "StateMachineName", "type": "StateMachineType", "definition": "DefinitionString"},
        reshape=_machine,
    ),
    "aws_sqs_queue": Type(
        "AWS::SQS::Queue",
        {"name": "QueueName", "message_retention_seconds": "MessageRetentionPeriod"},
        omits={"policy": "it is a resource of its own"},
    ),
    "aws_ssm_parameter": Type("AWS::SSM::Parameter"),
}


def properties_of(type_: Type, arguments: Json, schema: Json) -> Any:
    """Return the properties of a resource.

    Args:
        type_: The type.
        arguments: The arguments of the resource, evaluated.
        schema: CloudFormation's schema of the type.
    """
    given = {name: value for name, value in arguments.items() if name not in type_.omits and value is not None}
    given.pop("timeouts", None)
    for name in type_.texts:
        if name in given:
            given[name] = json.loads(given[name])
    for name, value in given.items():
        # A block that is given once.
        if isinstance(value, dict) and name.endswith("_configuration"):
            given[name] = [dict(value)]
    return _convert(type_.reshape(given), schema, schema, type_.renames)


def _convert(value: Any, schema: Json, root: Json, renames: Json | None = None) -> Any:
    """Return a value as a schema has it."""
    schema = _follow(schema, root)
    if isinstance(value, list) and "items" in schema:
        return [_convert(item, schema["items"], root) for item in value]
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        return _convert(value[0], schema, root)
    known = schema.get("properties")
    if isinstance(value, dict) and schema.get("type") == "array":
        if "Key" in _follow(schema["items"], root).get("properties", {}):
            return [{"Key": key, "Value": item} for key, item in value.items()]
        return [_convert(value, schema["items"], root)]
    if not isinstance(value, dict) or not known:
        return value
    found = {}
    for name, item in value.items():
        if item is None:
            continue
        spelled = (renames or {}).get(name) or "".join(part[:1].upper() + part[1:] for part in name.split("_"))
        spelled = next((other for other in known if other.casefold() == spelled.casefold()), spelled)
        found[spelled] = _convert(item, known.get(spelled, {}), root)
    return found


def _follow(schema: Json, root: Json) -> Json:
    while "$ref" in schema:
        place: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            place = place[step]
        schema = place
    return schema


def complaints(type_: str, arguments: Json) -> Iterator[str]:
    """Yield what the schema of a resource has against it.

    Args:
        type_: Terraform's name of its type.
        arguments: Its arguments, evaluated.
    """
    from cfnlint.jsonschema import StandardValidator
    from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", TYPES[type_].name).schema
    properties = properties_of(TYPES[type_], arguments, schema)
    for error in StandardValidator(schema).iter_errors(properties):
        yield f"{type_} {'.'.join(map(str, error.path))}: {error.message}"

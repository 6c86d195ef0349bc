"""S3 lifecycle rules and notifications: the bucket settings whose shape is not Terraform's."""

from __future__ import annotations

from tools.terraform_standin.declaration import Call, Resource
from tools.terraform_standin.tagging import from_pairs, to_pairs
from tools.terraform_standin.values import State

_LIFECYCLE_NAMES = {
    "rule": "Rules",
    "rule.noncurrent_version_transition": "NoncurrentVersionTransitions",
    "rule.transition": "Transitions",
}
_MINIMUM_SIZE = "transition_default_minimum_object_size"
# Terraform's block -> the request's list, and the names of the receiver's ARN there and here.
_RECEIVERS = {
    "lambda_function": ("LambdaFunctionConfigurations", "LambdaFunctionArn", "lambda_function_arn"),
    "queue": ("QueueConfigurations", "QueueArn", "queue_arn"),
    "topic": ("TopicConfigurations", "TopicArn", "topic_arn"),
}


def _put_lifecycle(call: Call) -> State:
    bare = [rule | {"filter": []} for rule in call["rule"]]
    configuration = call.with_state(call.state | {"rule": bare}).request(
        "s3",
        "PutBucketLifecycleConfiguration",
        within="LifecycleConfiguration",
        renames=_LIFECYCLE_NAMES,
        only={"rule"},
    )
    for rule, request in zip(call["rule"], configuration["Rules"], strict=True):
        if rule["filter"] or rule["prefix"] is None:
            request["Filter"] = _filter(rule["filter"][0] if rule["filter"] else {})
    size = call[_MINIMUM_SIZE]
    call.client("s3").put_bucket_lifecycle_configuration(
        Bucket=call["bucket"],
        LifecycleConfiguration=configuration,
        **({"TransitionDefaultMinimumObjectSize": size} if size else {}),
    )
    return {"id": call["bucket"]}


def _filter(block: State) -> State:
    request = _conditions(block)
    if block.get("tag"):
        request["Tag"] = {"Key": block["tag"][0]["key"], "Value": block["tag"][0]["value"]}
    if block.get("and"):
        both = block["and"][0]
        request["And"] = _conditions(both) | {"Tags": to_pairs(both["tags"] or {})}
    return request or {"Prefix": ""}


def _conditions(block: State) -> State:
    members = {
        "object_size_greater_than": "ObjectSizeGreaterThan",
        "object_size_less_than": "ObjectSizeLessThan",
        "prefix": "Prefix",
    }
    return {member: block[name] for name, member in members.items() if block.get(name) is not None}


def _read_lifecycle(call: Call) -> State | None:
    found = call.client("s3").get_bucket_lifecycle_configuration(Bucket=call["id"])
    for rule in found["Rules"]:
        both = rule.get("Filter", {}).get("And", {})
        if "Tags" in both:
            both["Tags"] = from_pairs(both["Tags"])
    return call.attributes(found, _LIFECYCLE_NAMES) | {"id": call["id"], "bucket": call["id"]}


def _delete_lifecycle(call: Call) -> None:
    call.client("s3").delete_bucket_lifecycle(Bucket=call["bucket"])


def _put_notification(call: Call) -> State:
    configuration: State = {
        member: [_receiver(item, arn_member, arn) for item in call[block]]
        for block, (member, arn_member, arn) in _RECEIVERS.items()
        if call[block]
    }
    if call["eventbridge"]:
        configuration["EventBridgeConfiguration"] = {}
    call.client("s3").put_bucket_notification_configuration(
        Bucket=call["bucket"], NotificationConfiguration=configuration
    )
    return {"id": call["bucket"]}


def _receiver(block: State, arn_member: str, arn: str) -> State:
    prefix, suffix = block["filter_prefix"], block["filter_suffix"]
    rules = [{"Name": name, "Value": value} for name, value in (("prefix", prefix), ("suffix", suffix)) if value]
    return {
        arn_member: block[arn],
        "Events": block["events"],
        **({"Id": block["id"]} if block["id"] else {}),
        **({"Filter": {"Key": {"FilterRules": rules}}} if rules else {}),
    }


def _read_notification(call: Call) -> State | None:
    found = call.client("s3").get_bucket_notification_configuration(Bucket=call["id"])
    receivers = {
        block: [_read_receiver(item, arn_member, arn) for item in found.get(member, [])]
        for block, (member, arn_member, arn) in _RECEIVERS.items()
    }
    # The embedded AWS keeps this one but does not return it: absent is not "off".
    switched = {"eventbridge": True} if "EventBridgeConfiguration" in found else {}
    return receivers | switched | {"id": call["id"], "bucket": call["id"]}


def _read_receiver(item: State, arn_member: str, arn: str) -> State:
    rules = item.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    conditions = {rule["Name"].lower(): rule["Value"] for rule in rules}
    return {
        "id": item.get("Id"),
        arn: item[arn_member],
        "events": item["Events"],
        "filter_prefix": conditions.get("prefix"),
        "filter_suffix": conditions.get("suffix"),
    }


def _delete_notification(call: Call) -> None:
    call.client("s3").put_bucket_notification_configuration(Bucket=call["bucket"], NotificationConfiguration={})


LIFECYCLE = Resource(
    type="aws_s3_bucket_lifecycle_configuration",
    create=_put_lifecycle,
    read=_read_lifecycle,
    update=_put_lifecycle,
    delete=_delete_lifecycle,
    replaces={"bucket", "expected_bucket_owner"},
    computed={
        "rule.expiration.days",
        "rule.expiration.expired_object_delete_marker",
        "rule.filter",
        "rule.prefix",
        _MINIMUM_SIZE,
    },
)
NOTIFICATION = Resource(
    type="aws_s3_bucket_notification",
    create=_put_notification,
    read=_read_notification,
    update=_put_notification,
    delete=_delete_notification,
    replaces={"bucket"},
    computed={"lambda_function.id", "queue.id", "topic.id"},
    defaults={"eventbridge": False},
)

"""SQS queues and SNS topics, with their policies."""

from __future__ import annotations

import json

from tools.terraform_standin.declaration import Call, Limit, Naming, Resource
from tools.terraform_standin.tagging import TagOperations
from tools.terraform_standin.text_equality import same_json, same_policy
from tools.terraform_standin.values import State

_QUEUE_ATTRIBUTES = {
    "content_based_deduplication": "ContentBasedDeduplication",
    "deduplication_scope": "DeduplicationScope",
    "delay_seconds": "DelaySeconds",
    "fifo_queue": "FifoQueue",
    "fifo_throughput_limit": "FifoThroughputLimit",
    "kms_data_key_reuse_period_seconds": "KmsDataKeyReusePeriodSeconds",
    "kms_master_key_id": "KmsMasterKeyId",
    "max_message_size": "MaximumMessageSize",
    "message_retention_seconds": "MessageRetentionPeriod",
    "policy": "Policy",
    "receive_wait_time_seconds": "ReceiveMessageWaitTimeSeconds",
    "redrive_allow_policy": "RedriveAllowPolicy",
    "redrive_policy": "RedrivePolicy",
    "sqs_managed_sse_enabled": "SqsManagedSseEnabled",
    "visibility_timeout_seconds": "VisibilityTimeout",
}
_TOPIC_ATTRIBUTES = {
    "content_based_deduplication": "ContentBasedDeduplication",
    "delivery_policy": "DeliveryPolicy",
    "display_name": "DisplayName",
    "fifo_topic": "FifoTopic",
    "kms_master_key_id": "KmsMasterKeyId",
    "policy": "Policy",
    "signature_version": "SignatureVersion",
    "tracing_config": "TracingConfig",
}
#: The arguments of CreateTopic; each other attribute is set by a call of its own.
_CREATION_ATTRIBUTES = frozenset({"ContentBasedDeduplication", "FifoTopic"})


def _texts(call: Call, members: dict[str, str]) -> dict[str, str]:
    """Return arguments for these services: all values are texts."""
    values = {member: call[name] for name, member in members.items() if call[name] is not None}
    return {member: _text(value) for member, value in values.items()}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _convert(call: Call, members: dict[str, str], found: dict[str, str]) -> State:
    types = {name: call.block.attributes[name].type for name in members}
    return {
        name: json.loads(found[member]) if types[name] in ("bool", "number") else found[member]
        for name, member in members.items()
        if member in found
    }


def _create_queue(call: Call) -> State:
    attributes = _texts(call, _QUEUE_ATTRIBUTES)
    # AWS accepts FifoQueue only as "true".
    if attributes.get("FifoQueue") == "false":
        del attributes["FifoQueue"]
    url = call.client("sqs").create_queue(
        QueueName=call["name"], Attributes=attributes, **call.tag_parameter("sqs", "CreateQueue")
    )["QueueUrl"]
    return {"id": url, "url": url}


def _read_queue(call: Call) -> State | None:
    found = call.client("sqs").get_queue_attributes(QueueUrl=call["id"], AttributeNames=["All"])
    attributes = found["Attributes"]
    return _convert(call, _QUEUE_ATTRIBUTES, attributes) | {
        "id": call["id"],
        "url": call["id"],
        "arn": attributes["QueueArn"],
        "name": attributes["QueueArn"].rpartition(":")[2],
    }


def _update_queue(call: Call) -> State | None:
    attributes = _texts(call, {k: v for k, v in _QUEUE_ATTRIBUTES.items() if k != "fifo_queue"})
    prior = call.prior or {}
    for name in ("kms_master_key_id", "policy", "redrive_policy", "redrive_allow_policy"):
        if call[name] is None and prior.get(name) is not None:
            attributes[_QUEUE_ATTRIBUTES[name]] = ""
    call.client("sqs").set_queue_attributes(QueueUrl=call["id"], Attributes=attributes)
    return None


def _delete_queue(call: Call) -> None:
    call.client("sqs").delete_queue(QueueUrl=call["id"])


def _put_queue_policy(call: Call) -> State:
    call.client("sqs").set_queue_attributes(QueueUrl=call["queue_url"], Attributes={"Policy": call["policy"]})
    return {"id": call["queue_url"]}


def _read_queue_policy(call: Call) -> State | None:
    found = call.client("sqs").get_queue_attributes(QueueUrl=call["id"], AttributeNames=["Policy"])
    policy = found.get("Attributes", {}).get("Policy")
    return {"id": call["id"], "queue_url": call["id"], "policy": policy} if policy else None


def _delete_queue_policy(call: Call) -> None:
    call.client("sqs").set_queue_attributes(QueueUrl=call["id"], Attributes={"Policy": ""})


def _create_topic(call: Call) -> State:
    attributes = _texts(call, _TOPIC_ATTRIBUTES)
    if attributes.get("FifoTopic") == "false":
        del attributes["FifoTopic"]
    client = call.client("sns")
    at_once = {name: value for name, value in attributes.items() if name in _CREATION_ATTRIBUTES}
    tags = call.tag_parameter("sns", "CreateTopic")
    arn = client.create_topic(Name=call["name"], Attributes=at_once, **tags)["TopicArn"]
    for name, value in attributes.items():
        if name not in at_once:
            client.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=value)
    return {"id": arn, "arn": arn}


def _read_topic(call: Call) -> State | None:
    attributes = call.client("sns").get_topic_attributes(TopicArn=call["id"])["Attributes"]
    known = {name: value for name, value in attributes.items() if value != ""}
    return _convert(call, _TOPIC_ATTRIBUTES, known) | {
        "id": call["id"],
        "arn": attributes["TopicArn"],
        "name": attributes["TopicArn"].rpartition(":")[2],
        "owner": attributes["Owner"],
    }


def _update_topic(call: Call) -> State | None:
    for name, member in _TOPIC_ATTRIBUTES.items():
        if name != "fifo_topic" and call.changes(name):
            value = "" if call[name] is None else _text(call[name])
            call.client("sns").set_topic_attributes(TopicArn=call["id"], AttributeName=member, AttributeValue=value)
    return None


def _delete_topic(call: Call) -> None:
    call.client("sns").delete_topic(TopicArn=call["id"])


def _put_topic_policy(call: Call) -> State:
    call.client("sns").set_topic_attributes(TopicArn=call["arn"], AttributeName="Policy", AttributeValue=call["policy"])
    return {"id": call["arn"]}


def _read_topic_policy(call: Call) -> State | None:
    attributes = call.client("sns").get_topic_attributes(TopicArn=call["id"])["Attributes"]
    return {
        "id": call["id"],
        "arn": call["id"],
        "policy": attributes["Policy"],
        "owner": attributes["Owner"],
    }


def _forget_topic_policy(call: Call) -> None:
    """Do nothing: a topic always has a policy, this one goes with the topic."""


QUEUE = Resource(
    type="aws_sqs_queue",
    limits={
        "name": Limit(1, 80),
        "name_prefix": Limit(1, 54),
        "delay_seconds": Limit(0, 900),
        "max_message_size": Limit(1024, 1048576),
        "message_retention_seconds": Limit(60, 1209600),
        "receive_wait_time_seconds": Limit(0, 20),
        "visibility_timeout_seconds": Limit(0, 43200),
    },
    create=_create_queue,
    read=_read_queue,
    update=_update_queue,
    delete=_delete_queue,
    replaces={"fifo_queue"},
    computed={
        "deduplication_scope",
        "fifo_throughput_limit",
        "kms_data_key_reuse_period_seconds",
        "policy",
        "redrive_allow_policy",
        "redrive_policy",
        "sqs_managed_sse_enabled",
    },
    defaults={
        "content_based_deduplication": False,
        "delay_seconds": 0,
        "fifo_queue": False,
        # It is still this, and is sent, though AWS's own default is 1 MiB now:
        # https://github.com/hashicorp/terraform-provider-aws/pull/43710
        "max_message_size": 262144,
        "message_retention_seconds": 345600,
        "receive_wait_time_seconds": 0,
        "visibility_timeout_seconds": 30,
    },
    json={"policy": same_policy, "redrive_policy": same_json, "redrive_allow_policy": same_json},
    tagging=TagOperations(
        service="sqs",
        parameter="QueueUrl",
        attribute="id",
        pair=None,
        write="tag_queue",
        remove="untag_queue",
        read="list_queue_tags",
    ).tagging(),
    naming=Naming(),
)
QUEUE_POLICY = Resource(
    type="aws_sqs_queue_policy",
    create=_put_queue_policy,
    read=_read_queue_policy,
    update=_put_queue_policy,
    delete=_delete_queue_policy,
    replaces={"queue_url"},
    json={"policy": same_policy},
)
TOPIC = Resource(
    type="aws_sns_topic",
    create=_create_topic,
    read=_read_topic,
    update=_update_topic,
    delete=_delete_topic,
    replaces={"fifo_topic"},
    computed={"policy", "signature_version", "tracing_config"},
    defaults={"content_based_deduplication": False, "fifo_topic": False},
    json={"policy": same_policy, "delivery_policy": same_json},
    tagging=TagOperations(service="sns", parameter="ResourceArn").tagging(),
    naming=Naming(),
)
TOPIC_POLICY = Resource(
    type="aws_sns_topic_policy",
    create=_put_topic_policy,
    read=_read_topic_policy,
    update=_put_topic_policy,
    delete=_forget_topic_policy,
    replaces={"arn"},
    json={"policy": same_policy},
)

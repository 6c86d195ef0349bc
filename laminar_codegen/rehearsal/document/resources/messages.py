"""SQS queues and SNS topics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laminar_codegen.rehearsal.document.kinds import Kind, Making
from laminar_codegen.rehearsal.document.values import as_text

__all__ = ["KINDS"]

#: Attributes of a queue. A new one has Amazon's encryption unless it has a key.
_QUEUE = {
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
_TOPIC = {"display_name": "DisplayName", "kms_master_key_id": "KmsMasterKeyId", "policy": "Policy"}


def _attributes(making: Making, members: Mapping[str, str]) -> dict[str, str]:
    """Return arguments as these services take them: all as text, and no fifo_queue but a true one."""
    values = {member: making.get(name) for name, member in members.items()}
    texts = {member: as_text(value) for member, value in values.items() if value is not None}
    return {member: text for member, text in texts.items() if (member, text) != ("FifoQueue", "false")}


def _queue(making: Making) -> Mapping[str, Any]:
    name = making.name()
    url = making.client("sqs").create_queue(QueueName=name, Attributes=_attributes(making, _QUEUE))["QueueUrl"]
    return {"id": url, "url": url, "name": name, "arn": making.account.arn("sqs", name)}


def _topic(making: Making) -> Mapping[str, Any]:
    name = making.name()
    arn = making.client("sns").create_topic(Name=name, Attributes=_attributes(making, _TOPIC))["TopicArn"]
    return {"id": arn, "arn": arn, "name": name}


KINDS: Mapping[str, Kind] = {"aws_sns_topic": Kind(_topic), "aws_sqs_queue": Kind(_queue)}

"""Starts that cannot be delivered: how long they are tried again, the queue that keeps them, and its alarm."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Alarm
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.structs import Struct
from laminar_codegen.ir.terraform import Block
from laminar_codegen.policies.statement import Statement, key, regional, states_arn

__all__ = ["FailedStarts"]

#: The most attempts of a start, and the most seconds after which it is retried: hours later, no start is better.
_ATTEMPTS = 5
_SECONDS = 3600
#: The seconds for which the queue keeps a failure: the most that Amazon SQS offers.
_KEPT = 1_209_600


@attrs.frozen(eq=False, repr=False)
class FailedStarts(Struct):
    """The queue of failed starts.

    Args:
        label: Its label.
        suffix: The end of its name.
    """

    label: str
    suffix: str

    @property
    def name(self) -> Joined:
        """Its name."""
        return labels.of_deployment(self.suffix)

    @property
    def arn(self) -> Joined:
        """Its ARN."""
        return regional("sqs", self.name)

    @property
    def delivery(self) -> dict[str, Value]:
        """The arguments of a target by which a start is tried again, and then kept."""
        return {
            "retry_policy": {"maximum_retry_attempts": _ATTEMPTS, "maximum_event_age_in_seconds": _SECONDS},
            "dead_letter_config": {"arn": Ref(f"aws_sqs_queue.{self.label}.arn")},
        }

    def emit(self, policy: Value = None) -> Block:
        """Emit the queue.

        Args:
            policy: Its policy, None if it needs none.
        """
        queue: dict[str, Value] = {
            "name": self.name,
            "message_retention_seconds": _KEPT,
            "kms_master_key_id": Ref("var.kms_key_arn"),
            "sqs_managed_sse_enabled": Ref("var.kms_key_arn == null ? true : null"),
            "tags": Ref("var.tags"),
            "depends_on": [labels.MADE_FIRST],
            **({} if policy is None else {"policy": policy}),
        }
        return Block("aws_sqs_queue", self.label, queue)

    def alarm(self, description: Joined) -> Alarm:
        """Return the alarm that is raised if the queue has a failure.

        Args:
            description: Its description.
        """
        return Alarm(
            label="not_started",
            description=description,
            namespace="AWS/SQS",
            metric="ApproximateNumberOfMessagesVisible",
            statistic="Maximum",
            dimensions={"QueueName": Ref(f"aws_sqs_queue.{self.label}.name")},
        )

    def schedule_statements(self, machine: str, schedules: Sequence[Ref | Joined]) -> tuple[Statement, ...]:
        """Return the permissions of schedules to start executions and to keep failed starts.

        A start does not use the machine's key.
        https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html
        https://docs.aws.amazon.com/scheduler/latest/UserGuide/encryption-rest.html
        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html

        Args:
            machine: The label of the state machine that they start.
            schedules: The names of the schedules.
        """
        # The group of schedules without a group.
        arns = tuple(regional("scheduler", "schedule/default/", name) for name in schedules)
        encrypted = key("DecryptSchedule", ("StringEquals", "kms:EncryptionContext:aws:scheduler:schedule:arn", arns))
        return (
            Statement("StartExecutions", ("states:StartExecution",), (states_arn("stateMachine", machine),)),
            Statement("KeepFailures", ("sqs:SendMessage",), (self.arn,)),
            attrs.evolve(encrypted, actions=("kms:Decrypt",)),
            key("EncryptFailures", ("StringEquals", "kms:EncryptionContext:aws:sqs:arn", (self.arn,))),
        )

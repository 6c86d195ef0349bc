"""How a deployment is operated: what `AWS.StepFunctions` says of its logs, traces, roles and alarms, as values.

None, or an empty tuple, is what a flow does not say: its document has what documents have without it.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from laminar_codegen.ir.expressions import Input, Ref
from laminar_codegen.ir.structs import Struct
from laminar_runtime.configurations.operations import Flag, Logs, Notifications
from laminar_runtime.configurations.schedulers.step_functions import StepFunctions
from laminar_runtime.variables import ListVariable, Text, Variable

__all__ = ["ACTION", "KEY", "NO_SETTINGS", "OFF", "PATH", "TOPIC", "Notices", "Settings", "is_true"]

#: The level of a log without events.
OFF = "OFF"
#: The pattern of the ARN of an action of an alarm, and of the path of a role:
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
#: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
ACTION = "^arn:[a-z-]+:[a-z0-9-]+:"
#: Those of the ARN of a topic and of a key. A topic of the type FIFO takes other messages:
#: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
TOPIC = "^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[0-9A-Za-z_-]+$"
KEY = "^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-z-]+$"
PATH = "^/([0-9A-Za-z+=,.@_/-]{1,510}/)?$"


@attrs.frozen(eq=False, repr=False)
class Notices(Struct):
    """What is reported of executions that did not succeed.

    Args:
        topics: The ARNs of the topics of Amazon SNS, or a reference to all of them.
        key: The ARN of the customer's key that encrypts them, None without one.
    """

    topics: tuple[str | Ref, ...] | Ref = ()
    key: str | Ref | None = None


@attrs.frozen(eq=False, repr=False)
class Settings(Struct):
    """The settings of a deployment.

    Args:
        log_level: The level of the log of its state machines.
        log_data: Whether the events in it have inputs and outputs.
        tracing: Whether executions and functions are traced.
        role_path: The path of its roles.
        ok_actions: The ARNs of the actions when an alarm is over, or a reference to all of them.
        aborted: Whether it has an alarm for aborted executions.
        no_success_in: Seconds without a success after which an alarm is raised, None without this alarm.
        notices: What is reported of executions that did not succeed, None for nothing.
        dashboard: Whether it has a dashboard, and saved queries of its logs.
    """

    log_level: str | Ref | None = None
    log_data: bool | Ref | None = None
    tracing: bool | Ref | None = None
    role_path: str | Ref | None = None
    ok_actions: tuple[str | Ref, ...] | Ref = ()
    aborted: bool = False
    no_success_in: int | None = None
    notices: Notices | None = None
    dashboard: bool = False

    @classmethod
    def of(cls, scheduler: StepFunctions) -> Settings:
        """Return the settings of a flow's scheduler.

        Args:
            scheduler: The scheduler.
        """
        logs, alarms = scheduler.logs, scheduler.alarms
        usual = logs == Logs()
        return cls(
            log_level=None if usual else _text(logs.level),
            log_data=None if usual else _flag(logs.execution_data),
            tracing=None if scheduler.tracing is True else _flag(scheduler.tracing),
            role_path=None if scheduler.role_path is None else _text(scheduler.role_path),
            ok_actions=_texts(alarms.ok_actions),
            aborted=alarms.aborted,
            no_success_in=alarms.no_success_in,
            notices=_notices(scheduler.notifications),
            dashboard=scheduler.dashboard,
        )


def _text(text: Text) -> str | Input:
    return Input.of(text) if isinstance(text, Variable) else text


def _texts(texts: Sequence[Text] | ListVariable) -> tuple[str | Ref, ...] | Input:
    return Input.of(texts) if isinstance(texts, ListVariable) else tuple(map(_text, texts))


def _notices(asked: Notifications | None) -> Notices | None:
    if asked is None:
        return None
    return Notices(_texts(asked.topics), None if asked.kms_key is None else _text(asked.kms_key))


def _flag(flag: Flag) -> bool | Input:
    return Input.of(flag) if isinstance(flag, Variable) else flag


def is_true(flag: Ref) -> str:
    """Return the expression that is true if a flag is. A variable of a flow is text.

    Args:
        flag: The flag.

    Example:
        >>> is_true(Ref("var.tracing")), is_true(Input.of(Variable("tracing")))
        ('var.tracing', 'tobool(var.tracing)')
    """
    return f"tobool({flag.expression})" if isinstance(flag, Input) else flag.expression


#: Those of a flow that says nothing.
NO_SETTINGS = Settings()

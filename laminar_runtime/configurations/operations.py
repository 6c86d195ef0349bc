"""How a deployment is operated: its logs, and its alarms. `AWS.StepFunctions` takes them.

They have no effect where a flow runs on this machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from laminar_runtime import _records
from laminar_runtime.exceptions import SchedulerError
from laminar_runtime.variables import ListVariable, Text, Variable

__all__ = ["LEVELS", "Alarms", "Flag", "Logs", "Notifications"]

#: The levels of the log of a state machine: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
LEVELS = ("OFF", "FATAL", "ERROR", "ALL")

#: A choice, or a variable that is ``true`` or ``false``.
Flag: TypeAlias = bool | Variable


def _flag(_: object, attribute: _records.Field, value: Any) -> None:
    if not isinstance(value, (bool, Variable)):
        raise SchedulerError(f"the {attribute.argument} of Logs must be True, False or a Variable, not {value!r}")


def _check_level(_: object, __: _records.Field, value: Any) -> None:
    if not isinstance(value, Variable) and value not in LEVELS:
        wanted = ", ".join(map(repr, LEVELS))
        raise SchedulerError(f"the level of Logs must be one of {wanted}, or a Variable, not {value!r}")


@_records.frozen
class Logs:
    """The log of the state machines of a deployment. Tasks and functions have logs of their own.

    Args:
        level: The events that are logged: ``OFF`` for none, ``FATAL`` for ends of failed executions, ``ERROR`` for
            failures of states, too, or ``ALL``.
        execution_data: Whether events have the input and the output of states, and so the parameters of the flow.

    Raises:
        SchedulerError: If an argument has a wrong type or value.

    Example:
        >>> Logs("ALL", execution_data=False).level
        'ALL'
    """

    level: Text = _records.field(default="ERROR", validator=_check_level)
    execution_data: Flag = _records.field(default=True, kw_only=True, validator=_flag)


def _check_actions(_: object, __: _records.Field, value: Any) -> None:
    if isinstance(value, ListVariable):
        return
    if not (isinstance(value, (list, tuple)) and all(isinstance(item, (str, Variable)) for item in value)):
        raise SchedulerError(
            f"the ok_actions of Alarms must be a list of ARNs and Variables, or a ListVariable, not {value!r}"
        )


def _check_bool(_: object, attribute: _records.Field, value: Any) -> None:
    if not isinstance(value, bool):
        raise SchedulerError(f"the {attribute.argument} of Alarms must be True or False, not {value!r}")


def _check_seconds(_: object, attribute: _records.Field, value: Any) -> None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise SchedulerError(f"the {attribute.argument} of Alarms must be whole seconds, not {value!r}")


@_records.frozen
class Alarms:
    """What the alarms of a deployment do besides their default.

    Each deployment has alarms for executions that failed, timed out or were throttled, and for starts that failed. The
    variable ``alarm_actions`` has the actions when an alarm is raised.

    Args:
        ok_actions: The ARNs of the actions when an alarm is over, for example of an SNS topic, at most five; or a
            `ListVariable` for all of them.
        aborted: Whether there is an alarm for executions that were aborted, too.
        no_success_in: Seconds after which there is an alarm if no execution of a scheduled flow has succeeded in them:
            more than from one start to the end of the next execution, and at most seven days. The alarm exists while a
            schedule is switched on.

    Raises:
        SchedulerError: If an argument has a wrong type.

    Example:
        >>> Alarms(no_success_in=26 * 3600, ok_actions=[Variable("alerts")]).ok_actions[0].name
        'alerts'
    """

    ok_actions: Sequence[Text] | ListVariable = _records.field(default=(), kw_only=True, validator=_check_actions)
    aborted: bool = _records.field(default=False, kw_only=True, validator=_check_bool)
    no_success_in: int | None = _records.field(default=None, kw_only=True, validator=_check_seconds)


def _check_topics(_: object, __: _records.Field, value: Any) -> None:
    if isinstance(value, ListVariable):
        return
    if not (isinstance(value, (list, tuple)) and all(isinstance(item, (str, Variable)) for item in value)):
        raise SchedulerError(
            f"the topics of Notifications must be a list of ARNs and Variables, or a ListVariable, not {value!r}"
        )


def _check_key(_: object, __: _records.Field, value: Any) -> None:
    if value is not None and not isinstance(value, (str, Variable)):
        raise SchedulerError(f"the kms_key of Notifications must be the ARN of a key or a Variable, not {value!r}")


@_records.frozen
class Notifications:
    """What is reported of each execution of a deployed flow that failed, timed out or was aborted.

    An event "Laminar Execution Failed" of the source ``laminar`` on the default event bus of the account, and a message
    to each topic: the flow, the execution, the layer, the split, the reason and a link. They come besides the alarms,
    by a state machine of their own; Step Functions sends what starts it on a best-effort basis.

    Args:
        topics: The ARNs of topics of Amazon SNS, or a `ListVariable` for all of them.
        kms_key: The ARN of the customer managed key that encrypts the topics, if one does.

    Raises:
        SchedulerError: If an argument has a wrong type.

    Example:
        >>> Notifications(topics=[Variable("on_call_topic")]).topics[0].name
        'on_call_topic'
    """

    topics: Sequence[Text] | ListVariable = _records.field(default=(), validator=_check_topics)
    kms_key: Text | None = _records.field(default=None, kw_only=True, validator=_check_key)

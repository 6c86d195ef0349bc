"""How a deployment is operated: what `AWS.StepFunctions` says of its logs, traces, roles and alarms, as values.

None, or an empty tuple, is what a flow does not say: its document has what documents have without it.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from laminar_codegen.ir.expressions import Input, Ref
from laminar_codegen.structs import Struct
from laminar_runtime.configurations.operations import Flag, Logs
from laminar_runtime.configurations.schedulers.step_functions import StepFunctions
from laminar_runtime.variables import ListVariable, Text, Variable

__all__ = ["ACTION", "NO_SETTINGS", "OFF", "PATH", "Settings", "is_true"]

#: The level of a log without events.
OFF = "OFF"
#: The pattern of the ARN of an action of an alarm, and of the path of a role:
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
#: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
ACTION = "^arn:[a-z-]+:[a-z0-9-]+:"
PATH = "^/([0-9A-Za-z+=,.@_/-]{1,510}/)?$"


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
    """

    log_level: str | Ref | None = None
    log_data: bool | Ref | None = None
    tracing: bool | Ref | None = None
    role_path: str | Ref | None = None
    ok_actions: tuple[str | Ref, ...] | Ref = ()
    aborted: bool = False
    no_success_in: int | None = None

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
            ok_actions=_actions(alarms.ok_actions),
            aborted=alarms.aborted,
            no_success_in=alarms.no_success_in,
        )


def _text(text: Text) -> str | Input:
    return Input.of(text) if isinstance(text, Variable) else text


def _actions(actions: Sequence[Text] | ListVariable) -> tuple[str | Ref, ...] | Input:
    return Input.of(actions) if isinstance(actions, ListVariable) else tuple(map(_text, actions))


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

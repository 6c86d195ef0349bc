"""How a deployment is operated: what `AWS.StepFunctions` takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from laminar_runtime import Variable
from laminar_runtime.configurations.operations import Alarms, Logs, Notifications
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.exceptions import SchedulerError


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Logs("WARN"), "the level of Logs must be one of 'OFF', 'FATAL', 'ERROR', 'ALL', or a Variable"),
        (lambda: Logs([]), "the level of Logs must be one of"),  # type: ignore[arg-type]
        (lambda: Logs(execution_data="no"), "the execution_data of Logs must be True, False or a Variable"),  # type: ignore[arg-type]
        (lambda: Alarms(ok_actions="arn"), "the ok_actions of Alarms must be a list of ARNs and Variables"),
        (lambda: Alarms(ok_actions=[1]), "the ok_actions of Alarms must be a list of ARNs"),  # type: ignore[list-item]
        (lambda: Alarms(aborted=1), "the aborted of Alarms must be True or False"),  # type: ignore[arg-type]
        (lambda: Notifications("arn:aws:sns"), "the topics of Notifications must be a list"),
        (lambda: Notifications([1]), "the topics of Notifications must be a list"),  # type: ignore[list-item]
        (lambda: Notifications(kms_key=1), "the kms_key of Notifications must be the ARN"),  # type: ignore[arg-type]
        (lambda: Alarms(no_success_in=1.5), "the no_success_in of Alarms must be whole seconds"),  # type: ignore[arg-type]
        (lambda: AWS.StepFunctions(tracing="yes"), "the tracing of AWS.StepFunctions must be of type bool or Variable"),
        (lambda: AWS.StepFunctions(role_path=1), "the role_path of AWS.StepFunctions must be of type str or Variable"),
        (lambda: AWS.StepFunctions(logs="ALL"), "the logs of AWS.StepFunctions must be of type Logs"),
        (lambda: AWS.StepFunctions(alarms=True), "the alarms of AWS.StepFunctions must be of type Alarms"),
    ],
)
def test_values_of_a_wrong_type(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(SchedulerError, match=message):
        make()


def test_variables_stand_for_each_value() -> None:
    variable = Variable("one")
    logs = Logs(variable, execution_data=variable)
    scheduler = AWS.StepFunctions(logs=logs, tracing=variable, role_path=variable, alarms=Alarms(ok_actions=[variable]))
    assert scheduler.logs.level == scheduler.role_path == scheduler.tracing == variable

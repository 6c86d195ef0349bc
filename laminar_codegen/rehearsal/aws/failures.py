"""Failures of states, as moto's interpreter carries them."""

from __future__ import annotations

from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment


def failure(env: Environment, kind: StatesErrorNameType, cause: str) -> FailureEventException:
    """Return a failure with one of the names that Step Functions reserves."""
    return _failure(env, kind, cause, HistoryEventType.ExecutionFailed, "executionFailedEventDetails")


def query_failure(env: Environment, cause: str) -> FailureEventException:
    """Return the failure that Step Functions reports for an expression."""
    return _failure(
        env,
        StatesErrorNameType.StatesQueryEvaluationError,
        cause,
        HistoryEventType.EvaluationFailed,
        "evaluationFailedEventDetails",
    )


def _failure(
    env: Environment,
    kind: StatesErrorNameType,
    cause: str,
    event_type: HistoryEventType,
    details_name: str,
) -> FailureEventException:
    name = StatesErrorName(typ=kind)
    details: Any = {details_name: {"error": name.error_name, "cause": cause}}
    return FailureEventException(FailureEvent(env=env, error_name=name, event_type=event_type, event_details=details))

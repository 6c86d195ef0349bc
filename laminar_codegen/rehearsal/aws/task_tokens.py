"""Tasks that wait for a token: `.waitForTaskToken` and the three operations that answer a token.

A token belongs to one attempt of a task. It is valid from the moment the attempt begins (the
answer may come before the call that hands the token on has returned) until it is answered, times
out or is stopped. Exactly one answer counts; every later one is refused as AWS refuses it.

moto has one token for all attempts of a task; it takes any number of answers, drops the cause of a
failure, does not look whether an output is JSON, does not know tokens of executions that have ended,
and goes on waiting when the execution is stopped. Each function here replaces one of moto's.
"""

# ruff: noqa: SLF001 - what is corrected is inside moto

from __future__ import annotations

import base64
import json
import math
import os
import threading
import time
from collections.abc import Callable
from typing import Any, cast

import attrs
from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult, EmptyResult
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackEndpoint,
    CallbackOutcome,
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
    CallbackOutcomeTimedOut,
    HeartbeatEndpoint,
    HeartbeatTimedOut,
    HeartbeatTimeoutError,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.responses import StepFunctionResponse

from laminar_codegen.rehearsal.aws.endings import when_ended
from laminar_codegen.rehearsal.aws.patches import Patches
from laminar_codegen.rehearsal.aws.waiting import STOPPED, TaskStoppedError

_TOKEN_BYTES = 450  # a token of AWS has some 600 characters, among them `/`, `+` and `=`
_TOKEN_PREFIX = "AQCEAAAAKgAAAAMAAAAA"  # noqa: S105 - how AWS's tokens begin

_execute: Any = StateTaskServiceCallback._eval_execution
_event_of_error: Any = StateTask._from_error


class InvalidTokenError(AWSError):
    """A token that was never given out."""

    TYPE = "InvalidToken"


class TaskTimedOutError(AWSError):
    """A token of a task that is over, however it ended."""

    TYPE = "TaskTimedOut"


class InvalidOutputError(AWSError):
    """A task's output that is not JSON."""

    TYPE = "InvalidOutput"


@attrs.define(eq=False)
class Wait:
    """One attempt of a task, and when it last gave a sign of life."""

    env: Environment
    endpoint: CallbackEndpoint
    begun: float = attrs.field(factory=time.monotonic)
    beaten: float = attrs.field(factory=time.monotonic)
    over: bool = False


class TaskTokens:
    """All tokens that were given out.

    time_scale  shortens (or lengthens) the timeouts and heartbeats of tasks that wait for a token
    """

    def __init__(self, time_scale: float) -> None:
        self.time_scale = time_scale
        self._lock = threading.Lock()
        self._waits: dict[str, Wait] = {}

    def begin(self, env: Environment) -> None:
        """Give a token to an attempt that begins."""
        token = _TOKEN_PREFIX + base64.b64encode(os.urandom(_TOKEN_BYTES)).decode()
        context: Any = env.states.context_object.context_object_data
        context["Task"]["Token"] = token
        wait = Wait(env, env.callback_pool_manager.add(token))
        with self._lock:
            self._waits[token] = wait
        when_ended(env, wait.endpoint.interrupt_all)

    def answer(self, outcome: CallbackOutcome) -> None:
        """End a task's wait. Raises InvalidTokenError or TaskTimedOutError."""
        with self._lock:
            wait = self._waiting(outcome.callback_id)
            wait.over = True
            wait.endpoint.notify(outcome)

    def beat(self, token: str) -> None:
        """Keep a task alive. Raises InvalidTokenError or TaskTimedOutError."""
        with self._lock:
            self._waiting(token).beaten = time.monotonic()

    def wait(self, token: str, timeout: float, heartbeat: float | None) -> CallbackOutcome | HeartbeatTimedOut:
        """Wait for a token's answer. Raises TaskStoppedError when the attempt ends before."""
        wait = self._waits[token]
        silence = math.inf if heartbeat is None else heartbeat * self.time_scale
        while (outcome := self._outcome(wait, timeout * self.time_scale, silence)) is None:
            ends = min(wait.begun + timeout * self.time_scale, wait.beaten + silence)
            wait.endpoint.wait(min(max(0, ends - time.monotonic()), threading.TIMEOUT_MAX))
        return outcome

    def end(self, token: str) -> None:
        """End the attempt with this token."""
        with self._lock:
            self._waits[token].over = True

    def _waiting(self, token: str) -> Wait:
        wait = self._waits.get(token)
        if wait is None:
            raise InvalidTokenError("Invalid Token: 'Invalid token'")
        if wait.over or not wait.env.is_running():
            raise TaskTimedOutError("Task Timed Out: 'Provided task does not exist anymore'")
        return wait

    def _outcome(self, wait: Wait, timeout: float, silence: float) -> CallbackOutcome | HeartbeatTimedOut | None:
        """Return the outcome of a wait so far. The first of answer and timeout counts."""
        with self._lock:
            if (outcome := wait.endpoint.get_outcome()) is not None:
                return outcome
            if not wait.env.is_running():
                raise TaskStoppedError(STOPPED)
            now = time.monotonic()
            if now - wait.begun >= timeout:
                wait.over = True
                return CallbackOutcomeTimedOut(callback_id=wait.endpoint.callback_id)
            if now - wait.beaten >= silence:
                wait.over = True
                return HeartbeatTimedOut()
            return None


def install(patches: Patches, tokens: TaskTokens) -> None:
    """Put the functions of this module in the place of moto's."""

    def execute(self: StateTaskServiceCallback, env: Environment) -> None:
        """Give each attempt a token of its own."""
        if self.resource.condition != ResourceCondition.WaitForTaskToken:
            _execute(self, env)
            return
        tokens.begin(env)
        try:
            _execute(self, env)
        finally:
            tokens.end(_token(env))

    def wait(
        __: StateTaskServiceCallback,
        *,
        timeout_seconds: int,
        callback_endpoint: CallbackEndpoint,
        heartbeat_endpoint: HeartbeatEndpoint | None,
        **_: object,
    ) -> CallbackOutcome | HeartbeatTimedOut:
        heartbeat: float | None = None if heartbeat_endpoint is None else heartbeat_endpoint._heartbeat_seconds
        return tokens.wait(callback_endpoint.callback_id, timeout_seconds, heartbeat)

    patches.attribute(StateTask, "_from_error", _from_error)
    patches.attribute(StateTaskServiceCallback, "_eval_execution", execute)
    patches.attribute(StateTaskServiceCallback, "_eval_wait_for_task_token", wait)
    for name, operation in _operations(tokens).items():
        patches.attribute(StepFunctionResponse, name, operation)


def _operations(tokens: TaskTokens) -> dict[str, Callable[[StepFunctionResponse], ActionResult]]:
    def succeed(self: StepFunctionResponse) -> ActionResult:
        output = self._get_param("output")
        try:
            json.loads(output)
        except ValueError as error:
            raise InvalidOutputError(f"Invalid Output: '{error}'") from error
        tokens.answer(CallbackOutcomeSuccess(callback_id=self._get_param("taskToken"), output=output))
        return EmptyResult()

    def fail(self: StepFunctionResponse) -> ActionResult:
        error, cause = self._get_param("error"), self._get_param("cause")
        tokens.answer(CallbackOutcomeFailure(callback_id=self._get_param("taskToken"), error=error, cause=cause))
        return EmptyResult()

    def beat(self: StepFunctionResponse) -> ActionResult:
        tokens.beat(self._get_param("taskToken"))
        return EmptyResult()

    return {"send_task_success": succeed, "send_task_failure": fail, "send_task_heartbeat": beat}


def _from_error(self: StateTask, env: Environment, ex: Exception) -> FailureEvent:
    """Moto calls a missed heartbeat States.Timeout; that matches it, but a Catch can tell the two apart."""
    event: Any = _event_of_error(self, env, ex)
    if isinstance(ex, HeartbeatTimeoutError):
        event.error_name = StatesErrorName(typ=StatesErrorNameType.StatesHeartbeatTimeout)
        event.event_details["taskTimedOutEventDetails"]["error"] = event.error_name.error_name
    return cast(FailureEvent, event)


def _token(env: Environment) -> str:
    context: Any = env.states.context_object.context_object_data
    token: str = context["Task"]["Token"]
    return token

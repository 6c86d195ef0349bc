"""How executions wait, retry, fail and stop: where moto's interpreter deviates from Step Functions.

Each function here replaces one of moto's; its docstring states the deviation that it closes.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import (
    ErrorEqualsDecl,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.retry.max_attempts_decl import (
    MaxAttemptsOutcome,
)
from moto.stepfunctions.parser.asl.component.common.retry.retrier_decl import RetrierDecl
from moto.stepfunctions.parser.asl.component.common.retry.retrier_outcome import RetrierOutcome
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from laminar_codegen.rehearsal.aws.patches import Patches
from laminar_codegen.rehearsal.aws.progress import attach, progress_of

TERMINAL_ERRORS = frozenset({"States.DataLimitExceeded", "States.Runtime"})

_HEARTBEAT_TIMEOUT = "States.HeartbeatTimeout"
_TIMEOUTS = frozenset({"States.Timeout", _HEARTBEAT_TIMEOUT})
_LOOK_SECONDS = 0.01
_START_SECONDS = 10.0

_inner_frame_of_environment: Any = vars(Environment)["as_inner_frame_of"].__func__


def install(patches: Patches, time_scale: float) -> None:
    """Put the functions of this module in the place of moto's."""

    def retry(self: RetrierDecl, env: Environment) -> None:
        _retry(self, env, time_scale)

    def wait(_: WaitFunction, env: Environment, wait_seconds: float) -> None:
        """Moto waits longer after each interruption, and rounds."""
        pause(env, wait_seconds * time_scale)

    patches.attribute(CustomErrorName, "__init__", ErrorName.__init__)
    patches.attribute(ErrorEqualsDecl, "_eval_body", _match_error)
    patches.attribute(RetrierDecl, "_eval_body", retry)
    patches.attribute(WaitFunction, "_wait_interval", wait)
    patches.attribute(Environment, "as_inner_frame_of", classmethod(_inner_frame))
    patches.attribute(ExecutionWorker, "stop", _stop)


def pause(env: Environment, seconds: float) -> None:
    """Wait, unless the execution (or this part of it) ends before."""
    deadline = time.monotonic() + seconds
    while env.is_running() and (left := deadline - time.monotonic()) > 0:
        env.program_state_event.wait(left)


def _match_error(self: ErrorEqualsDecl, env: Environment) -> None:
    """Match the two wildcards as AWS documents them.

    moto lets States.ALL match the two terminal errors, and States.TaskFailed no reserved name
    at all, whereas it matches everything but a timeout. States.Timeout matches a missed heartbeat, too.
    """
    name = env.stack.pop().error_name
    wanted = {declared.error_name for declared in self.error_names}
    env.stack.append(name in wanted or (name not in TERMINAL_ERRORS and _by_wildcard(name, wanted)))


def _by_wildcard(name: str | None, wanted: set[str | None]) -> bool:
    if name == _HEARTBEAT_TIMEOUT and "States.Timeout" in wanted:
        return True
    return "States.ALL" in wanted or ("States.TaskFailed" in wanted and name not in _TIMEOUTS)


def _retry(self: RetrierDecl, env: Environment, time_scale: float) -> None:
    """Moto sleeps before a retry even when the execution is stopped meanwhile."""
    self.error_equals.eval(env)
    if not env.stack.pop():
        env.stack.append(RetrierOutcome.Skipped)
        return
    self.max_attempts.eval(env=env)
    if env.stack.pop() == MaxAttemptsOutcome.EXHAUSTED:
        env.stack.append(RetrierOutcome.Failed)
        return
    for part in (
        self.interval_seconds,
        self.backoff_rate,
        self.max_delay_seconds,
        self.jitter_strategy,
    ):
        part.eval(env=env)
    pause(env, env.stack.pop() * time_scale)
    env.stack.append(RetrierOutcome.Executed)


def _inner_frame(cls: type[Environment], env: Environment, *args: Any, **kwargs: Any) -> Any:
    """Moto loses `$states.context.Map` in the states of an iteration. Progress is noted where it was outside."""
    frame = _inner_frame_of_environment(cls, env, *args, **kwargs)
    attach(frame, progress_of(env))
    data: Any = env.states.context_object.context_object_data
    if "Map" in data:
        frame.states.context_object.context_object_data["Map"] = data["Map"]
    return frame


def _stop(self: ExecutionWorker, stop_date: dt.datetime, error: str | None, cause: str | None) -> None:
    """Moto fails to stop, or forgets to, an execution that is still parsing its definition."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        env = self.env
        if env is not None and env.program_state() is not None:
            env.set_stop(stop_date, cause, error)
            return
        time.sleep(_LOOK_SECONDS)

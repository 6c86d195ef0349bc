"""One attempt of a Task, Parallel or Map state, and the time that it may take.

moto starts a thread for every attempt of every state, to be able to leave it behind after its
timeout. Here only states that have a timeout cost a thread; tasks that wait for a token look at the time
themselves, so that an answer that was taken counts. (If the call that such a task begins with takes longer
than its timeout, the task ends when the call has: on AWS at its timeout.)
"""

# ruff: noqa: SLF001 - what is corrected is inside moto

from __future__ import annotations

import copy
import threading
from typing import Any

import attrs
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError, TimeoutSeconds
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import (
    ResourceCondition,
    ServiceResource,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.eval.environment import Environment

from laminar_codegen.rehearsal.aws.patches import Patches

_seconds_of_timeout: Any = TimeoutSeconds._eval_seconds


def install(patches: Patches) -> None:
    """Put the functions of this module in the place of moto's."""
    patches.attribute(ExecutionState, "_evaluate_with_timeout", _attempt)
    patches.attribute(TimeoutSeconds, "_eval_seconds", _seconds)


def _seconds(self: TimeoutSeconds, env: Environment) -> int:
    """Moto ends a task after a minute if it has HeartbeatSeconds and no TimeoutSeconds."""
    seconds: int = TimeoutSeconds.DEFAULT_TIMEOUT_SECONDS if self.is_default else _seconds_of_timeout(self, env)
    return seconds


def _attempt(self: ExecutionState, env: Environment) -> None:
    self.timeout.eval(env=env)
    seconds: int = env.stack.pop()
    frame: Any = env.open_frame()
    frame.states.reset(input_value=env.states.get_input())
    frame.stack = copy.deepcopy(env.stack)
    try:
        if seconds >= TimeoutSeconds.DEFAULT_TIMEOUT_SECONDS or _waits_for_token(self):
            self._eval_execution(frame)
        else:
            _run_within(self, frame, seconds)
    except Exception:
        # Branches and iterations that still run have not come to their end (see `progress`).
        frame.set_stop(stop_date=None, cause=None, error=None)
        raise
    finally:
        frame.set_ended()
        env.close_frame(frame)
    _take_result(self, env, frame.stack.pop())


def _run_within(state: ExecutionState, frame: Environment, seconds: int) -> None:
    run = _Run(state, frame)
    thread = threading.Thread(target=run, name=f"attempt of {state.name}", daemon=True)
    thread.start()
    thread.join(seconds)
    if run.error is not None:
        raise run.error
    if not run.done:
        raise EvalTimeoutError


@attrs.define
class _Run:
    state: ExecutionState
    frame: Environment
    done: bool = False
    error: Exception | None = None

    def __call__(self) -> None:
        try:
            self.state._eval_execution(self.frame)
        except Exception as error:  # noqa: BLE001 - it is raised in the thread that waits
            self.error = error
        else:
            self.done = True


def _waits_for_token(state: ExecutionState) -> bool:
    return (
        isinstance(state, StateTask)
        and isinstance(state.resource, ServiceResource)
        and state.resource.condition == ResourceCondition.WaitForTaskToken
    )


def _take_result(state: ExecutionState, env: Environment, result: Any) -> None:
    """As moto does: what a state assigns, and with JSONPath its output, comes from the attempt's result."""
    env.stack.append(result)
    if not state._is_language_query_jsonpath():
        env.states.set_result(result)
    if state.assign_decl:
        state.assign_decl.eval(env=env)
    if state.result_selector:
        state.result_selector.eval(env=env)
    if state.result_path:
        state.result_path.eval(env)
    else:
        env.states.reset(input_value=env.stack.pop())

"""Task states that start executions: where moto's interpreter deviates from Step Functions.

Each function here replaces one of moto's; its docstring states the deviation that it closes.
"""

# ruff: noqa: SLF001 - what is corrected is inside moto

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_sfn
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from laminar_codegen.rehearsal.aws import payloads
from laminar_codegen.rehearsal.aws.clients import Clients
from laminar_codegen.rehearsal.aws.patches import Patches
from laminar_codegen.rehearsal.aws.waiting import STOPPED, SyncCall

NestedTask = state_task_service_sfn.StateTaskServiceSfn

_ATTRIBUTE = "laminar_callbacks"

_telling = threading.Lock()
_note_end: Any = BaseExecutionWorkerCommunication.terminated
_resolver_of_sync = NestedTask._build_sync_resolver
_resolver_of_sync2 = NestedTask._build_sync2_resolver


def install(patches: Patches, clients: Clients) -> None:
    """Put the functions of this module in the place of moto's."""

    def resolver(self: NestedTask, env: Environment, **parts: Any) -> SyncCall:
        return _call(env, clients, lambda: _resolver_of_sync(self, env=env, **parts))

    def resolver2(self: NestedTask, env: Environment, **parts: Any) -> SyncCall:
        return _call(env, clients, lambda: _resolver_of_sync2(self, env=env, **parts))

    patches.attribute(BaseExecutionWorkerCommunication, "terminated", _terminated)
    patches.attribute(NestedTask, "_build_sync_resolver", resolver)
    patches.attribute(NestedTask, "_build_sync2_resolver", resolver2)
    # The cause of a failure is the execution as JSON, which moto writes with white space.
    patches.attribute(state_task_service_sfn, "to_json_str", payloads.compact_json)


def _call(env: Environment, clients: Clients, resolver: Callable[[], Any]) -> SyncCall:
    """Wait for the execution in this process, and stop it with the task.

    moto asks every half second through the API; and leaves the nested execution running when
    the task times out or its execution is stopped.
    """
    arn: str = env.stack[-1]["ExecutionArn"]
    _, _, _, region, account, *_ = arn.split(":")
    execution: Any = stepfunctions_parser_backends[account][region].describe_execution(arn)
    client = clients.get("stepfunctions", region, lenient=True, role=env.aws_execution_details.role_arn)
    return SyncCall(
        has_ended=lambda: execution.status != "RUNNING",
        when_ended=functools.partial(_when_ended, execution),
        describe=resolver(),
        cancel=functools.partial(client.stop_execution, executionArn=arn, cause=STOPPED),
    )


def _when_ended(execution: Execution, callback: Callable[[], None]) -> None:
    with _telling:
        if execution.status == "RUNNING":
            vars(execution).setdefault(_ATTRIBUTE, []).append(callback)
            return
    callback()


def _terminated(self: BaseExecutionWorkerCommunication) -> None:
    with _telling:
        _note_end(self)
        callbacks: list[Callable[[], None]] = vars(self.execution).pop(_ATTRIBUTE, [])
    for callback in callbacks:
        callback()

"""What a Task state waits for, and how the wait ends when the state does.

A `.sync` task begins something (a job, an execution) and waits for its end. It ends early when the
task times out, when another branch fails or when the execution is stopped; then what it began is
ended, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_callback
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackEndpoint
from moto.stepfunctions.parser.asl.eval.environment import Environment

from laminar_codegen.embedded_aws.flow_control import pause
from laminar_codegen.embedded_aws.patches import Patches

CallbackTask = state_task_service_callback.StateTaskServiceCallback

STOPPED = "The task was stopped with its execution"

_OTHER_LOOK_SECONDS = 0.5


class TaskStoppedError(Exception):
    """A task ended because its execution, branch or attempt ended."""


@attrs.frozen
class SyncCall:
    """What a `.sync` task waits for: `resolve` returns nothing until it has ended."""

    resolve: Callable[[], Any]
    cancel: Callable[[], None]

    def __call__(self) -> Any:
        """Resolve: moto calls it as a function."""
        return self.resolve()


def install(patches: Patches) -> None:
    """Put the functions of this module in the place of moto's."""
    patches.attribute(CallbackTask, "_eval_sync", _wait_for_end)


def _wait_for_end(
    _: CallbackTask,
    env: Environment,
    sync_resolver: Callable[[], Any],
    timeout_seconds: int | None,
    callback_endpoint: CallbackEndpoint | None,
    heartbeat_endpoint: object,
) -> Any:
    """Moto sleeps half a second between looks, and returns nothing at all when interrupted."""
    del timeout_seconds, callback_endpoint, heartbeat_endpoint
    while env.is_running():
        if result := sync_resolver():
            return result
        if not isinstance(sync_resolver, SyncCall):
            pause(env, _OTHER_LOOK_SECONDS)
    if isinstance(sync_resolver, SyncCall):
        sync_resolver.cancel()
    raise TaskStoppedError(STOPPED)

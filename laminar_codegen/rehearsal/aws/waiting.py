"""What a Task state waits for, and how the wait ends when the state does.

A `.sync` task begins something (a job, an execution) and waits for its end. It ends early when the
task times out, when another branch fails or when the execution is stopped; then what it began is
ended, too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import attrs
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_callback
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackEndpoint
from moto.stepfunctions.parser.asl.eval.environment import Environment

from laminar_codegen.rehearsal.aws.endings import when_ended
from laminar_codegen.rehearsal.aws.flow_control import pause
from laminar_codegen.rehearsal.aws.patches import Patches

CallbackTask = state_task_service_callback.StateTaskServiceCallback

STOPPED = "The task was stopped with its execution"

_OTHER_LOOK_SECONDS = 0.5


class TaskStoppedError(Exception):
    """A task ended because its execution, branch or attempt ended."""


@attrs.frozen
class SyncCall:
    """What a `.sync` task waits for.

    has_ended   whether it has
    when_ended  has somebody told when it has; at once if it has
    describe    gives what came of it, or raises
    cancel      ends it
    """

    has_ended: Callable[[], bool]
    when_ended: Callable[[Callable[[], None]], None]
    describe: Callable[[], Any]
    cancel: Callable[[], None]

    def wait(self, env: Environment) -> Any:
        """Return the outcome. Raises TaskStoppedError if the task ends before."""
        changed = threading.Event()
        self.when_ended(changed.set)
        when_ended(env, changed.set)
        changed.wait()
        if env.is_running() and self.has_ended():
            return self.describe()
        self.cancel()
        raise TaskStoppedError(STOPPED)


def install(patches: Patches) -> None:
    """Put the functions of this module in the place of moto's."""
    patches.attribute(CallbackTask, "_eval_sync", _wait_for_end)


def _wait_for_end(
    _: CallbackTask,
    env: Environment,
    sync_resolver: SyncCall | Callable[[], Any],
    timeout_seconds: int | None,
    callback_endpoint: CallbackEndpoint | None,
    heartbeat_endpoint: object,
) -> Any:
    """Moto sleeps half a second between looks, and returns nothing at all when interrupted."""
    del timeout_seconds, callback_endpoint, heartbeat_endpoint
    if isinstance(sync_resolver, SyncCall):
        return sync_resolver.wait(env)
    while env.is_running():
        if result := sync_resolver():
            return result
        pause(env, _OTHER_LOOK_SECONDS)
    raise TaskStoppedError(STOPPED)

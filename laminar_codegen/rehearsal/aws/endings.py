"""Calls back who waits for the end of a part of an execution, instead of polling.

A part (an execution, a branch, an iteration, an attempt) runs in an environment of its own, which
ends by itself, with an error, when it is stopped or when its time is over.
"""

# ruff: noqa: SLF001 - what is corrected is inside moto

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from moto.stepfunctions.parser.asl.eval.environment import Environment

from laminar_codegen.rehearsal.aws.patches import Patches

_ATTRIBUTE = "laminar_callbacks"

_set_error_of_environment = Environment.set_error


def install(patches: Patches) -> None:
    """Make moto's environments call back at their ends."""
    patches.attribute(Environment, "set_error", _telling(_set_error))
    for name in ("set_ended", "set_stop", "set_timed_out"):
        patches.attribute(Environment, name, _telling(getattr(Environment, name)))


def when_ended(env: Environment, callback: Callable[[], None]) -> None:
    """Call back once when a part has ended; at once if it has."""
    waiting = cast(Any, env)
    with waiting._state_mutex:
        if env.is_running():
            vars(waiting).setdefault(_ATTRIBUTE, []).append(callback)
            return
    callback()


def _telling(change: Callable[..., None]) -> Callable[..., None]:
    def changed(self: Environment, *args: Any, **named: Any) -> None:
        """Moto wakes only those who wait at this moment."""
        change(self, *args, **named)
        if self.is_running():
            return
        with self._state_mutex:
            callbacks: list[Callable[[], None]] = vars(self).pop(_ATTRIBUTE, [])
            cast(Any, self).program_state_event.set()
        for callback in callbacks:
            callback()

    return changed


def _set_error(self: Environment, error: Any) -> None:
    """Moto turns an execution that was stopped into a failed one when what was stopped fails."""
    if self.is_running():
        _set_error_of_environment(self, error)

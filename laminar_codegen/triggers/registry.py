"""All kinds of triggers. To add one, write its module and name its value here: see the recipes in the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.graph import Trigger
from laminar_codegen.triggers.kind import TriggerKind
from laminar_codegen.triggers.schedule import SCHEDULE
from laminar_codegen.triggers.starts import STARTS
from laminar_codegen.triggers.timing import Timing
from laminar_runtime.configurations.schedulers.step_functions import StepFunctions

__all__ = ["TRIGGERS", "kind_of", "kinds", "machines_of", "parameters_of", "schedules_of", "triggers_of"]

#: All kinds, in the order of their resources in a document.
TRIGGERS: tuple[TriggerKind, ...] = (SCHEDULE, STARTS)


def kinds() -> tuple[TriggerKind, ...]:
    """Return all kinds of triggers."""
    return TRIGGERS


def kind_of(trigger: Trigger) -> TriggerKind:
    """Return the kind of a trigger.

    Args:
        trigger: The trigger.
    """
    return next(kind for kind in kinds() if kind.name == trigger.kind)


def triggers_of(scheduler: StepFunctions) -> tuple[Trigger, ...]:
    """Return the triggers of a flow.

    Args:
        scheduler: The flow's scheduler, by which users configure them.
    """
    return tuple(Trigger(kind.name, value) for kind in kinds() for value in kind.find(scheduler))


def parameters_of(triggers: Iterable[Trigger]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the parameters that triggers start their flow with, and what messages call each start.

    Args:
        triggers: The triggers.
    """
    for trigger in triggers:
        yield from kind_of(trigger).parameters(trigger.value)


def schedules_of(triggers: Iterable[Trigger]) -> Iterator[Timing]:
    """Yield when the schedules among triggers start executions.

    Args:
        triggers: The triggers.
    """
    for trigger in triggers:
        yield from kind_of(trigger).schedules(trigger.value)


def machines_of(triggers: Iterable[Trigger]) -> tuple[StateMachine, ...]:
    """Return the state machines that triggers need besides those of the flow.

    Args:
        triggers: The triggers.
    """
    return tuple(machine for trigger in triggers for machine in kind_of(trigger).machines(trigger.value))

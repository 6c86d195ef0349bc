"""The interface of a kind of trigger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.deployment import Alarm, Deployment, Role
from laminar_codegen.ir.expressions import Ref, Value
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.terraform import Block, Validation, Variable
from laminar_codegen.limits import NAME_LENGTH
from laminar_codegen.policies.sizes import Fitted
from laminar_codegen.problems import Problem
from laminar_codegen.triggers.timing import Timing
from laminar_runtime.configurations.schedulers.step_functions import StepFunctions

__all__ = ["InModule", "TriggerKind"]


def _none(_: Any) -> tuple[()]:
    return ()


def _no_roles(_: Any, __: str) -> tuple[()]:
    return ()


def _any_name(_: Any) -> int:
    return NAME_LENGTH


@attrs.frozen(kw_only=True, eq=False, repr=False)
class InModule:
    """A trigger in the Terraform module ``flow``: an input, and the resources that exist if it is not null.

    Args:
        variable: The input, an object.
        argument: Returns the value of the input for a trigger.
        resources: The resources, as in a document, for the value of the input.
        alarms: The alarms.
    """

    variable: Variable
    argument: Callable[[Any], Mapping[str, Value]]
    resources: tuple[Block, ...]
    alarms: tuple[Alarm, ...] = ()


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TriggerKind:
    """A kind of trigger, with all that the compiler needs to know about it.

    Args:
        name: Its name, unique among all kinds.
        find: Returns the triggers of this kind that the scheduler of a flow configures.
        emit: Returns the resources of a trigger.
        rules: The rules that a flow must keep for each such trigger.
        roles: Returns the roles of a trigger, given the flows that it starts, as in "flow Report".
        permissions: The statements of each of these roles, by the role's label.
        alarms: Returns the alarms of a trigger.
        variables: Returns the variables of the document that a trigger needs.
        machines: Returns the state machines of a trigger, which run beside those of the flows.
        parameters: Returns the starts of a trigger: the name of each for messages, and its parameters.
        schedules: Returns when the schedules of a trigger start executions.
        validations: Yields the variables in a trigger that have a form, and their validations.
        longest_name: Returns the greatest length of the name of a deployment with a trigger.
        in_module: The trigger in the Terraform module ``flow``, None if the module leaves it to the documents.
    """

    name: str
    find: Callable[[StepFunctions], Iterable[Any]]
    emit: Callable[[Any], Iterable[Block]]
    rules: tuple[Callable[[Graph, Any], Iterable[Problem]], ...] = ()
    roles: Callable[[Any, str], Iterable[Role]] = _no_roles
    permissions: Mapping[str, Callable[[Deployment], Fitted]] = attrs.field(factory=dict)
    alarms: Callable[[Any], Iterable[Alarm]] = _none
    variables: Callable[[Any], Iterable[Variable]] = _none
    machines: Callable[[Any], Iterable[StateMachine]] = _none
    parameters: Callable[[Any], Iterable[tuple[str, Mapping[str, Any]]]] = _none
    schedules: Callable[[Any], Iterable[Timing]] = _none
    validations: Callable[[Any], Iterable[tuple[Ref, Validation]]] = _none
    longest_name: Callable[[Any], int] = _any_name
    in_module: InModule | None = None

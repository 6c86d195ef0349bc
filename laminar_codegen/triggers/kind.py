"""The interface of a kind of trigger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from laminar_codegen.ir.deployment import Alarm, Deployment, Role
from laminar_codegen.ir.expressions import Value
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.terraform import Block, Variable
from laminar_codegen.policies.sizes import Fitted
from laminar_codegen.problems import Problem
from laminar_runtime.configurations.schedulers.step_functions import StepFunctions

__all__ = ["TriggerKind"]


def _none(_: Any) -> tuple[()]:
    return ()


def _empty(_: Any) -> Mapping[str, Value]:
    return {}


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TriggerKind:
    """A kind of trigger: everything that the compiler must know about it.

    Args:
        name: Its name, unique among all kinds.
        find: Returns the triggers of this kind that the scheduler of a flow configures.
        emit: Returns the resources of a trigger.
        rules: The rules that a flow must keep for each such trigger.
        roles: Returns the roles of a trigger, given the flows that it starts, as in "flow Report".
        permissions: The statements of each of these roles, by the role's label.
        alarms: Returns the alarms of a trigger.
        variables: Returns the variables of the document that a trigger needs.
        module_types: The types of those of its resources that the Terraform module ``flow`` declares.
        module_arguments: Returns the arguments of that module for a trigger.
    """

    name: str
    find: Callable[[StepFunctions], Iterable[Any]]
    emit: Callable[[Any], Iterable[Block]]
    rules: tuple[Callable[[Graph, Any], Iterable[Problem]], ...] = ()
    roles: Callable[[str], Iterable[Role]] = _none
    permissions: Mapping[str, Callable[[Deployment], Fitted]] = attrs.field(factory=dict)
    alarms: Callable[[Any], Iterable[Alarm]] = _none
    variables: Callable[[Any], Iterable[Variable]] = _none
    module_types: frozenset[str] = frozenset()
    module_arguments: Callable[[Any], Mapping[str, Value]] = _empty

"""The interface of a companion: a state machine beside those of the flows, with all that it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.deployment import Deployment, Role
from laminar_codegen.ir.expressions import Value
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.terraform import Block
from laminar_codegen.policies.sizes import Fitted

__all__ = ["NOTIFY", "Companion"]

#: The label of the state machine that reports executions, and of the rule that starts it.
NOTIFY = "notify"


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Companion:
    """A state machine besides those of the flows, and the rule of EventBridge that starts it.

    Args:
        label: Its label, and that of the role that starts it.
        needed: Returns whether flows need it.
        machine: Returns the state machine.
        role: Returns this role, given the flows, as in "flow Report".
        permissions: Returns the statements of this role.
        local_values: Returns its local values of a document.
        emit: Returns the blocks of the rule.
    """

    label: str
    needed: Callable[[Sequence[Graph]], bool]
    machine: Callable[[Sequence[Graph]], StateMachine]
    role: Callable[[str], Role]
    permissions: Callable[[Deployment], Fitted]
    local_values: Callable[[Deployment], Mapping[str, Value]]
    emit: Callable[[], Iterable[Block]]

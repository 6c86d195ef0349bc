"""What a Task state asks of a service, and what answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from laminar_codegen.rehearsal.asl.clock import Clock
from laminar_codegen.rehearsal.asl.errors import RUNTIME, NamedError

__all__ = ["Call", "Handler", "nothing", "require"]


@attrs.frozen
class Call:
    """A call of a service by a Task state.

    Args:
        resource: The integration with its pattern, such as ``batch:submitJob.sync``.
        arguments: What the service is given. It is not to be changed.
        state: The state's name.
        execution: The execution's ARN.
        clock: The virtual time.
        submitted: To be called when a service of which the end is waited for has taken what it is given, with what it
            answered, if that is known.
        role: The role that calls.
    """

    resource: str
    arguments: Mapping[str, Any]
    state: str
    execution: str
    clock: Clock
    submitted: Callable[..., None]
    role: str = ""


#: Answers calls: a function, or a coroutine function that waits on the call's clock. It gives the service's answer, or
#: raises `NamedError`. A coroutine whose task ends before it, by a timeout or by a failure beside it, is ended by
#: `laminar_codegen.rehearsal.simulated.AbortedError` where it waits.
Handler = Callable[[Call], Any]


def nothing(_: object) -> float:
    """No time at all: the duration of things by default."""
    return 0


def require(call: Call, *fields: str, known: Sequence[str] = ()) -> tuple[Any, ...]:
    """Arguments of a call by their names.

    Args:
        call: The call.
        *fields: The names of those that must be there.
        known: The names of those that may be there.

    Raises:
        NamedError: ``States.Runtime``, if one is not there, or one that is not known is.
    """
    for field in call.arguments:
        if field not in fields and field not in known:
            raise NamedError(RUNTIME, f"The field '{field}' of {call.resource} is not supported")
    missing = [field for field in fields if field not in call.arguments]
    if missing:
        raise NamedError(RUNTIME, f"{call.resource} needs the field {', '.join(missing)}")
    return tuple(call.arguments[field] for field in fields)

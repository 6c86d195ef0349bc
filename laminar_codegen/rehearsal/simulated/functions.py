"""The calls of state machines to AWS Lambda: Python functions with virtual durations.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from laminar_codegen.rehearsal.asl.calls import Call, Handler, nothing, require
from laminar_codegen.rehearsal.asl.errors import NamedError

__all__ = ["Functions", "Invocation"]

_KNOWN = ("Payload", "Qualifier", "InvocationType", "LogType", "ClientContext")


@attrs.frozen
class Invocation:
    """A function's invocation.

    Args:
        name: The function's name or ARN, as the state gives it.
        payload: Its input.
    """

    name: str
    payload: Any


def _no_function(invocation: Invocation) -> Any:
    raise NamedError("Lambda.ResourceNotFoundException", f"Function not found: {invocation.name}")


@attrs.define
class Functions:
    """All functions.

    Args:
        run: Is called when an invocation ends. It returns the answer, or raises `NamedError`.
        seconds: Is called when an invocation starts. It returns its duration.
        invocations: The invocations so far, in the order of their starts.
    """

    run: Callable[[Invocation], Any] = _no_function
    seconds: Callable[[Invocation], float] = nothing
    invocations: list[Invocation] = attrs.field(factory=list)

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handlers by integration."""
        return {"lambda:invoke": self._invoke}

    async def _invoke(self, call: Call) -> Any:
        (name,) = require(call, "FunctionName", known=_KNOWN)
        invocation = Invocation(name, call.arguments.get("Payload", {}))
        self.invocations.append(invocation)
        await call.clock.sleep(self.seconds(invocation))
        return {"ExecutedVersion": "$LATEST", "Payload": self.run(invocation), "StatusCode": 200}

"""Task tokens: tasks that wait until somebody says how they ended.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token. A token of a
task that is over, and an unknown token, are refused: as errors of SendTaskSuccess in state machines,
https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from laminar_codegen.limits import STATE_BYTES
from laminar_codegen.rehearsal.asl.calls import Call, Handler, nothing, require
from laminar_codegen.rehearsal.asl.clock import Clock, Future, Timer
from laminar_codegen.rehearsal.asl.errors import HEARTBEAT, TIMEOUT, NamedError

__all__ = ["TaskTokens", "Token"]


class Token:
    """A task that waits.

    Args:
        text: What names it.
        clock: The virtual time.
        heartbeat: Seconds within which it is to be heard of, None if it need not be.
        machine: The ARN of the state machine that waits.
    """

    def __init__(self, text: str, clock: Clock, heartbeat: float | None, machine: str = "") -> None:
        self.text = text
        self.machine = machine
        self.answer: Future[Any] = Future(clock)
        self._clock = clock
        self._heartbeat = heartbeat
        self._timer: Timer | None = None
        self.beat()

    def beat(self) -> None:
        """Wait on: the task was heard of."""
        if self._timer is not None:
            self._timer.cancel()
        if self._heartbeat is not None:
            # Step Functions reports it as a timeout, and also matches it by a name of its own.
            silent = NamedError(TIMEOUT, aliases=(HEARTBEAT,))
            self._timer = self._clock.at(self._heartbeat, lambda: self.answer.fail(silent), late=True)

    def close(self) -> None:
        """Close the task. Answers that come later are refused."""
        if self._timer is not None:
            self._timer.cancel()
        self.answer.fail(NamedError(TIMEOUT))


@attrs.define
class TaskTokens:
    """All tokens that were given out. Code that runs in a job or function may send them, too.

    Args:
        seconds: How long a call takes.
        make: Makes the text of a token; they are numbered unless given.
    """

    seconds: Callable[[Call], float] = nothing
    make: Callable[[], str] | None = None
    _tokens: dict[str, Token] = attrs.field(factory=dict, init=False)

    def issue(self, clock: Clock, heartbeat: float | None = None, machine: str = "") -> Token:
        """Give out a token."""
        text = f"token-{len(self._tokens) + 1}" if self.make is None else self.make()
        token = Token(text, clock, heartbeat, machine)
        self._tokens[token.text] = token
        return token

    def machine_of(self, token: str) -> str | None:
        """Return the ARN of the state machine that waits for a token, None if none does.

        Args:
            token: The token.
        """
        found = self._tokens.get(token)
        return None if found is None else found.machine

    def succeed(self, token: str, output: Any) -> None:
        """Say that a task succeeded.

        Args:
            token: The task's token.
            output: Its output: JSON text, or a value that is written as JSON.

        Raises:
            NamedError: ``Sfn.InvalidTokenException``, ``Sfn.TaskTimedOutException`` or ``Sfn.InvalidOutputException``.
        """
        text = output if isinstance(output, str) else json.dumps(output)
        try:
            value = json.loads(text)
        except ValueError as error:
            raise NamedError("Sfn.InvalidOutputException", f"Invalid Output: {error}") from error
        if len(text.encode()) > STATE_BYTES:
            raise NamedError("Sfn.InvalidOutputException", f"Invalid Output: longer than {STATE_BYTES} bytes")
        self._waiting(token).answer.succeed(value)

    def fail(self, token: str, error: str = "", cause: str = "") -> None:
        """Say that a task failed. Raises as `succeed` does."""
        self._waiting(token).answer.fail(NamedError(error, cause))

    def beat(self, token: str) -> None:
        """Say that a task still runs. Raises as `succeed` does."""
        self._waiting(token).beat()

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handlers by integration."""

        def success(call: Call) -> None:
            self.succeed(*require(call, "TaskToken", "Output"))

        def failure(call: Call) -> None:
            (token,) = require(call, "TaskToken", known=("Error", "Cause"))
            self.fail(token, call.arguments.get("Error", ""), call.arguments.get("Cause", ""))

        def heartbeat(call: Call) -> None:
            self.beat(*require(call, "TaskToken"))

        actions = {"sendTaskSuccess": success, "sendTaskFailure": failure, "sendTaskHeartbeat": heartbeat}
        return {f"aws-sdk:sfn:{name}": self._take_time(action) for name, action in actions.items()}

    def _take_time(self, action: Callable[[Call], None]) -> Handler:
        async def handle(call: Call) -> Any:
            await call.clock.sleep(self.seconds(call))
            action(call)
            return {}

        return handle

    def _waiting(self, text: str) -> Token:
        token = self._tokens.get(text)
        if token is None:
            raise NamedError("Sfn.InvalidTokenException", "Invalid Token: 'Invalid token'")
        if token.answer.done:
            raise NamedError("Sfn.TaskTimedOutException", "Task Timed Out: 'Provided task does not exist anymore'")
        return token

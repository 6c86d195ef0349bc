"""Runs the calls of Task states: the three patterns of service integrations.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html: a task goes on with the service's answer,
or when the job that it started has ended, or when somebody has sent its token.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import attrs

from laminar_codegen.rehearsal.asl.calls import Call, Handler
from laminar_codegen.rehearsal.asl.definition import Task
from laminar_codegen.rehearsal.asl.errors import QUERY, TIMEOUT, NamedError, UnsupportedError
from laminar_codegen.rehearsal.asl.interpreter import Interpreter
from laminar_codegen.rehearsal.asl.scopes import Scope, check_size
from laminar_codegen.rehearsal.asl.templates import Template, View
from laminar_codegen.rehearsal.asl.tokens import TaskTokens, Token

__all__ = ["Caller"]

_TOKEN = "waitForTaskToken"  # noqa: S105 - the name of a pattern


@attrs.frozen
class Caller:
    """Calls services.

    Args:
        handlers: What answers, by integration.
        tokens: The task tokens.
    """

    handlers: Mapping[str, Handler]
    tokens: TaskTokens

    def handler(self, task: Task) -> Handler:
        """Return the handler of a task.

        Raises:
            UnsupportedError: If nothing does.
        """
        handler = self.handlers.get(task.resource)
        if handler is None and task.pattern == _TOKEN:
            handler = self.handlers.get(task.integration)
        if handler is None:
            raise UnsupportedError(
                f"State {task.name!r} calls {task.resource}: give Services(others=...) that answers it"
            )
        return handler

    async def __call__(self, interpreter: Interpreter, scope: Scope, task: Task, retries: int) -> Any:
        """Run one attempt of a task, and give its result."""
        view = interpreter.view(scope, task, retries=retries)
        limit = _seconds(interpreter, task.timeout, view, "TimeoutSeconds")
        if task.pattern != _TOKEN:
            return await self._run(interpreter, task, view, limit, None)
        heartbeat = _seconds(interpreter, task.heartbeat, view, "HeartbeatSeconds")
        token = self.tokens.issue(interpreter.clock, heartbeat)
        try:
            view = interpreter.view(scope, task, retries=retries, token=token.text)
            return await self._run(interpreter, task, view, limit, token)
        finally:
            token.close()

    async def _run(
        self, interpreter: Interpreter, task: Task, view: View, limit: float | None, token: Token | None
    ) -> Any:
        arguments = interpreter.evaluate(task.arguments, view)
        if not isinstance(arguments, dict):
            interpreter.history.note_end()
            raise NamedError(QUERY, f"The Arguments of {task.name!r} are no object: {arguments!r}")
        interpreter.history.note(2)  # scheduled and started
        clock = interpreter.clock
        try:
            check_size(arguments, "A task's input")
            answer = self._answer(interpreter, task, arguments, token)
            result = await (answer if limit is None else clock.within(limit, answer, lambda: NamedError(TIMEOUT)))
            check_size(result, "A task's result")
        except NamedError:
            interpreter.history.note_end()
            raise
        interpreter.history.note()
        return result

    async def _answer(
        self, interpreter: Interpreter, task: Task, arguments: Mapping[str, Any], token: Token | None
    ) -> Any:
        submission = _Submission(interpreter)
        execution = interpreter.execution.arn
        call = Call(task.resource, arguments, task.name, execution, interpreter.clock, submission.note)
        answer = self.handler(task)(call)
        if inspect.isawaitable(answer):
            answer = await answer
        if task.pattern:
            submission.note()
        return answer if token is None else await token.answer


@attrs.define
class _Submission:
    """Notes once that a task was submitted."""

    interpreter: Interpreter
    noted: bool = False

    def note(self) -> None:
        if not self.noted:
            self.noted = True
            self.interpreter.history.note()


def _seconds(interpreter: Interpreter, template: Template | None, view: View, field: str) -> int | None:
    return None if template is None else interpreter.number(template, view, field)

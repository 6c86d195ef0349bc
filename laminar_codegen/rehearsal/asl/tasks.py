"""Runs the calls of Task states: the three patterns of service integrations.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html: a task goes on with the service's answer,
or when the job that it started has ended, or when somebody has sent its token.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from laminar_codegen.rehearsal.asl.calls import Call, Handler
from laminar_codegen.rehearsal.asl.definition import Task
from laminar_codegen.rehearsal.asl.errors import QUERY, TIMEOUT, NamedError, UnsupportedError
from laminar_codegen.rehearsal.asl.evaluation import Evaluation
from laminar_codegen.rehearsal.asl.scopes import Scope, check_size
from laminar_codegen.rehearsal.asl.templates import Template, View
from laminar_codegen.rehearsal.asl.tokens import TaskTokens, Token

__all__ = ["Caller"]

_TOKEN = "waitForTaskToken"  # noqa: S105 - the name of a pattern
_READ = "aws-sdk:s3:getObject"


@attrs.frozen
class Caller:
    """Calls services.

    Args:
        find: Gives what answers an integration, None if nothing does.
        tokens: The task tokens.
    """

    find: Callable[[str], Handler | None]
    tokens: TaskTokens

    def handler(self, task: Task) -> Handler:
        """Return the handler of a task.

        Raises:
            UnsupportedError: If nothing answers it.
        """
        handler = self.find(task.resource)
        if handler is None and task.pattern == _TOKEN:
            handler = self.find(task.integration)
        if handler is None:
            raise UnsupportedError(f"State {task.name!r} calls {task.resource}, which nothing answers here")
        return handler

    async def __call__(self, evaluation: Evaluation, scope: Scope, task: Task, retries: int) -> Any:
        """Run one attempt of a task, and give its result."""
        view = evaluation.view(scope, task, retries=retries)
        limit = _seconds(evaluation, scope, task.timeout, view, "TimeoutSeconds")
        heartbeat = _seconds(evaluation, scope, task.heartbeat, view, "HeartbeatSeconds")
        attempt = _Attempt(self, evaluation, scope, task, limit, heartbeat)
        if task.pattern != _TOKEN:
            return await attempt.run(view, None)
        token = self.tokens.issue(evaluation.clock, heartbeat, evaluation.execution.machine_arn)
        try:
            return await attempt.run(evaluation.view(scope, task, retries=retries, token=token.text), token)
        finally:
            token.close()

    async def read(self, evaluation: Evaluation, state: str, arguments: Mapping[str, Any]) -> str:
        """Return the text of an object of S3 that a state reads.

        Raises:
            NamedError: If it cannot be read.
        """
        handler = self.find(_READ)
        if handler is None:
            raise UnsupportedError(f"State {state!r} reads an object, and there is no S3")
        execution = evaluation.execution
        call = Call(_READ, arguments, state, execution.arn, evaluation.clock, _nothing, execution.role)
        text: str = (await _answer_of(handler(call)))["Body"]
        return text


@attrs.define
class _Attempt:
    """One attempt of a task."""

    caller: Caller
    evaluation: Evaluation
    scope: Scope
    task: Task
    limit: int | None
    heartbeat: int | None
    submitted: bool = False

    @property
    def about(self) -> dict[str, Any]:
        """The details of each of its events."""
        kind, _, action = self.task.integration.rpartition(":")
        return {"resourceType": kind, "resource": f"{action}.{self.task.pattern}" if self.task.pattern else action}

    async def run(self, view: View, token: Token | None) -> Any:
        evaluation, scope, task = self.evaluation, self.scope, self.task
        arguments = evaluation.evaluate(scope, task.arguments, view)
        role = None if task.role is None else evaluation.text(scope, task.role, view)
        if not isinstance(arguments, dict):
            problem = f"The Arguments of {task.name!r} are no object: {arguments!r}"
            raise evaluation.refusal(scope, NamedError(QUERY, problem))
        self._note_start(arguments)
        try:
            check_size(arguments, "A task's input")
            answer = self._answer(arguments, role or evaluation.execution.role, token)
            if self.limit is not None:
                answer = evaluation.clock.within(self.limit, answer, lambda: NamedError(TIMEOUT))
            result = await answer
            check_size(result, "A task's result")
        except NamedError as error:
            kind = "TaskTimedOut" if error.name == TIMEOUT else "TaskFailed"
            evaluation.note_end(scope, kind, **self.about, **error.details)
            raise
        evaluation.note(scope, "TaskSucceeded", **self.about, output=result)
        return result

    def _note_start(self, arguments: Any) -> None:
        limits = {"timeoutInSeconds": self.limit, "heartbeatInSeconds": self.heartbeat}
        given = {name: value for name, value in limits.items() if value is not None}
        # In virtual time a machine may have any text as its ARN, such as Terraform's reference to it.
        region = (*self.evaluation.execution.arn.split(":"), "", "", "", "")[3]
        self.evaluation.note(self.scope, "TaskScheduled", **self.about, region=region, parameters=arguments, **given)
        self.evaluation.note(self.scope, "TaskStarted", **self.about)

    def note_submission(self, output: Any = None) -> None:
        """Note, once, that the service has taken what it is given."""
        if not self.submitted:
            self.submitted = True
            details = {} if output is None else {"output": output}
            self.evaluation.note(self.scope, "TaskSubmitted", **self.about, **details)

    async def _answer(self, arguments: Mapping[str, Any], role: str, token: Token | None) -> Any:
        task, execution = self.task, self.evaluation.execution
        clock = self.evaluation.clock
        call = Call(task.resource, arguments, task.name, execution.arn, clock, self.note_submission, role)
        answer = await _answer_of(self.caller.handler(task)(call))
        if task.pattern:
            self.note_submission(answer)
        return answer if token is None else await token.answer


async def _answer_of(answer: Any) -> Any:
    return await answer if inspect.isawaitable(answer) else answer


def _nothing(_: object = None) -> None:
    """Note nothing."""


def _seconds(evaluation: Evaluation, scope: Scope, template: Template | None, view: View, field: str) -> int | None:
    return None if template is None else evaluation.number(scope, template, view, field)

"""Runs the states of one execution.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html. What is not documented there,
such as which events a failure leaves in the history, is as others recorded it of AWS.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, assert_never

import attrs

from laminar_codegen.rehearsal.asl import maps
from laminar_codegen.rehearsal.asl.clock import AbortedError
from laminar_codegen.rehearsal.asl.definition import (
    Attempted,
    Choice,
    Exit,
    Fail,
    Map,
    Parallel,
    Pass,
    State,
    Succeed,
    Task,
    Wait,
)
from laminar_codegen.rehearsal.asl.errors import QUERY, NamedError, matches
from laminar_codegen.rehearsal.asl.evaluation import Evaluation
from laminar_codegen.rehearsal.asl.scopes import Scope, check_size
from laminar_codegen.rehearsal.asl.templates import View

__all__ = ["Interpreter", "Leaving"]


@attrs.frozen
class Leaving:
    """How a state is left: with what output and variables, for which state."""

    output: Any
    assigned: Mapping[str, Any]
    following: str | None


@attrs.define(eq=False)
class Interpreter(Evaluation):
    """Runs an execution.

    Args:
        execution: The execution.
        functions: What expressions may call besides the language's own.
        call: Runs a Task state's call; given the evaluation, the scope, the task and the retries so far.
        services: What else states need of services.
        overhead: Seconds that each state takes besides what it does.
    """

    call: Callable[[Evaluation, Scope, Task, int], Any]
    services: maps.MapServices
    overhead: float = 0

    async def run(self, scope: Scope) -> Any:
        """Run a machine from where it is to its end, and give its output."""
        while not scope.ended:
            if self.execution.terminated:
                raise AbortedError
            state = scope.machine.states[scope.state]
            self._enter(scope, state)
            if self.overhead:
                await self.clock.sleep(self.overhead)
            try:
                leaving = await self._state(scope, state)
            except (NamedError, AbortedError) as error:
                if scope is not self.execution.scope and isinstance(state, Task | Parallel | Map | Wait):
                    self.note_end(scope, f"{_kind(state)}StateAborted")  # as such a state inside another is noted
                if isinstance(error, NamedError):
                    error.event = scope.last
                raise
            self.note(
                scope,
                f"{_kind(state)}StateExited",
                name=state.name,
                output=leaving.output,
                **({"assignedVariables": leaving.assigned} if leaving.assigned else {}),
            )
            scope.leave(leaving.output, leaving.assigned, leaving.following)
        return scope.payload

    def _enter(self, scope: Scope, state: State) -> None:
        event = self.execution.event(f"{_kind(state)}StateEntered", scope.last, name=state.name, input=scope.payload)
        scope.last = self.execution.history.enter(event, state.name)

    async def _state(self, scope: Scope, state: State) -> Leaving:
        match state:
            case Pass():
                return self._leave(scope, state.exit, self.view(scope, state), scope.payload)
            case Wait():
                await self.clock.sleep(self._seconds(scope, state, self.view(scope, state)))
                return self._leave(scope, state.exit, self.view(scope, state), scope.payload)
            case Choice():
                return self._choose(state, scope)
            case Succeed():
                return self._leave(scope, Exit(None, state.output, None), self.view(scope, state), scope.payload)
            case Fail():
                view = self.view(scope, state)
                raise NamedError(self.text(scope, state.error, view), self.text(scope, state.cause, view))
            case Task() | Parallel() | Map():
                return await self._attempt(scope, state)
            case _:
                assert_never(state)

    def _leave(self, scope: Scope, leaving: Exit, view: View, output: Any) -> Leaving:
        """Both what is assigned and the output see the values at the state's entry."""
        assigned = {} if leaving.assign is None else self.evaluate(scope, leaving.assign, view)
        if leaving.output is not None:
            output = self.evaluate(scope, leaving.output, view)
        check_size(assigned, "What a state assigns")
        check_size(output, "A state's output")
        return Leaving(output, assigned, leaving.next)

    def _seconds(self, scope: Scope, state: Wait, view: View) -> float:
        if state.timestamp is not None:
            text = self.text(scope, state.timestamp, view)
            try:
                moment = dt.datetime.fromisoformat(text)
                return max(0.0, (moment - self.clock.epoch).total_seconds() - self.clock.now)
            except (TypeError, ValueError) as error:
                raise self.refusal(scope, NamedError(QUERY, f"Timestamp is no time with an offset: {text}")) from error
        assert state.seconds is not None  # noqa: S101 - a Wait has either
        return self.number(scope, state.seconds, view, "Seconds")

    def _choose(self, state: Choice, scope: Scope) -> Leaving:
        view = self.view(scope, state)
        for rule in state.rules:
            holds = self.evaluate(scope, rule.condition, view)
            if not isinstance(holds, bool):
                raise self.refusal(
                    scope, NamedError(QUERY, f"A Condition of {state.name!r} is neither true nor false: {holds!r}")
                )
            if holds:
                return self._leave(scope, rule.exit, view, scope.payload)
        if state.default is None:
            raise NamedError("States.NoChoiceMatched", f"No rule of {state.name!r} holds, and it has no Default")
        return self._leave(scope, state.default, view, scope.payload)

    async def _attempt(self, scope: Scope, state: Attempted) -> Leaving:
        """Do what a state does, again as its retriers say, until it is left by its exit or by a catcher's."""
        used = [0] * len(state.retry)
        while True:
            retries = sum(used)
            try:
                result = await self._work(scope, state, retries)
                view = self.view(scope, state, retries=retries, result=result)
                return self._leave(scope, state.exit, view, result)
            except NamedError as error:
                scope.last = max(scope.last, error.event)
                delay = self._delay(state, used, error)
                if delay is None:
                    return self._catch(scope, state, error, retries)
            scope.forget_parts()
            self.execution.history.transitions += 1
            await self.clock.sleep(delay)

    def _delay(self, state: Attempted, used: list[int], error: NamedError) -> float | None:
        """Seconds until the next attempt, None if there is none: the first retrier that matches decides."""
        for index, retrier in enumerate(state.retry):
            if matches(retrier.errors, error):
                used[index] += 1
                return retrier.delay(used[index] - 1) if used[index] <= retrier.attempts else None
        return None

    def _catch(self, scope: Scope, state: Attempted, error: NamedError, retries: int) -> Leaving:
        if not isinstance(state, Task):
            self.note_end(scope, f"{_kind(state)}StateFailed")  # as such a state is noted when it is not retried
        for catcher in state.catch:
            if matches(catcher.errors, error):
                view = self.view(scope, state, retries=retries, errorOutput=error.output)
                return self._leave(scope, catcher.exit, view, error.output)
        raise error

    async def _work(self, scope: Scope, state: Attempted, retries: int) -> Any:
        match state:
            case Task():
                return await self.call(self, scope, state, retries)
            case Parallel():
                return await self._branches(scope, state, retries)
            case Map():
                if state.distributed:
                    return await maps.run_children(self, scope, state, retries, self.services)
                return await maps.run_items(self, scope, state, retries, self.run)
            case _:
                assert_never(state)

    async def _branches(self, scope: Scope, state: Parallel, retries: int) -> list[Any]:
        payload = scope.payload
        if state.arguments is not None:
            payload = self.evaluate(scope, state.arguments, self.view(scope, state, retries=retries))
        self.note(scope, "ParallelStateStarted")
        if not scope.inner:  # else it is redriven: branches that ended are not run again
            scope.inner = [Scope(branch, payload, scope.visible, scope.item) for branch in state.branches]
        for inner in scope.inner:
            inner.last = scope.last
        results = await self.clock.gather(self.run(inner) for inner in scope.inner)
        scope.last = max(inner.last for inner in scope.inner)
        check_size(results, "The result of a state")
        self.note(scope, "ParallelStateSucceeded")
        return results


def _kind(state: State) -> str:
    return type(state).__name__

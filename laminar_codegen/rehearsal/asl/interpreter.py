"""Runs the states of one execution.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html. What is not documented there,
such as which events a failure leaves in the history, is as others recorded it of AWS.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Any, assert_never

import attrs

from laminar_codegen.limits import MAP_CONCURRENCY
from laminar_codegen.rehearsal.asl.clock import EPOCH, AbortedError, Clock
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
from laminar_codegen.rehearsal.asl.execution import Execution
from laminar_codegen.rehearsal.asl.history import History
from laminar_codegen.rehearsal.asl.scopes import Scope, check_size
from laminar_codegen.rehearsal.asl.templates import Template, View

__all__ = ["Interpreter", "Leaving"]


@attrs.frozen
class Leaving:
    """How a state is left: with what output and variables, for which state."""

    output: Any
    assigned: Mapping[str, Any]
    following: str | None


@attrs.define(eq=False)
class Interpreter:
    """Runs an execution.

    Args:
        execution: The execution.
        call: Runs a Task state's call; given the interpreter, the scope, the task and the retries so far.
        functions: What expressions may call besides the language's own.
        overhead: Seconds that each state takes besides what it does.
    """

    execution: Execution
    call: Callable[[Interpreter, Scope, Task, int], Any]
    functions: Mapping[str, Any]
    overhead: float = 0
    context: Mapping[str, Any] = attrs.field()

    @context.default
    def _context(self) -> Mapping[str, Any]:
        return self.execution.context()

    @property
    def clock(self) -> Clock:
        """The virtual time."""
        return self.execution.clock

    @property
    def history(self) -> History:
        """What happened so far."""
        return self.execution.history

    async def run(self, scope: Scope) -> Any:
        """Run a machine from where it is to its end, and give its output."""
        while not scope.ended:
            state = scope.machine.states[scope.state]
            self.history.enter(self.clock.now, state.name)
            if self.overhead:
                await self.clock.sleep(self.overhead)
            try:
                leaving = await self._state(scope, state)
            except (NamedError, AbortedError):
                if scope is not self.execution.scope and isinstance(state, Task | Parallel | Map | Wait):
                    self.history.note_end()  # such a state inside another is noted as aborted
                raise
            self.history.note()
            scope.leave(leaving.output, leaving.assigned, leaving.following)
        return scope.payload

    def view(self, scope: Scope, state: State, **shown: Any) -> View:
        """Return the values that the expressions of a state can read.

        Args:
            scope: Where the state is.
            state: The state.
            **shown: What else of ``$states`` there is; ``retries``, ``item`` and ``token`` are parts of its context.
        """
        about = {"EnteredTime": self.clock.timestamp, "Name": state.name}
        context = {**self.context, "State": about}
        item = shown.pop("item", scope.item)
        if item is not None:
            context["Map"] = {"Item": item}
        if "retries" in shown:
            about["RetryCount"] = shown.pop("retries")
        if "token" in shown:
            context["Task"] = {"Token": shown.pop("token")}
        states = {"input": scope.payload, "context": context, **shown}
        return View({**scope.visible, "states": states}, self.functions)

    def evaluate(self, template: Template, view: View) -> Any:
        """Evaluate a field; that it failed is noted."""
        try:
            return template.evaluate(view)
        except NamedError:
            self.history.note_end()
            raise

    async def _state(self, scope: Scope, state: State) -> Leaving:
        match state:
            case Pass():
                return self._leave(state.exit, self.view(scope, state), scope.payload)
            case Wait():
                await self.clock.sleep(self._seconds(state, self.view(scope, state)))
                return self._leave(state.exit, self.view(scope, state), scope.payload)
            case Choice():
                return self._choose(state, scope)
            case Succeed():
                return self._leave(Exit(None, state.output, None), self.view(scope, state), scope.payload)
            case Fail():
                view = self.view(scope, state)
                raise NamedError(self._text(state.error, view), self._text(state.cause, view))
            case Task() | Parallel() | Map():
                return await self._attempt(scope, state)
            case _:
                assert_never(state)

    def _leave(self, leaving: Exit, view: View, output: Any) -> Leaving:
        """Both what is assigned and the output see the values at the state's entry."""
        assigned = {} if leaving.assign is None else self.evaluate(leaving.assign, view)
        if leaving.output is not None:
            output = self.evaluate(leaving.output, view)
        check_size(assigned, "What a state assigns")
        check_size(output, "A state's output")
        return Leaving(output, assigned, leaving.next)

    def _seconds(self, state: Wait, view: View) -> float:
        if state.timestamp is not None:
            text = self._text(state.timestamp, view)
            try:
                moment = dt.datetime.fromisoformat(text)
                return max(0.0, (moment - EPOCH).total_seconds() - self.clock.now)
            except (TypeError, ValueError) as error:
                self.history.note_end()
                raise NamedError(QUERY, f"Timestamp is no time with an offset: {text}") from error
        assert state.seconds is not None  # noqa: S101 - a Wait has either
        return self.number(state.seconds, view, "Seconds")

    def number(self, template: Template, view: View, field: str) -> int:
        """Evaluate a field to a whole number that is not negative."""
        value = self.evaluate(template, view)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            self.history.note_end()
            raise NamedError(QUERY, f"{field} is no whole number of at least 0: {value!r}")
        return value

    def _text(self, template: Template, view: View) -> str:
        value = self.evaluate(template, view)
        if not isinstance(value, str):
            self.history.note_end()
            raise NamedError(QUERY, f"Text is wanted, not {value!r}")
        return value

    def _choose(self, state: Choice, scope: Scope) -> Leaving:
        view = self.view(scope, state)
        for rule in state.rules:
            holds = self.evaluate(rule.condition, view)
            if not isinstance(holds, bool):
                self.history.note_end()
                raise NamedError(QUERY, f"A Condition of {state.name!r} is neither true nor false: {holds!r}")
            if holds:
                return self._leave(rule.exit, view, scope.payload)
        if state.default is None:
            raise NamedError("States.NoChoiceMatched", f"No rule of {state.name!r} holds, and it has no Default")
        return self._leave(state.default, view, scope.payload)

    async def _attempt(self, scope: Scope, state: Attempted) -> Leaving:
        """Do what a state does, again as its retriers say, until it is left by its exit or by a catcher's."""
        used = [0] * len(state.retry)
        while True:
            retries = sum(used)
            try:
                result = await self._work(scope, state, retries)
                return self._leave(state.exit, self.view(scope, state, retries=retries, result=result), result)
            except NamedError as error:
                delay = self._delay(state, used, error)
                if delay is None:
                    return self._catch(scope, state, error, retries)
            scope.inner = []
            self.history.transitions += 1
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
            self.history.note_end()  # such a state is noted as failed when it is not retried
        for catcher in state.catch:
            if matches(catcher.errors, error):
                view = self.view(scope, state, retries=retries, errorOutput=error.output)
                return self._leave(catcher.exit, view, error.output)
        raise error

    async def _work(self, scope: Scope, state: Attempted, retries: int) -> Any:
        match state:
            case Task():
                return await self.call(self, scope, state, retries)
            case Parallel():
                return await self._branches(scope, state, retries)
            case Map():
                return await self._items(scope, state, retries)
            case _:
                assert_never(state)

    async def _branches(self, scope: Scope, state: Parallel, retries: int) -> list[Any]:
        payload = scope.payload
        if state.arguments is not None:
            payload = self.evaluate(state.arguments, self.view(scope, state, retries=retries))
        self.history.note()
        if not scope.inner:  # else it is redriven: branches that ended are not run again
            scope.inner = [Scope(branch, payload, scope.visible, scope.item) for branch in state.branches]
        return self._results(await self.clock.gather(self.run(inner) for inner in scope.inner))

    async def _items(self, scope: Scope, state: Map, retries: int) -> list[Any]:
        view = self.view(scope, state, retries=retries)
        limit = self.number(state.concurrency, view, "MaxConcurrency") or MAP_CONCURRENCY
        scope.inner = scope.inner or self._item_scopes(scope, state, retries, view)
        self.history.note()
        waiting = iter([inner for inner in scope.inner if not inner.ended])
        workers = min(limit, MAP_CONCURRENCY, len(scope.inner))
        await self.clock.gather(self._work_items(waiting) for _ in range(workers))
        return self._results([inner.payload for inner in scope.inner])

    def _item_scopes(self, scope: Scope, state: Map, retries: int, view: View) -> list[Scope]:
        items = scope.payload if state.items is None else self.evaluate(state.items, view)
        if not isinstance(items, list):
            self.history.note_end()
            raise NamedError(QUERY, f"The items of {state.name!r} are no array: {items!r}")
        scopes = []
        for index, value in enumerate(items):
            item, payload = {"Index": index, "Value": value}, value
            if state.selector is not None:
                payload = self.evaluate(state.selector, self.view(scope, state, retries=retries, item=item))
            check_size(payload, "An item")
            scopes.append(Scope(state.processor, payload, scope.visible, item))
        return scopes

    async def _work_items(self, waiting: Iterator[Scope]) -> None:
        for scope in waiting:
            self.history.note()
            try:
                await self.run(scope)
            except (NamedError, AbortedError):
                self.history.note_end()  # the item failed, or was aborted
                raise
            self.history.note()

    def _results(self, results: list[Any]) -> list[Any]:
        check_size(results, "The result of a state")
        self.history.note()
        return results

"""What every state does, whatever its type: it evaluates its fields, and notes what happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from laminar_codegen.rehearsal.asl.clock import Clock
from laminar_codegen.rehearsal.asl.definition import State
from laminar_codegen.rehearsal.asl.errors import QUERY, NamedError
from laminar_codegen.rehearsal.asl.execution import Execution
from laminar_codegen.rehearsal.asl.scopes import Scope
from laminar_codegen.rehearsal.asl.templates import Template, View

__all__ = ["Evaluation"]


@attrs.define(eq=False)
class Evaluation:
    """The fields of an execution's states, evaluated, and its history.

    Args:
        execution: The execution.
        functions: What expressions may call besides the language's own.
    """

    execution: Execution
    functions: Mapping[str, Any]
    context: Mapping[str, Any] = attrs.field(init=False)

    @context.default
    def _context(self) -> Mapping[str, Any]:
        return self.execution.context()

    @property
    def clock(self) -> Clock:
        """The time."""
        return self.execution.clock

    def note(self, scope: Scope, kind: str, **details: Any) -> None:
        """Note an event of a scope. Raises NamedError if there are too many."""
        scope.last = self.execution.history.note(self.execution.event(kind, scope.last, **details))

    def note_end(self, scope: Scope, kind: str, **details: Any) -> None:
        """Note an event of something in a scope that ends, which ends nothing else."""
        scope.last = self.execution.history.note_end(self.execution.event(kind, scope.last, **details))

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

    def evaluate(self, scope: Scope, template: Template, view: View) -> Any:
        """Evaluate a field; that it failed is noted."""
        try:
            return template.evaluate(view)
        except NamedError as error:
            raise self.refusal(scope, error) from error

    def number(self, scope: Scope, template: Template, view: View, field: str) -> int:
        """Evaluate a field to a whole number that is not negative."""
        value = self.evaluate(scope, template, view)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.refusal(scope, NamedError(QUERY, f"{field} is no whole number of at least 0: {value!r}"))
        return value

    def text(self, scope: Scope, template: Template, view: View) -> str:
        """Evaluate a field to text."""
        value = self.evaluate(scope, template, view)
        if not isinstance(value, str):
            raise self.refusal(scope, NamedError(QUERY, f"Text is wanted, not {value!r}"))
        return value

    def refusal(self, scope: Scope, error: NamedError) -> NamedError:
        """Note that an evaluation failed, and give its error."""
        self.note_end(scope, "EvaluationFailed", **error.details, state=scope.state)
        return error

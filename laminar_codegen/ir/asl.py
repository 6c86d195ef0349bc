"""The state machine as data: the states of the Amazon States Language that the compiler emits, as frozen values.

https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html says what the fields mean. What a role
may do follows from the integrations of its tasks: see `laminar_codegen.lower_terraform.role_permissions`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from laminar_codegen.ir.expressions import Expression, Joined, Ref, Value
from laminar_codegen.ir.retriers import Retrier, of_service
from laminar_runtime.identifiers import RESUMED

__all__ = [
    "DRIVE",
    "EXECUTION",
    "Catcher",
    "Choice",
    "Fail",
    "Map",
    "Parallel",
    "Rule",
    "State",
    "StateMachine",
    "Succeed",
    "Task",
    "Wait",
    "all_states",
    "submits_unawaited",
]

PARTITION = Ref("local.partition")
#: The name of the execution, in JSONata: its id, and a mark behind that where it goes on with another.
EXECUTION = "$states.context.Execution.Name"
#: The same, with the number of redrives behind it, if there were any: what a task, or another machine, is started by.
#: No two starts of an execution have one name: ``e1@resume-0.1`` is its first redrive, ``e1@resume-1`` its first resume
#: and ``e1@resume-1.1`` the first redrive of that.
DRIVE = (
    "($e := $states.context.Execution; $e.Name & ($e.RedriveCount > 0 "
    f"? ($contains($e.Name, '{RESUMED}') ? '.' : '{RESUMED}0.') & $e.RedriveCount : ''))"
)


@attrs.frozen
class Catcher:
    """Where a state goes on that failed for good."""

    errors: tuple[str, ...]
    next: str
    output: Mapping[str, Value] | Expression = attrs.field(factory=dict)

    def fields(self) -> dict[str, Value]:
        """Return the fields of the language."""
        return {"ErrorEquals": list(self.errors), "Output": _literal(self.output), "Next": self.next}


@attrs.frozen(kw_only=True)
class Task:
    """Calls a service, again if that has a passing trouble: see `laminar_codegen.ir.retriers`.

    Args:
        name: The state's name.
        integration: The service integration, such as ``batch:submitJob.sync``.
        arguments: What it is called with.
        output: What the next state gets: little, so that no payload grows.
        next: The state that follows, None at the end.
        comment: What the state is for, for readers.
        retry: How it is retried after other errors than the passing ones of its service.
        catch: Where it goes on if it failed for good.
        timeout: Seconds after which it fails, None for never.
        of_service: The retriers of the passing errors of its service, None for those that `laminar_codegen.ir.retriers`
            knows.
    """

    name: str
    integration: str
    arguments: Mapping[str, Value] | Expression
    output: Mapping[str, Value] | Expression = attrs.field(factory=dict)
    next: str | None
    comment: str = ""
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()
    timeout: Value = None
    of_service: tuple[Retrier, ...] | None = None

    def fields(self) -> dict[str, Value]:
        """Return the fields of the language."""
        passing = of_service(self.integration) if self.of_service is None else self.of_service
        return {
            "Type": "Task",
            **_comment(self.comment),
            "Resource": Joined("arn:", PARTITION, f":states:::{self.integration}"),
            "Arguments": _literal(self.arguments),
            **({} if self.timeout is None else {"TimeoutSeconds": self.timeout}),
            "Retry": [retrier.fields() for retrier in (*passing, *self.retry)],
            **_catch(self.catch),
            "Output": _literal(self.output),
            **_after(self.next),
        }


@attrs.frozen
class Rule:
    """Where a choice goes if a condition holds."""

    condition: Expression
    next: str


@attrs.frozen(kw_only=True)
class Choice:
    """Goes where the first rule that holds says, else to the default."""

    name: str
    rules: tuple[Rule, ...]
    default: str
    comment: str = ""

    def fields(self) -> dict[str, Value]:
        """Return the fields of the language."""
        return {
            "Type": "Choice",
            **_comment(self.comment),
            "Choices": [{"Condition": rule.condition, "Next": rule.next} for rule in self.rules],
            "Default": self.default,
        }


@attrs.frozen(kw_only=True)
class Parallel:
    """Runs machines beside each other."""

    name: str
    branches: tuple[tuple[State, ...], ...]
    next: str | None
    comment: str = ""

    def fields(self) -> dict[str, Value]:
        """Return the fields of the language."""
        return {
            "Type": "Parallel",
            **_comment(self.comment),
            "Branches": [_machine(states) for states in self.branches],
            "Output": {},
            **_after(self.next),
        }


@attrs.frozen(kw_only=True)
class Map:
    """Runs a machine for each item of a list, up to 40 of them at once.

    https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html

    Args:
        name: The state's name.
        items: The list.
        states: The machine's states.
        selector: What the machine gets, if that is not the item.
        concurrency: How many items are worked on at once, None for as many as can be.
        iterations: How many items the history of an execution must have room for.
        count: How many items there are, for estimates: a number, or the layer of which each item is a job. A list that
            stands in the state has as many as it has.
        output: What the next state gets.
        next: The state that follows, None at the end.
        comment: What the state is for, for readers.
        catch: Where it goes on if it failed for good.
    """

    name: str
    items: Value
    states: tuple[State, ...]
    selector: Mapping[str, Value] = attrs.field(factory=dict)
    concurrency: int | None = None
    iterations: int = 1
    count: int | str = 1
    output: Mapping[str, Value] | Expression = attrs.field(factory=dict)
    next: str | None
    comment: str = ""
    catch: tuple[Catcher, ...] = ()

    def fields(self) -> dict[str, Value]:
        """Return the fields of the language."""
        return {
            "Type": "Map",
            **_comment(self.comment),
            "Items": self.items,
            **({"ItemSelector": _literal(self.selector)} if self.selector else {}),
            **({} if self.concurrency is None else {"MaxConcurrency": self.concurrency}),
            "ItemProcessor": _machine(self.states),
            **_catch(self.catch),
            "Output": _literal(self.output),
            **_after(self.next),
        }


@attrs.frozen(kw_only=True)
class Wait:
    """Waits. What it is given it hands on."""

    name: str
    seconds: Expression
    next: str
    comment: str = ""

    def fields(self) -> dict[str, Value]:
        """Return the fields of the language."""
        return {"Type": "Wait", **_comment(self.comment), "Seconds": self.seconds, "Next": self.next}


@attrs.frozen(kw_only=True)
class Succeed:
    """Ends a machine, or a branch or an iteration of one, well."""

    name: str
    comment: str = ""
    output: Mapping[str, Value] | Expression = attrs.field(factory=dict)

    def fields(self) -> dict[str, Value]:
        """Return the fields of the language."""
        return {"Type": "Succeed", **_comment(self.comment), "Output": _literal(self.output)}


@attrs.frozen(kw_only=True)
class Fail:
    """Ends a machine, or a branch or an iteration of one, with an error."""

    name: str
    error: Expression
    cause: Expression
    comment: str = ""

    def fields(self) -> dict[str, Value]:
        """Return the fields of the language."""
        return {"Type": "Fail", **_comment(self.comment), "Error": self.error, "Cause": self.cause}


State = Task | Choice | Parallel | Map | Wait | Succeed | Fail


@attrs.frozen(kw_only=True)
class StateMachine:
    """A state machine.

    Args:
        name: Its name among those of the flow.
        comment: What it is for, for readers.
        states: Its states. It starts at the first.
    """

    name: str
    comment: str
    states: tuple[State, ...]

    def fields(self) -> dict[str, Value]:
        """Return the fields of the language."""
        return {"Comment": self.comment, "QueryLanguage": "JSONata", **_machine(self.states)}


def all_states(states: tuple[State, ...]) -> Iterator[State]:
    """All states, those inside others too."""
    for state in states:
        yield state
        match state:
            case Parallel(branches=branches):
                for branch in branches:
                    yield from all_states(branch)
            case Map(states=inner):
                yield from all_states(inner)
            case _:
                pass


def submits_unawaited(machine: StateMachine) -> bool:
    """Whether a machine submits jobs that no state waits for: they do not end with its executions by themselves.

    Args:
        machine: The machine.
    """
    integrations = {state.integration for state in all_states(machine.states) if isinstance(state, Task)}
    return "batch:submitJob" in integrations


def _machine(states: tuple[State, ...]) -> dict[str, Any]:
    return {"StartAt": states[0].name, "States": {state.name: state.fields() for state in states}}


def _literal(value: Value) -> Value:
    """Return a value of a field in which every string that begins with ``{%`` and ends with ``%}`` is an expression.

    Plain text that begins so is written as an expression that gives it:
    https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
    """
    match value:
        case str():
            return Expression(json.dumps(value, ensure_ascii=False)) if value.startswith("{%") else value
        case dict() | Mapping():
            return {key: _literal(item) for key, item in value.items()}
        case list() | tuple():
            return [_literal(item) for item in value]
        case _:
            return value


def _comment(text: str) -> dict[str, Value]:
    return {"Comment": text} if text else {}


def _catch(catchers: tuple[Catcher, ...]) -> dict[str, Value]:
    return {"Catch": [catcher.fields() for catcher in catchers]} if catchers else {}


def _after(name: str | None) -> dict[str, Value]:
    return {"End": True} if name is None else {"Next": name}

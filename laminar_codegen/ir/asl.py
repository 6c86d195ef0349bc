"""The states of the Amazon States Language that the compiler emits, as frozen values.

https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html describes the fields. The permissions
of a role follow from the integrations of its tasks: see `laminar_codegen.lower_terraform.role_permissions`.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from laminar_codegen.ir.expressions import Expression, Joined, Ref, Value
from laminar_codegen.ir.retriers import Retrier, of_service
from laminar_codegen.ir.structs import Struct
from laminar_runtime.identifiers import RESUMED
from laminar_runtime.storage.layout import TAGS

__all__ = [
    "DRIVE",
    "EXECUTION",
    "JOB_TAGS",
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
    "submits_detached_jobs",
]

PARTITION = Ref("local.partition")
#: The name of the execution, in JSONata: its id, followed by a mark if it resumes another execution.
EXECUTION = "$states.context.Execution.Name"
#: The variable with the tags that all jobs of a flow's execution have: see `laminar_codegen.lower_states.job_tags`.
JOB_TAGS = f"${TAGS}"
#: The same, followed by the number of redrives, if there were any: the name for tasks and executions that it starts. No
#: two starts of an execution have one name: ``e1@resume-0.1`` is its first redrive, ``e1@resume-1`` its first resume,
#: and ``e1@resume-1.1`` the first redrive of that.
DRIVE = (
    "($e := $states.context.Execution; $e.Name & ($e.RedriveCount > 0 "
    f"? ($contains($e.Name, '{RESUMED}') ? '.' : '{RESUMED}0.') & $e.RedriveCount : ''))"
)


@attrs.frozen(eq=False, repr=False)
class Catcher(Struct):
    """The state that follows a state that failed for good."""

    errors: tuple[str, ...]
    next: str
    output: Mapping[str, Value] | Expression = attrs.field(factory=dict)

    def fields(self) -> dict[str, Value]:
        """Return the fields of the language."""
        return {"ErrorEquals": list(self.errors), "Output": _literal(self.output), "Next": self.next}


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Task(Struct):
    """A state that calls a service, and retries passing errors of it: see `laminar_codegen.ir.retriers`.

    Args:
        name: The state's name.
        integration: The service integration, such as ``batch:submitJob.sync``.
        arguments: The arguments of the call.
        output: The input of the next state: small, so that no payload grows.
        next: The state that follows, None at the end.
        comment: The purpose of the state, for readers.
        retry: The retriers of other errors than the passing ones of its service.
        catch: The states that follow if it failed for good.
        timeout: Seconds after which it fails, None for never.
        of_service: The retriers of the passing errors of its service, None for those of `laminar_codegen.ir.retriers`.
        assign: Variables that later states read, with their values.
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
    assign: Mapping[str, Value] = attrs.field(factory=dict)

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
            **({"Assign": _literal(self.assign)} if self.assign else {}),
            "Output": _literal(self.output),
            **_after(self.next),
        }


@attrs.frozen(eq=False, repr=False)
class Rule(Struct):
    """A condition of a choice, and the state that follows if it holds."""

    condition: Expression
    next: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Choice(Struct):
    """A state that goes on to the state of the first rule that holds, else to the default."""

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


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Parallel(Struct):
    """A state that runs branches in parallel."""

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


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Map(Struct):
    """A state that runs a machine for each item of a list, up to 40 at once.

    https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html

    Args:
        name: The state's name.
        items: The list.
        states: The machine's states.
        selector: The input of the machine, if that is not the item.
        concurrency: The greatest number of items at once, None for no limit.
        iterations: The number of items for which the history of an execution must have room.
        count: The number of items, for estimates: a number, or the layer of which each item is a job. Not used if the
            list is literal.
        output: The input of the next state.
        next: The state that follows, None at the end.
        comment: The purpose of the state, for readers.
        catch: The states that follow if it failed for good.
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


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Wait(Struct):
    """A state that waits, and passes its input on."""

    name: str
    seconds: Expression
    next: str
    comment: str = ""

    def fields(self) -> dict[str, Value]:
        """Return the fields of the language."""
        return {"Type": "Wait", **_comment(self.comment), "Seconds": self.seconds, "Next": self.next}


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Succeed(Struct):
    """A state that ends a machine, or a branch or an iteration of one, with success."""

    name: str
    comment: str = ""
    output: Mapping[str, Value] | Expression = attrs.field(factory=dict)

    def fields(self) -> dict[str, Value]:
        """Return the fields of the language."""
        return {"Type": "Succeed", **_comment(self.comment), "Output": _literal(self.output)}


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Fail(Struct):
    """A state that ends a machine, or a branch or an iteration of one, with an error."""

    name: str
    error: Expression
    cause: Expression
    comment: str = ""

    def fields(self) -> dict[str, Value]:
        """Return the fields of the language."""
        return {"Type": "Fail", **_comment(self.comment), "Error": self.error, "Cause": self.cause}


State = Task | Choice | Parallel | Map | Wait | Succeed | Fail


@attrs.frozen(kw_only=True, eq=False, repr=False)
class StateMachine(Struct):
    """A state machine.

    Args:
        name: Its name among those of the flow.
        comment: Its purpose, for readers.
        states: Its states, the first one first.
        companion: Whether it runs beside those of the flows: no state of theirs starts it.
        timeout: Seconds after which Step Functions ends an execution of it; None for no limit but that of AWS.
    """

    name: str
    comment: str
    states: tuple[State, ...]
    companion: bool = attrs.field(default=False, repr=False)
    timeout: int | None = None

    def fields(self) -> dict[str, Value]:
        """Return the fields of the language. They are read, not changed: each call returns the same value."""
        return self._fields

    @functools.cached_property
    def _fields(self) -> dict[str, Value]:
        limit = {} if self.timeout is None else {"TimeoutSeconds": self.timeout}
        return {"Comment": self.comment, "QueryLanguage": "JSONata", **limit, **_machine(self.states)}


def all_states(states: tuple[State, ...]) -> Iterator[State]:
    """Yield all states, including those inside other states."""
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


def submits_detached_jobs(machine: StateMachine) -> bool:
    """Return whether a machine submits jobs that no state waits for: these do not end with its executions.

    Args:
        machine: The machine.
    """
    integrations = {state.integration for state in all_states(machine.states) if isinstance(state, Task)}
    return "batch:submitJob" in integrations


def _machine(states: tuple[State, ...]) -> dict[str, Any]:
    return {"StartAt": states[0].name, "States": {state.name: state.fields() for state in states}}


def _literal(value: Value) -> Value:
    """Return a value of a field in which every string that begins with ``{%`` and ends with ``%}`` is an expression.

    Plain text that begins with ``{%`` becomes an expression with that value:
    https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
    """
    match value:
        case str():
            return Expression(json.dumps(value, ensure_ascii=False)) if value.startswith("{%") else value
        case dict():
            return {key: _literal(item) for key, item in value.items()}
        case Expression() | Ref() | Joined():
            return value
        case list() | tuple():
            return [_literal(item) for item in value]
        case Mapping():
            return {key: _literal(item) for key, item in value.items()}
        case _:
            return value


def _comment(text: str) -> dict[str, Value]:
    return {"Comment": text} if text else {}


def _catch(catchers: tuple[Catcher, ...]) -> dict[str, Value]:
    return {"Catch": [catcher.fields() for catcher in catchers]} if catchers else {}


def _after(name: str | None) -> dict[str, Value]:
    return {"End": True} if name is None else {"Next": name}

"""A definition as values: the states of the Amazon States Language, with their templates.

https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html says what the fields mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, Union

import attrs

from laminar_codegen.rehearsal.asl.templates import Template

__all__ = [
    "Attempted",
    "Catcher",
    "Choice",
    "Exit",
    "Fail",
    "Machine",
    "Map",
    "Parallel",
    "Pass",
    "Pattern",
    "Retrier",
    "Rule",
    "State",
    "Succeed",
    "Task",
    "Wait",
    "tasks_of",
]

#: What of a call's end a task waits for.
Pattern = Literal["", "sync", "sync:2", "waitForTaskToken"]


@attrs.frozen
class Retrier:
    """When and how often what failed is done again, and after how many seconds."""

    errors: tuple[str, ...]
    interval: int
    attempts: int
    backoff: float
    longest: float

    def delay(self, retries: int) -> float:
        """Seconds before the next attempt, after so many retries by this retrier. Jitter is taken as none."""
        try:
            return min(self.interval * self.backoff**retries, self.longest)
        except OverflowError:
            return self.longest


@attrs.frozen
class Exit:
    """How a state is left: what is assigned, what the next state gets, and which it is, None at the end."""

    assign: Template | None
    output: Template | None
    next: str | None


@attrs.frozen
class Catcher:
    """Where a failed state is left to."""

    errors: tuple[str, ...]
    exit: Exit


@attrs.frozen
class Rule:
    """Where a choice goes if a condition holds."""

    condition: Template
    exit: Exit


@attrs.frozen(kw_only=True)
class _Named:
    name: str


@attrs.frozen(kw_only=True)
class _Left(_Named):
    exit: Exit


@attrs.frozen(kw_only=True)
class _Attempted(_Left):
    retry: tuple[Retrier, ...]
    catch: tuple[Catcher, ...]


@attrs.frozen(kw_only=True)
class Pass(_Left):
    """Changes what it is given."""


@attrs.frozen(kw_only=True)
class Wait(_Left):
    """Waits some seconds, or until a time."""

    seconds: Template | None
    timestamp: Template | None


@attrs.frozen(kw_only=True)
class Choice(_Named):
    """Goes where the first rule that holds says, else to the default."""

    rules: tuple[Rule, ...]
    default: Exit | None


@attrs.frozen(kw_only=True)
class Succeed(_Named):
    """Ends its machine well."""

    output: Template | None


@attrs.frozen(kw_only=True)
class Fail(_Named):
    """Ends its machine with an error."""

    error: Template
    cause: Template


@attrs.frozen(kw_only=True)
class Task(_Attempted):
    """Calls a service: an integration such as ``batch:submitJob``, and what of its end is waited for.

    Args:
        role: The role that it calls with, if it is not the state machine's.
    """

    integration: str
    pattern: Pattern
    arguments: Template
    timeout: Template | None
    heartbeat: Template | None
    role: Template | None = None

    @property
    def resource(self) -> str:
        """The integration with its pattern, such as ``batch:submitJob.sync``."""
        return f"{self.integration}.{self.pattern}" if self.pattern else self.integration


@attrs.frozen(kw_only=True)
class Parallel(_Attempted):
    """Runs machines beside each other."""

    arguments: Template | None
    branches: tuple[Machine, ...]


@attrs.frozen(kw_only=True)
class Map(_Attempted):
    """Runs a machine for each of some items: in executions of their own if it is distributed.

    Args:
        reader: The arguments of the call of S3 that gives the items of a distributed one, if they are there.
    """

    items: Template | None
    selector: Template | None
    concurrency: Template
    processor: Machine
    distributed: bool = False
    label: str = ""
    reader: Template | None = None
    tolerated_count: Template | None = None
    tolerated_percentage: Template | None = None


State = Union[Task, Choice, Parallel, Map, Pass, Wait, Succeed, Fail]  # noqa: UP007 - machines hold states
Attempted = Task | Parallel | Map


@attrs.frozen
class Machine:
    """States, and at which it starts: a definition, a branch of it, or what a Map does for each item."""

    start: str
    states: Mapping[str, State]
    timeout: float | None = None


def tasks_of(machine: Machine) -> Iterator[Task]:
    """All Task states of a machine, those inside others too."""
    for state in machine.states.values():
        match state:
            case Task():
                yield state
            case Parallel():
                for branch in state.branches:
                    yield from tasks_of(branch)
            case Map():
                yield from tasks_of(state.processor)
            case _:
                pass

"""Where an execution is: the machines in it that run, each with its state, what the state was given, and variables.

A scope outlives a failure, so that a redrive goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from laminar_codegen.limits import STATE_BYTES
from laminar_codegen.rehearsal.asl.definition import Machine
from laminar_codegen.rehearsal.asl.errors import DATA_LIMIT, NamedError

__all__ = ["Scope", "check_size"]

#: Shorter text cannot have more bytes, whatever its characters.
_SURELY_SMALL = STATE_BYTES // 4


@attrs.define(eq=False)
class Scope:
    """A machine that runs: the execution's, a branch's, or that of an item of a Map.

    Args:
        machine: The machine.
        payload: What its state is given.
        outer: The variables outside, which it reads.
        item: The item that it runs for, as the context shows it.
        state: The state it is in.
        variables: Its own variables.
        inner: What runs inside its state, if that is a Parallel or a Map.
        children: The executions of its state, if that is a distributed Map.
        last: The id of the last event that it noted, 0 for none.
        ended: Whether its last state ended; `payload` is then its output.
    """

    machine: Machine
    payload: Any
    outer: Mapping[str, Any] = attrs.field(factory=dict)
    item: Mapping[str, Any] | None = None
    state: str = attrs.field()
    variables: dict[str, Any] = attrs.field(factory=dict)
    inner: list[Scope] = attrs.field(factory=list)
    children: list[Any] = attrs.field(factory=list)
    last: int = 0
    ended: bool = False

    @state.default
    def _start(self) -> str:
        return self.machine.start

    @property
    def visible(self) -> dict[str, Any]:
        """The variables that its states read."""
        return {**self.outer, **self.variables}

    def forget_parts(self) -> None:
        """Forget what ran inside the state: it is left, or tried again as a whole."""
        self.inner, self.children = [], []

    def leave(self, output: Any, assigned: Mapping[str, Any], following: str | None) -> None:
        """Leave the state for the one that follows, or end."""
        self.payload = output
        self.variables.update(assigned)
        self.forget_parts()
        if following is None:
            self.ended = True
        else:
            self.state = following


def check_size(value: Any, what: str) -> None:
    """Refuse data that is too large.

    Args:
        value: The data.
        what: What it is.

    Raises:
        NamedError: ``States.DataLimitExceeded``.
    """
    if isinstance(value, int | float) or value is None or value == {}:
        return
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    size = len(text) if len(text) < _SURELY_SMALL else len(text.encode())
    if size > STATE_BYTES:
        raise NamedError(DATA_LIMIT, f"{what} has {size} bytes, more than the maximum of {STATE_BYTES}")

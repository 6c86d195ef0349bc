"""How far an execution has come, so that a redriven one goes on from there.

Step Functions redrives an execution from the states that did not succeed; of a Parallel or a Map it
runs only the branches and iterations that did not. So every run of a program (of the machine, of a
branch, of an iteration) notes the state that it is in with that state's input and variables, and at
its end its output. What is noted of the branches belongs to one attempt of the state that has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from moto.stepfunctions.parser.asl.eval.environment import Environment

_ATTRIBUTE = "laminar_progress"


@attrs.define(eq=False)
class Progress:
    """How far one run of one program has come.

    state      the state that it is in (none before the first)
    given      that state's input
    variables  what its scope holds since that state's entry
    ended      whether it has come to its end by itself, with `output`
    name       of the execution, for a child of a distributed Map
    """

    state: str | None = None
    given: Any = None
    variables: Mapping[str, Any] = attrs.field(factory=dict)
    ended: bool = False
    output: Any = None
    name: str | None = None
    _parts: dict[int, Progress] = attrs.field(factory=dict)
    _parts_before: dict[int, Progress] = attrs.field(factory=dict)
    _resumes: bool = False
    _asked: int = 0

    def enter(self, state: str, given: Any, variables: Mapping[str, Any]) -> None:
        """Note that the program enters a state."""
        self.state, self.given, self.variables = state, given, dict(variables)
        if not self._resumes:
            self._parts_before = {}
        self._parts, self._resumes = {}, False

    def end(self, output: Any) -> None:
        """Note that the program has ended."""
        self.ended, self.output = True, output

    def begin_attempt(self) -> None:
        """Note that the current state starts its branches or iterations."""
        self._parts, self._parts_before, self._asked = self._parts_before, {}, 0

    def part(self, index: int) -> Progress:
        """Return the progress of a branch or an iteration."""
        return self._parts.setdefault(index, Progress())

    def next_part(self) -> Progress:
        """Return the progress of the branch after the last one that was asked for in this attempt."""
        self._asked += 1
        return self.part(self._asked - 1)

    def rewound(self) -> Progress:
        """Return the progress to go on with in a redriven execution: a copy, apart from what may still be running."""
        before = self._parts or self._parts_before
        parts = {index: part if part.ended else part.rewound() for index, part in before.items()}
        return attrs.evolve(self, parts={}, parts_before=parts, resumes=self.state is not None)


def attach(env: Environment, progress: Progress) -> None:
    """Have what runs in an environment note its progress there."""
    setattr(env, _ATTRIBUTE, progress)


def progress_of(env: Environment) -> Progress:
    """Where what runs in an environment notes its progress."""
    progress: Progress = getattr(env, _ATTRIBUTE)
    return progress

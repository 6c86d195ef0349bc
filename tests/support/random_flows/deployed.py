"""Runs a random flow as its compiled state machines, on an interpreter."""

from __future__ import annotations

from typing import Any, Protocol

import attrs

from laminar_runtime.identifiers import RESUMED
from tests.support.random_flows.image import Image
from tests.support.random_flows.outcomes import EXECUTION, Ended, Outcome, results_of
from tests.support.random_flows.spec import FlowSpec

__all__ = ["Deployed", "Engine"]


class Engine(Protocol):
    """Runs executions of a compiled flow."""

    def run(self, name: str, given: Any) -> Ended:
        """Run an execution of a name with an input."""

    def redrive(self) -> Ended:
        """Have the last execution go on where it failed."""


@attrs.define
class Deployed:
    """A flow, run as state machines.

    Args:
        spec: The flow.
        image: Its image.
        engine: The interpreter of the machines.
        stored: Whether the parameters are in the datastore, as when an application starts it; else in the input.
        redrives: Whether an execution is redriven to resume it; else another one goes on with it.
    """

    spec: FlowSpec
    image: Image
    engine: Engine
    stored: bool
    redrives: bool
    _runs: int = attrs.field(default=0, init=False)
    _unfinished: bool = attrs.field(default=False, init=False)

    def run(self) -> Outcome:
        """Start the machine, or resume its execution if it was run."""
        before = results_of(self.spec.name, self.image.store).splits
        self.image.forget()
        ended = self._go_on() if self._runs else self._begin()
        self._runs += 1
        self._unfinished = ended.text.startswith("UnfinishedError")
        failed = ended.state and ended.state.partition(" ")[0]
        results = results_of(self.spec.name, self.image.store)
        # Layers that run item by item may fail beside each other, and others fail in attempts before the last one.
        for_good = [split for split in self.image.failed if split not in results.splits]
        last = [index for layer, index in for_good if layer == failed][-1:]
        return Outcome(
            failed=failed,
            index=last[0] if last else None,
            text=ended.text,
            calls=list(self.image.world.calls),
            jobs=dict(self.image.jobs),
            before=before,
            results=results,
        )

    def _begin(self) -> Ended:
        if self.stored:
            self.image.flow.execution(EXECUTION).parameters(**self.spec.parameters)
        return self.engine.run(EXECUTION, self._input())

    def _go_on(self) -> Ended:
        return (
            self.engine.redrive()
            # As `resume` does: a redrive would start after the layer that must run again.
            if self.redrives and not self._unfinished
            else self.engine.run(f"{EXECUTION}{RESUMED}{self._runs}", self._input())
        )

    def _input(self) -> Any:
        return {} if self.stored else {"parameters": dict(self.spec.parameters)}

"""The handle of an execution whose flow is run by a process of this machine: by what its datastore has."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records
from laminar_runtime.costs import Cost, price
from laminar_runtime.exceptions import (
    AbortedError,
    ExecutionError,
    ExecutionFailedError,
    NotFoundError,
    StillRunningError,
    TimeLimitError,
    WaitTimeoutError,
)
from laminar_runtime.failures.redaction import one_line
from laminar_runtime.forgetting import forget
from laminar_runtime.handles import ENDED, Status
from laminar_runtime.layer import LayerRun
from laminar_runtime.storage import attempt_times, runs
from laminar_runtime.storage.layout import lock_key
from laminar_runtime.timings import Timings

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution
    from laminar_runtime.failures.record import Failures

__all__ = ["LocalHandle"]

#: Seconds between two looks at a run.
_POLL = 0.2
#: Seconds within which a run that is stopped ends, with all that it started.
_PATIENCE = 10.0


class LocalHandle:
    """An execution that runs, or ran, on a machine.

    Args:
        execution: The execution, of a flow that its own process schedules.

    Raises:
        NotFoundError: If the datastore has nothing of it.
    """

    def __init__(self, execution: Execution) -> None:
        self.execution = execution
        self._key = execution.key("")
        self._place = (self._key.flow, self._key.execution)
        if not execution.known and self.run is None:
            where = f"flow '{execution.flow_name}' has no execution {execution.id} in {execution.datastore.root}"
            raise NotFoundError(f"{where}: `laminar list` has those that there are")

    @property
    def id(self) -> str:
        """The execution's id."""
        return self._key.execution

    @property
    def flow_name(self) -> str:
        """The flow's name."""
        return self._key.flow

    @property
    def run(self) -> runs.Run | None:
        """The record of its last run; None if an earlier release ran it."""
        return runs.read(self.execution.datastore.transport, *self._place)

    def status(self) -> Status:
        """Return how far it is: `ABORTED` also if its process was killed, and could not say so."""
        run = self.run
        if run is not None and run.status != "RUNNING":
            return run.status  # type: ignore[return-value] # a record has no other
        if self._is_held():
            return "RUNNING"
        if run is None and self.execution.finished:
            return "SUCCEEDED"
        return "FAILED" if self.execution.failures(most=1).count else "ABORTED"

    def _is_held(self) -> bool:
        transport = self.execution.datastore.transport
        with transport.lock(lock_key(*self._place)) as held:
            return not held

    def wait(self, *, timeout: float | None = None, poll: float | None = None) -> LocalHandle:
        """Wait for its end, and return it.

        Args:
            timeout: The maximum wait in seconds; None for no limit.
            poll: The seconds between two looks at it, at least 0.1.
        """
        from laminar_runtime.deployed.waiting import pause_of

        pause = _POLL if poll is None else pause_of(poll)
        end = None if timeout is None else time.monotonic() + timeout
        while (status := self.status()) not in ENDED:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                msg = f"execution {self.id} of flow '{self.flow_name}' did not end within {timeout:g} seconds"
                raise WaitTimeoutError(f"{msg}; it still runs")
            time.sleep(pause if left is None else min(pause, left))
        if status != "SUCCEEDED":
            raise self._failure(status)
        return self

    def _failure(self, status: str) -> ExecutionError:
        from laminar_runtime.configurations.schedulers.run_record import resume_hint

        failures = self.failures()
        reasons = f": {failures}" if failures.count else ""
        text = f"execution {self.id} of flow '{self.flow_name}' ended {status}{reasons}\n{resume_hint(self.execution)}"
        if status == "TIMED_OUT":
            error = TimeLimitError(text)
            error.failures = failures
            return error
        kind = AbortedError if status == "ABORTED" else ExecutionFailedError
        return kind(text, execution=self.id, status=status, failures=failures)

    def results(self) -> Mapping[str, Any]:
        """Return the attributes of its layers by ``Layer.attribute``, read when they are asked for."""
        from laminar_runtime.results import Results

        return Results(self.execution)

    def layer(self, name: str) -> LayerRun:
        """Return a layer of it, whose attributes are its artifacts.

        Args:
            name: The layer's name.
        """
        return self.execution.layer(name)

    def failures(self, *, most: int = 10, layer: str = "", index: int | None = None) -> Failures:
        """Return why it did not succeed.

        Args:
            most: How many failures are read. All are counted.
            layer: The only layer whose failures are read; empty for all.
            index: The only split; None for all.
        """
        found = self.execution.failures(most=most, layer=layer, index=index)
        reason = "" if layer or index is not None else self._end_from_outside()
        if not reason:
            return found
        from laminar_runtime.failures.record import Failure

        ended = Failure(
            flow=self.flow_name, execution=self.id, layer="", kind="execution aborted", reason=one_line(reason)
        )
        return _records.evolve(found, shown=(*found, ended)[:most], count=found.count + 1)

    def _end_from_outside(self) -> str:
        """Return why the run ended, if that was no failure of a layer: it was stopped or killed; empty otherwise."""
        run = self.run
        if run is not None and run.status == "ABORTED":
            return f"it was stopped{f': {run.cause}' if run.cause else ''}"
        if run is None or run.status != "RUNNING" or self._is_held():
            return ""
        return (
            f"its process {run.process} on {run.machine} ended without saying so: it was killed, or its machine ended"
        )

    def logs(self, layer: str, index: int = 0, *, follow: bool = False) -> Iterator[str]:
        """Yield the output of a layer, or of one split of it, of all attempts, line by line.

        Args:
            layer: The layer's name.
            index: The index of the split, from 0.
            follow: Whether to wait for more until the layer, or the split, has ended. The output of an attempt is
                kept at its end.

        Raises:
            NotFoundError: If the layer has no such split, or no output was kept.
        """
        from laminar_runtime.storage import outputs

        key, shown = self.execution.key(self.execution.layer(layer)), 0
        while True:
            over = not follow or self.status() in ENDED
            found = outputs.read(self.execution.datastore.transport, key, index)
            for _, lines in found[shown:]:
                yield from lines
            shown = len(found)
            if over:
                break
            time.sleep(_POLL)
        if not shown:
            splits = self._count_splits(layer)
            if splits is not None and index >= splits:
                raise NotFoundError(outputs.explain_range(layer, index, splits, f"execution {self.id}"))
            raise NotFoundError(outputs.explain_absence(layer, index, self.id))

    def _count_splits(self, layer: str) -> int | None:
        """Return how many splits a layer has; None if that is not known, as of one that has not begun."""
        execution = self.execution
        record = execution.datastore.ledger.read_record(execution.key(execution.layer(layer)))
        if record is not None:
            return record.splits
        attempts = attempt_times.read(execution.datastore.transport, *self._place)
        # All splits are submitted when the layer begins.
        counts = [1 if one.index is None else one.index + 1 for one in attempts if one.layer == layer]
        return max(counts, default=None)

    def stop(self, reason: str = "") -> None:
        """Stop its process, which stops all that it has started. A run that has ended is left as it is.

        Args:
            reason: Why, for the record of the run.

        Raises:
            ExecutionError: If another machine runs it, or it does not end.
        """
        run = self.run
        if run is None or self.status() in ENDED:
            return
        if run.machine != os.uname().nodename:
            raise ExecutionError(f"execution {self.id} runs on {run.machine}: stop it there")
        os.kill(run.process, signal.SIGTERM)
        end = time.monotonic() + _PATIENCE
        while self._is_held():
            if time.monotonic() > end:
                msg = f"execution {self.id} did not stop within {_PATIENCE:g} seconds: end process {run.process}"
                raise ExecutionError(msg)
            time.sleep(_POLL / 4)
        ended = self.run
        if reason and ended is not None:
            runs.write(self.execution.datastore.transport, *self._place, _records.evolve(ended, cause=reason))

    def resume(self, *, from_layer: str | None = None) -> LocalHandle:
        """Run it again, without what has finished, to its end, and return its handle.

        Args:
            from_layer: A layer that runs again, with all layers after it, even if they have finished.
        """
        if from_layer is not None:
            if self.status() not in ENDED:
                where = f"execution {self.id} of flow '{self.flow_name}' cannot be resumed from layer '{from_layer}'"
                raise StillRunningError(f"{where}: it still runs. Stop it, or wait for its end")
            forget(self.execution, from_layer)
        self.execution.resume()
        return self

    def timings(self) -> Timings:
        """Return when it was started and ended, and its attempts: as far as they are known while it runs."""
        run, status = self.run, self.status()
        created, stopped = (None, None) if run is None else (run.created, run.stopped)
        attempts = attempt_times.read(self.execution.datastore.transport, *self._place)
        if status in ENDED:
            # Of a run that was killed, nobody has noted the ends.
            attempts = tuple(one if one.stopped else _records.evolve(one, outcome="stopped") for one in attempts)
        timings = Timings(flow=self.flow_name, execution=self.id, status=status, created=created, stopped=stopped)
        return _records.evolve(timings, attempts=attempts)

    @property
    def resume_command(self) -> str:
        """What resumes it: a command, or a call in Python."""
        from laminar_runtime.configurations.schedulers.run_record import resume_hint

        return resume_hint(self.execution).removeprefix("Resume it with").lstrip(": ")

    def cost(self) -> Cost:
        """Return what it cost: nothing that AWS has a price for."""
        return price(self.timings())

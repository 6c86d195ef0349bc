"""The layers of a job that runs several: which start when, and the attempts at each.

Again and again the first layer starts, in the order of the pack, that waits for no other layer of it and fits into what
is free of the job. `laminar_codegen.planning.pack_schedule` predicts the same.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from laminar_runtime import _records
from laminar_runtime.configurations.layers import Retry
from laminar_runtime.tasks.worker import Ending, StoppedError, repeats

__all__ = ["GRACE", "PERIOD", "PackRun", "PackedLayer", "Processes"]

#: Seconds between SIGTERM and SIGKILL of a process that did not end in time, as AWS Batch gives a job.
GRACE = 30.0
#: The most seconds to wait for the end of a process before looking at the clock.
PERIOD = 1.0


class Processes(Protocol):
    """Runs processes."""

    def start(self, variables: Mapping[str, str]) -> int:
        """Start a process with variables, and return its number, which is that of its process group, too."""

    def wait(self, seconds: float) -> tuple[int, int] | None:
        """Return the number and the exit code of a process that ended; None if none ends in time."""


@_records.frozen(eq=False, kw_only=True)
class PackedLayer:
    """A layer of a pack.

    Args:
        name: Its name.
        after: The layers of the pack that it depends on.
        cpu: The virtual CPUs that it takes.
        memory: The memory that it takes, in MiB.
        retry: Its retry. Of its failures only codes and reasons count.
        timeout: Seconds after which an attempt is stopped.
        is_finished: Returns whether it has its commit.
        variables: Returns the variables of the process of an attempt.
        next_attempt: Returns the attempt that follows those of earlier starts of the job.
        note: Notes that an attempt began (an empty text), or how it ended.
        record: Records the failure of an attempt, if its process cannot have done so.
        is_skipped: Returns whether it is noted that it does not run.
    """

    name: str
    after: frozenset[str]
    cpu: float
    memory: int
    retry: Retry
    timeout: float
    is_finished: Callable[[], bool]
    variables: Callable[[int], Mapping[str, str]]
    next_attempt: Callable[[], int] = lambda: 1
    note: Callable[[int, str], None] = lambda _, __: None
    record: Callable[[int, Ending], None] = lambda _, __: None
    is_skipped: Callable[[], bool] = lambda: False


@_records.define(eq=False)
class _Attempt:
    """An attempt that runs: until when it may, and whether it was late, or was asked to end for any reason."""

    layer: PackedLayer
    number: int
    deadline: float
    late: bool = False
    asked: bool = False


@_records.define(eq=False)
class PackRun:
    """One start of the job of a pack.

    Args:
        layers: The layers, in the order in which they start.
        cpu: The virtual CPUs of the job.
        memory: Its memory, in MiB.
        processes: Runs the processes of layers.
        send: Sends a signal to a process group.
        clock: Returns the seconds since some moment.
    """

    layers: Sequence[PackedLayer]
    cpu: float
    memory: int
    processes: Processes
    send: Callable[[int, signal.Signals], None]
    clock: Callable[[], float] = time.monotonic
    _running: dict[int, _Attempt] = _records.field(factory=dict)
    _next: dict[str, tuple[int, float]] = _records.field(factory=dict)
    _finished: set[str] = _records.field(factory=set)
    _failed: bool = False
    _stopping: bool = False

    def run(self, *, restarted: bool = False) -> bool:
        """Run the layers that have not finished, and return whether all have then.

        Args:
            restarted: Whether the job was started before, or its execution: layers may have finished.

        Raises:
            StoppedError: If the job was asked to stop before all layers had finished.
        """
        names = {layer.name for layer in self.layers}
        for layer in self.layers:
            if restarted and (layer.is_finished() or layer.is_skipped()):
                self._finished.add(layer.name)
            else:
                self._next[layer.name] = (layer.next_attempt() if restarted else 1, self.clock())
        while self._finished < names:
            if not (self._failed or self._stopping):
                self._start()
            if not self._running and (self._failed or self._stopping):
                break
            ended = self.processes.wait(self._patience())
            if ended is not None:
                self._end(self._running.pop(ended[0]), ended[1])
            self._stop_late()
        if self._stopping and self._finished < names:
            raise StoppedError
        return not self._failed

    def stop(self, number: signal.Signals) -> None:
        """Pass a signal that asks the job to stop on to its layers, as AWS sends one before it reclaims capacity.

        Args:
            number: The signal.
        """
        self._stopping = True
        for group in list(self._running):
            self.send(group, number)

    def _start(self) -> None:
        """Start the layers that can start now."""
        now = self.clock()
        cpu = self.cpu - sum(attempt.layer.cpu for attempt in self._running.values())
        memory = self.memory - sum(attempt.layer.memory for attempt in self._running.values())
        for layer in self.layers:
            number, due = self._next.get(layer.name, (0, 0.0))
            if not number or due > now or not layer.after <= self._finished:
                continue
            if layer.cpu > cpu or layer.memory > memory:
                continue
            last = layer.retry.attempts
            if number > last:
                _say(f"layer '{layer.name}' has no attempt left: {number - 1} of {last} failed or were stopped")
                self._fail()
                return
            del self._next[layer.name]
            layer.note(number, "")
            _say(f"layer '{layer.name}' begins{f', attempt {number} of {last}' if number > 1 else ''}")
            process = self.processes.start(layer.variables(number))
            self._running[process] = _Attempt(layer, number, now + layer.timeout)
            if self._stopping:  # the signal came before the process was known
                self.send(process, signal.SIGTERM)
                return
            cpu, memory = cpu - layer.cpu, memory - layer.memory

    def _patience(self) -> float:
        """Return how long to wait for the end of a process: until something is due."""
        now = self.clock()
        dues = [attempt.deadline for attempt in self._running.values()]
        dues += [due for _, due in self._next.values() if due > now]
        return max(0.0, min([PERIOD, *(due - now for due in dues)]))

    def _stop_late(self) -> None:
        """Stop the attempts that did not end in time: first kindly."""
        now = self.clock()
        for group, attempt in self._running.items():
            if attempt.deadline <= now:
                attempt.late |= not attempt.asked
                self._ask(group, attempt)

    def _end(self, attempt: _Attempt, code: int) -> None:
        """Note the end of an attempt, and whether its layer runs again."""
        layer = attempt.layer
        ending = Ending(code, attempt.late, layer.timeout if attempt.late else None)
        name, number = f"layer '{layer.name}'", attempt.number
        if layer.is_finished():
            _say(f"{name} finished{'' if code == 0 else f', but after that {ending}'}")
            self._finished.add(layer.name)
            return
        if layer.is_skipped():
            _say(f"{name} is skipped")
            self._finished.add(layer.name)
            return
        if self._stopping or self._failed:
            layer.note(number, "stopped")
            return
        layer.note(number, "failed")
        layer.record(number, ending)
        again = number < layer.retry.attempts and repeats(layer.retry, ending)
        _say(f"{name} failed{'' if again else ' for good'}: {ending}")
        if again:
            self._next[layer.name] = (number + 1, self.clock() + layer.retry.wait(number))
        else:
            self._fail()

    def _fail(self) -> None:
        """Stop all that runs: a layer failed for good."""
        self._failed = True
        for group, attempt in self._running.items():
            if not attempt.asked:
                self._ask(group, attempt)

    def _ask(self, group: int, attempt: _Attempt) -> None:
        """Ask a process to end, and kill it if it did not when it was asked before."""
        self.send(group, signal.SIGKILL if attempt.asked else signal.SIGTERM)
        attempt.asked, attempt.deadline = True, self.clock() + GRACE


def _say(text: str) -> None:
    sys.stdout.write(f"laminar: {text}\n")
    sys.stdout.flush()

"""Shows how far a rehearsal is: a line for each layer that is redrawn in a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self, TextIO

import attrs
from rich.console import Console
from rich.live import Live
from rich.table import Table

from laminar_codegen.rehearsal.aws import InvocationEvent, JobEvent
from laminar_codegen.rehearsal.printed import Printed
from laminar_runtime import indexes, task_environment
from laminar_runtime.process.output import printable

__all__ = ["Progress"]


@attrs.define
class _Layer:
    """What is known of a layer's jobs, and of its tasks on AWS Lambda."""

    begun: float
    #: When those that run began.
    _running: dict[tuple[str, int, int | None], float] = attrs.field(factory=dict)
    succeeded: int = 0
    failed: int = 0
    ended: float = 0.0
    seconds: float = 0.0

    def take(self, event: JobEvent, now: float) -> None:
        # What cannot be started fails without having run.
        attempt = (event.job_id, event.attempt, event.index)
        self.seconds += now - self._running.pop(attempt, now)
        match event.status:
            case "RUNNING":
                self._running[attempt] = now
            case "SUCCEEDED":
                self.succeeded += 1
            case "FAILED":
                self.failed += 1
        self.ended = now

    @property
    def running(self) -> int:
        """How many run."""
        return len(self._running)

    def __str__(self) -> str:
        counts = {"running": self.running, "done": self.succeeded, "failed": self.failed}
        return ", ".join(f"{number} {word}" for word, number in counts.items() if number)


@attrs.define
class _Attempts:
    """Counts the attempts of each task from 1, whatever makes them.

    The state machine submits another job for each attempt of a layer, and AWS Batch starts a job again that could not
    start.
    """

    _made: Counter[tuple[str, str, int | None]] = attrs.field(factory=Counter)
    _numbers: dict[tuple[str, int], int] = attrs.field(factory=dict)

    def number(self, event: JobEvent) -> int:
        """Return the number of the attempt that an event is about."""
        attempt = (event.job_id, event.attempt)
        if attempt not in self._numbers:
            task = (event.job_name, event.variables.get(task_environment.LAYER_INDEXES, ""), event.index)
            self._made[task] += 1
            # Where hooks choose containers, the job says which attempt it is.
            spelled = event.variables.get(task_environment.LAYER_ATTEMPT, "")
            named = int(spelled) if spelled.isdecimal() else event.attempt
            self._numbers[attempt] = max(self._made[task], named)
        return self._numbers[attempt]


class Progress:
    """Shows the jobs of a rehearsal while it runs, as a context manager.

    Args:
        flow: The flow's name, with which the names of its jobs begin.
        output: Where to show it.
        quiet: Whether what tasks print is not shown.
        own_paths: Puts the paths of the user's files in place of those of the image in what tasks print.
    """

    functions: Mapping[str, str]
    """What the tasks of each Lambda function that runs a layer are shown as: the names of jobs."""

    def __init__(
        self, flow: str, output: TextIO, *, quiet: bool = False, own_paths: Callable[[str], str] = str
    ) -> None:
        self._prefix = f"{flow}-"
        self._output = output
        self.functions = {}
        self._layers: dict[str, _Layer] = {}
        self._failures: list[JobEvent] = []
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self._live = _live(output) if output.isatty() else None
        self._attempts = _Attempts()
        self._quiet = quiet
        self.own_paths = own_paths
        self._printed = Printed(self._show)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        self._printed.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._printed.stop()
        if self._live is not None:
            self._live.stop()

    @property
    def failures(self) -> tuple[JobEvent, ...]:
        """The attempts that failed."""
        return tuple(self._failures)

    @property
    def runs(self) -> dict[str, int]:
        """How many tasks of each layer ran."""
        return {name: layer.succeeded + layer.failed for name, layer in self._layers.items()}

    @property
    def seconds(self) -> dict[str, float]:
        """How many seconds all tasks of each layer took."""
        return {name: layer.seconds for name, layer in self._layers.items()}

    def observe(self, event: JobEvent) -> None:
        """Take note of a job.

        Args:
            event: What happened to it.
        """
        with self._lock:
            if event.status == "STARTING":
                self._attempts.number(event)
                return
            event = attrs.evolve(event, attempt=self._attempts.number(event))
            now = time.monotonic() - self._start
            name = event.job_name.removeprefix(self._prefix)
            if event.status == "RUNNING":
                if not self._quiet:
                    self._printed.follow(_title(name, event), event.log)
            else:
                self._printed.finish(event.log)
            layer = self._layers.setdefault(name, _Layer(now))
            layer.take(event, now)
            if event.status == "FAILED":
                self._failures.append(event)
            if self._live is not None:
                self._live.update(_table(self._layers), refresh=True)
            elif event.index is None or event.status == "FAILED" or not layer.running:
                self._output.write(f"{now:7.1f}s  {name}: {layer}\n")
                self._output.flush()

    def _show(self, text: str) -> None:
        """Show lines that tasks printed, above the table where there is one."""
        text = self.own_paths(text)
        if self._live is not None:
            self._live.console.print(text, end="", markup=False, highlight=False, soft_wrap=True)
            return
        self._output.write(printable(text, self._output.encoding))
        self._output.flush()

    def observe_invocation(self, event: InvocationEvent) -> None:
        """Take note of a task on AWS Lambda, as of a job. What the planner is asked is none.

        Args:
            event: What happened to the invocation.
        """
        name = self.functions.get(event.function_name)
        if name is None:
            return
        request = json.loads(event.event)
        self.observe(
            JobEvent(
                job_id=event.request_id,
                job_name=name,
                index=request.get("child"),
                variables={task_environment.LAYER_INDEXES: request["indexes"]} if "indexes" in request else {},
                attempt=request.get("attempt", 1),
                status=event.status,
                reason=event.reason,
                log=event.log,
            )
        )


def _title(name: str, event: JobEvent) -> str:
    """Return the prefix of the lines of a task: its layer, its split if that is known, and its attempt after the first.

    Which splits an array job has may stand in the layer's plan only. A child that claims splits prints which one it
    runs.
    """
    spelled = event.variables.get(task_environment.LAYER_INDEXES, "")
    attempt = f" attempt {event.attempt}" if event.attempt > 1 else ""
    if task_environment.LAYER_CLAIMS in event.variables:
        return f"{name}{'' if event.index is None else f' child {event.index}'}{attempt}"
    if event.index is None or not spelled or spelled.startswith("@"):
        return f"{name}{attempt}"
    return f"{name}/{indexes.nth(spelled, event.index)}{attempt}"


def _live(output: TextIO) -> Live:
    return Live(console=Console(file=output), auto_refresh=False)


def _table(layers: dict[str, _Layer]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("layer", "jobs", "seconds"):
        table.add_column(heading)
    for name, layer in layers.items():
        table.add_row(name, str(layer), f"{layer.ended - layer.begun:.1f}")
    return table

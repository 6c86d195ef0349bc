"""The processes of a task that its own job stops after the timeout of its executor.

AWS Batch runs no job again that it stopped after the timeout of the job. So where a task is to run again after its
timeout, its job stops it a little earlier, and ends with an exit code after which AWS Batch starts it again. The layer
runs in a process of its own: whatever it does there, its supervisor has a clock, a client of the datastore and a hand
free. The first process of a container cannot end itself so: Linux keeps signals of its own container from it.
https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html
"""

from __future__ import annotations

import math
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

from laminar_runtime import _records, task_environment
from laminar_runtime.configurations.datastores import DataStore
from laminar_runtime.configurations.failures import FINAL
from laminar_runtime.exceptions import FlowError, layer_place
from laminar_runtime.layer import Layer
from laminar_runtime.splits import fanout
from laminar_runtime.task_environment import TaskContext
from laminar_runtime.tasks import attempt_processes, attempts, claims, task, task_process
from laminar_runtime.tasks.pack import GRACE, PERIOD, Processes
from laminar_runtime.tasks.worker import Ending, repeats
from laminar_runtime.tasks.worker_process import endings, record

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution
    from laminar_runtime.flow import Flow

__all__ = ["TimedTask", "run"]

#: The exit code of a job whose task may run again.
_AGAIN = 1
_SUCCESS = 0
_STOPS = (signal.SIGTERM, signal.SIGINT)


def run(flow: Flow, context: TaskContext, execution: Callable[[], Execution]) -> TaskContext:
    """Run one attempt at a task in a process, and stop it after the seconds that the environment names.

    Args:
        flow: The flow.
        context: The task.
        execution: Opens the execution. It is called in the process that supervises the other.

    Returns:
        The task, in its process. In the process that called it does not return.
    """
    with task_process.reporting(flow, context.layer):
        claims.check_layer(context, flow.classes)
        seconds = _seconds(os.environ.pop(task_environment.LAYER_TIMEOUT))

    def run_task(processes: Processes) -> int:
        return attempt_processes.report_errors(flow, lambda: _open(execution(), context, seconds, processes).run())

    return attempt_processes.supervise(run_task)


def _seconds(text: str) -> float:
    """Return the seconds of a value of `task_environment.LAYER_TIMEOUT`.

    Raises:
        FlowError: If they are none.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        name = task_environment.LAYER_TIMEOUT
        raise FlowError(f"the environment variable {name} must be a number of seconds above 0, not {text!r}")
    return seconds


def _open(execution: Execution, context: TaskContext, seconds: float, processes: Processes) -> TimedTask:
    context = fanout.resolve_index(execution.datastore, context)
    layer = execution.layer(context.layer, index=context.index, splits=context.splits)
    return TimedTask(store=execution.datastore, context=context, layer=layer, seconds=seconds, processes=processes)


@_records.define(eq=False, kw_only=True)
class TimedTask:
    """A task with a limit of its time.

    Args:
        store: The flow's datastore.
        context: The task.
        layer: Its layer.
        seconds: How long an attempt at it may run.
        processes: Runs processes.
        send: Sends a signal to a process group.
        clock: Returns the seconds since some moment.
    """

    store: DataStore
    context: TaskContext
    layer: Layer
    seconds: float
    processes: Processes
    send: Callable[[int, signal.Signals], None] = attempt_processes.send
    clock: Callable[[], float] = time.monotonic
    _process: int = 0
    _stopping: bool = False

    def run(self) -> int:
        """Run an attempt, and return the exit code of the job.

        It is 0 if the task has finished, 1 if AWS Batch is to start the job again, and `FINAL` if not.
        """
        # A signal that asks to stop ends the wait between attempts.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        if not task.has_finished(self.store, self.context.key, self.context):
            self.context = attempts.begin_attempt(self.store, self.context.key, self.context, self.layer)
        for number in _STOPS:
            signal.signal(number, self._stop)
        ending = self._wait_for(self.processes.start({}))
        if self._is_finished():
            return _SUCCESS
        if self._stopping:
            return 128 + signal.SIGTERM
        return self._fail(ending)

    def _is_finished(self) -> bool:
        """Return whether the task has finished: of a fan-out, its only split writes the record of the layer, too."""
        if not task.has_finished(self.store, self.context.key, self.context):
            return False
        whole = self.layer.configuration.foreach and self.context.splits == 1
        return not whole or self.store.ledger.read_record(self.context.key) is not None

    def _wait_for(self, process: int) -> Ending:
        """Wait for the end of the process of the attempt. Stop it if it does not end in time: first kindly."""
        self._process = process
        if self._stopping:  # the signal came before the process was known
            self.send(process, signal.SIGTERM)
        late, due = False, self.clock() + self.seconds
        while (ended := self.processes.wait(max(0.0, min(PERIOD, due - self.clock())))) is None:
            if self.clock() >= due:
                self.send(process, signal.SIGKILL if late else signal.SIGTERM)
                late, due = True, self.clock() + GRACE
        self._process = 0
        return Ending(ended[1], late, self.seconds if late else None)

    def _fail(self, ending: Ending) -> int:
        """Note and record that the attempt failed, and return the exit code of the job."""
        retry, number = self.layer.configuration.retry, self.context.attempt
        attempts.note_failure(self.store, self.context.key, self.context)
        record(self.store, {**os.environ, task_environment.LAYER_ATTEMPT: str(number)}, ending)
        again = number < retry.attempts and repeats(_records.copy(retry, on=tuple(endings(retry))), ending)
        where = layer_place(self.context.layer, self.context.index, self.context.splits)
        sys.stdout.write(f"laminar: {where} failed{'' if again else ' for good'}: {ending}\n")
        sys.stdout.flush()
        if ending.code == task_environment.UNFINISHED:
            return ending.code
        return _AGAIN if again else FINAL

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        """Pass on a signal that asks this process to stop, as AWS sends one before it reclaims capacity."""
        self._stopping = True
        if self._process:
            self.send(self._process, signal.Signals(number))

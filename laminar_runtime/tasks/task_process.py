"""The process of a task: it prints at once, reports the error of its task, and fails if the task was not run.

Whoever started it goes by its exit code and by the report. The flow's file may go on after its task failed, handle the
error, or never call the flow: the process fails all the same.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import sys
from types import TracebackType
from typing import TYPE_CHECKING

from laminar_runtime import task_environment
from laminar_runtime.exceptions import FlowError, UnfinishedError
from laminar_runtime.process.endings import Ended
from laminar_runtime.programs import loading
from laminar_runtime.task_environment import TaskContext
from laminar_runtime.tasks import attempts, claims

if TYPE_CHECKING:
    from laminar_runtime.flow import Flow

__all__ = ["reporting"]

#: The error of the task that this process ran, and whether it was reported, by the process: a forked process has its
#: parent's memory.
_errors: dict[int, tuple[Exception, bool]] = {}


class reporting:  # noqa: N801 - it is called in a with statement
    """Reports an error that leaves the ``with`` block, and makes the process fail.

    The report is the file that whoever started the process named. It is printed there, so that this process does not
    print the error. On AWS, the error is recorded in the datastore.

    Args:
        flow: The flow.
        layer: The name of the task's layer.
    """

    def __init__(self, flow: Flow, layer: str) -> None:
        self._flow, self._layer = flow, layer

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, (GeneratorExit, Ended)):
            return
        from laminar_runtime.failures import redaction, reports, tracebacks

        if (definition := self._flow.registry.get(self._layer)) is not None:
            redaction.hide(definition.configuration.container.secrets)
        tracebacks.trim(error)
        path = os.environ.get(task_environment.ERROR_FILE)
        if isinstance(error, Exception):
            _errors[os.getpid()] = error, bool(path)
        if path:
            from pathlib import Path

            reports.write(Path(path), error, attempt=int(os.environ.get(task_environment.LAYER_ATTEMPT) or 0))
            _replace_print(error, "")
        else:
            _replace_print(error, tracebacks.text(error) or f"{reports.reason_of(error)}\n")
        if task_environment.on_aws(os.environ):
            from laminar_runtime.tasks import failure_records

            failure_records.leave_error(error, self._flow.configuration.datastore)


def _replace_print(error: BaseException, shown: str) -> None:
    """Have Python print something else of an error that ends this process: without the frames that lead to the layer.

    Args:
        error: The error.
        shown: What is printed; empty if whoever started the process reads the report and prints that.
    """
    print_error = sys.excepthook

    def hook(kind: type[BaseException], value: BaseException, traceback: TracebackType | None) -> None:
        if value is not error:
            print_error(kind, value, traceback)
        else:
            sys.stderr.write(shown)

    sys.excepthook = hook


def _check_task() -> None:
    """Fail the process if its task failed or was not run."""
    if (ended := _errors.get(os.getpid())) is not None:
        from laminar_runtime.failures import reports, tracebacks

        error, reported = ended
        code = task_environment.UNFINISHED if isinstance(error, UnfinishedError) else None
        _fail(
            ""
            if reported or hasattr(sys, "last_value")
            else tracebacks.text(error) or f"{reports.message_of(error)}\n",
            code,
        )
    try:
        left = _is_left()
    except FlowError as wrong:
        # The environment names no task: the file went on after it heard so, or Python has printed it.
        from laminar_runtime.failures import reports

        _fail("" if hasattr(sys, "last_value") else f"{reports.reason_of(wrong)}\n")
    if not left:
        return
    flow, layer = os.environ[task_environment.FLOW_NAME], os.environ[task_environment.LAYER_NAME]
    fix = f"the file must call its flow before it uses results, for example 'if flow := {flow}(): flow()'"
    uncaught = getattr(sys, "last_value", None)
    why = f"layer '{layer}' did not run: {fix if uncaught is None else 'the file failed before it called its flow'}"
    if task_environment.on_aws(os.environ):
        from laminar_runtime.tasks import failure_records

        if uncaught is not None:  # as of an import that failed
            failure_records.leave_error(uncaught, None)
        else:
            failure_records.leave(os.environ, {"kind": "exited", "reason": why}, None)
    _fail(f"{why}\n")


def _is_left() -> bool:
    """Return whether this process is that of a task, and has not run it."""
    return claims.is_task_process() and task_environment.TAKEN not in os.environ and not loading.read_only()


def _fail(why: str, code: int | None = None) -> None:
    sys.stderr.write(why)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or attempts.exit_code())  # at its end a process can change its exit code in no other way


def _print_at_once() -> None:
    """Write each line when it ends, in an encoding that has all characters.

    The output of a task is for a log, not for a terminal. So Python would hold it back, and lose it if the process is
    killed; and a character that the locale does not have would fail the layer.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _report_uncaught() -> None:
    """Report an error of the file before it calls its flow, as of an import, in place of printing it.

    On AWS it is printed as errors of layers are: with the user's frames, and without the values of secrets. That the
    environment names no task is one line: no line of the file is wrong.
    """
    print_error = sys.excepthook

    def hook(kind: type[BaseException], value: BaseException, traceback: TracebackType | None) -> None:
        with contextlib.suppress(OSError, FlowError):
            if isinstance(value, Exception) and (_report_wrong_task(value) or (_is_left() and _report(value))):
                return
        print_error(kind, value, traceback)

    sys.excepthook = hook


def _report_wrong_task(error: Exception) -> bool:
    """Report that the environment names no task, if the error says so, and return whether that was done."""
    try:
        TaskContext.parse(os.environ)
    except FlowError as wrong:
        if type(error) is type(wrong) and str(error) == str(wrong):
            from laminar_runtime.failures import reports

            if not (os.environ.get(task_environment.ERROR_FILE) and _report(error)):
                sys.stderr.write(f"{reports.reason_of(error)}\n")
            return True
    return False


def _report(error: Exception) -> bool:
    """Report an error to whoever started this process, or to the log on AWS, and return whether that was done."""
    from laminar_runtime.failures import reports, tracebacks

    if path := os.environ.get(task_environment.ERROR_FILE):
        from pathlib import Path

        reports.write(Path(path), error)
        return True
    if not task_environment.on_aws(os.environ):
        return False
    sys.stderr.write(tracebacks.text(error) or f"{reports.reason_of(error)}\n")
    return True


if task_environment.LAYER_NAME in os.environ:
    _print_at_once()
    _report_uncaught()
    atexit.register(_check_task)

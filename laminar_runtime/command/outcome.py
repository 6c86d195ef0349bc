"""The end of an execution, as the commands that run one, or wait for one, report it."""

from __future__ import annotations

import sys
from collections.abc import Callable

from laminar_runtime.command.exits import Exit, of_status
from laminar_runtime.command.printing import failures_as_json, print_json, print_line, row_as_json, spell_duration
from laminar_runtime.command.targets import Row, Target
from laminar_runtime.exceptions import ExecutionFailedError, LaminarError, TimeLimitError, WaitTimeoutError

__all__ = ["describe", "finish", "report"]


def finish(target: Target, id: str, begin: Callable[[], object], *, as_json: bool) -> Exit:  # noqa: A002 - as users say it
    """Run an execution, or wait for it, and report how it ended.

    Args:
        target: The target.
        id: The execution's id.
        begin: Runs it to its end, or waits for that. If it fails, it raises an error.
        as_json: Whether to print JSON.

    Returns:
        The exit code.
    """
    try:
        begin()
    except Exception as error:
        if not _is_of_execution(error):
            raise
        sys.stderr.write(_text_of(error))
        sys.stderr.flush()
        return _print(target, id, as_json=as_json, failed=True)
    return _print(target, id, as_json=as_json)


def _print(target: Target, id: str, *, as_json: bool, failed: bool = False) -> Exit:  # noqa: A002 - the same
    if as_json:
        return report(target, id, as_json=True)
    row = target.row(id)
    if not failed:
        print_line(describe(row))
        return of_status(row.status)
    # The error has said it all. The status of a chain may be that of a flow before the one that failed.
    return of_status(row.status) or Exit.FAILED


def _is_of_execution(error: Exception) -> bool:
    """Return whether an error says how an execution ended; others say why a command is not possible.

    What a layer raised in a thread of this process is the user's own error, with our notes.
    """
    from laminar_runtime.failures.tracebacks import Note

    ended = isinstance(error, ExecutionFailedError | TimeLimitError | WaitTimeoutError)
    return ended or any(isinstance(note, Note) for note in getattr(error, "__notes__", ()))


def _text_of(error: Exception) -> str:
    """Return what happened: of our errors the text and the notes, of the user's own the traceback with their frames."""
    from laminar_runtime.failures import tracebacks

    if isinstance(error, LaminarError):
        lines = [str(error), *getattr(error, "__notes__", ())]
        return "laminar: " + "\n".join(lines) + "\n"
    return tracebacks.text(error)


def report(target: Target, id: str, *, as_json: bool) -> Exit:  # noqa: A002 - the same
    """Print how far an execution is and, if it did not succeed, why.

    Args:
        target: The target.
        id: The execution's id.
        as_json: Whether to print JSON.

    Returns:
        The exit code of its status.
    """
    row = target.row(id)
    failed = of_status(row.status) is Exit.FAILED
    failures = target.execution(id).failures() if failed else None
    if as_json:
        print_json({**row_as_json(row), "failures": None if failures is None else failures_as_json(failures)})
    else:
        print_line(describe(row))
        if failures is not None and failures.count:
            print_line(str(failures))
    return of_status(row.status)


def describe(row: Row) -> str:
    """Return how far an execution is, in one line.

    Args:
        row: The execution.
    """
    how = {"RUNNING": "for", "SUCCEEDED": "in"}.get(row.status, "after")
    took = "" if row.seconds is None else f" {how} {spell_duration(row.seconds)}"
    starter = f", started by {row.started_by}" if row.started_by else ""
    return f"execution {row.id} of {row.flow}: {row.status}{took}{starter}"

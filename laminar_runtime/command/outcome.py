"""The end of an execution, as the commands that run one, or wait for one, report it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable

from laminar_runtime.command.exits import Exit, of_status
from laminar_runtime.command.printing import failures_as_json, print_json, print_line, row_as_json, spell_duration
from laminar_runtime.command.targets import Row, Target
from laminar_runtime.exceptions import ExecutionFailedError, LaminarError, TimeLimitError, WaitTimeoutError
from laminar_runtime.timings import OUTCOMES, Attempt

__all__ = ["count_tasks", "describe", "finish", "report"]


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
        # What tasks print must not stand in the JSON.
        with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
            begin()
    except Exception as error:
        if not _is_of_execution(error):
            raise
        sys.stderr.write(_text_of(error, "" if target.here else f"laminar resume {target.words} {id}"))
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


def _text_of(error: Exception, resume: str) -> str:
    """Return what happened: of our errors the text and the notes, of the user's own the traceback with their frames.

    The command that resumes a deployed execution names it as the user did, such as ``rehearsal:nightly``.
    """
    from laminar_runtime.failures import tracebacks

    if isinstance(error, LaminarError):
        shown = str(error).splitlines()
        if resume and shown[-1].startswith("Resume it with"):
            shown[-1] = f"Resume it with: {resume}"
        lines = [*shown, *getattr(error, "__notes__", ())]
        return "laminar: " + "\n".join(lines) + "\n"
    return tracebacks.text(error)


def report(target: Target, id: str, *, as_json: bool, layers: bool = False) -> Exit:  # noqa: A002 - the same
    """Print how far an execution is and, if it did not succeed, why.

    Args:
        target: The target.
        id: The execution's id.
        as_json: Whether to print JSON.
        layers: Whether to count the tasks of each layer, too.

    Returns:
        The exit code of its status.
    """
    row = target.row(id)
    failed = of_status(row.status) is Exit.FAILED
    failures = target.execution(id).failures() if failed else None
    counts = count_tasks(target.execution(id).timings().attempts) if layers else None
    if as_json:
        found = None if failures is None else failures_as_json(failures)
        print_json({**row_as_json(row), "failures": found, **({} if counts is None else {"layers": counts})})
    else:
        print_line(describe(row))
        for layer, outcomes in (counts or {}).items():
            print_line(f"  {layer}: {', '.join(f'{count:,} {outcome}' for outcome, count in outcomes.items())}")
        if failures is not None and failures.count:
            print_line(str(failures))
    return of_status(row.status)


def count_tasks(attempts: Iterable[Attempt]) -> dict[str, dict[str, int]]:
    """Return how many tasks of each layer are how far: of several attempts at a split, the last one counts.

    Args:
        attempts: The attempts of an execution.

    Example:
        >>> attempts = [Attempt(layer="Train", index=index, outcome="succeeded") for index in range(3)]
        >>> count_tasks([*attempts, Attempt(layer="Train", index=2, attempt=2, outcome="running")])
        {'Train': {'running': 1, 'succeeded': 2}}
    """
    last: dict[tuple[str, int | None], Attempt] = {}
    for one in attempts:
        before = last.get((one.layer, one.index))
        if before is None or before.attempt <= one.attempt:
            last[one.layer, one.index] = one
    counts: dict[str, dict[str, int]] = {}
    for one in last.values():
        of_layer = counts.setdefault(one.layer, {})
        of_layer[one.outcome] = of_layer.get(one.outcome, 0) + 1
    return {layer: {name: found[name] for name in OUTCOMES if name in found} for layer, found in counts.items()}


def describe(row: Row) -> str:
    """Return how far an execution is, in one line.

    Args:
        row: The execution.
    """
    how = {"RUNNING": "for", "SUCCEEDED": "in"}.get(row.status, "after")
    took = "" if row.seconds is None else f" {how} {spell_duration(row.seconds)}"
    starter = f", started by {row.started_by}" if row.started_by else ""
    return f"execution {row.id} of {row.flow}: {row.status}{took}{starter}"

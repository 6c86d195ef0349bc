"""The lines that a rehearsal prints about an execution that failed."""

from __future__ import annotations

from laminar_codegen.rehearsal.failures import describe, has_traceback
from laminar_runtime.exceptions import ExecutionError, ExecutionFailedError, TimeLimitError
from laminar_runtime.failures.record import Failure, Failures

TRACEBACK = 'Traceback (most recent call last):\n  File "/image/main.py", line 3, in f\nValueError: no\n'
RAISED = Failure(
    flow="F",
    execution="e1",
    layer="A",
    reason="ValueError: no",
    attempt=2,
    traceback=TRACEBACK,
    frame="/image/main.py:3 in f",
    region="us-east-1",
    log_group="/a",
    log_stream="b",
)
KILLED = Failure(flow="F", execution="e1", layer="B", reason="out of memory", kind="out of memory")


def lines(error: ExecutionError, *, quiet: bool = False) -> list[str]:
    """Return the lines about an error."""
    return [*describe(error, lambda text: text.replace("/image/main.py", "flow.py"), quiet=quiet)]


def failed(*shown: Failure, count: int = 0, notes: tuple[str, ...] = ()) -> ExecutionFailedError:
    """Return the error of an execution."""
    failures = Failures(shown, count or len(shown), notes)
    first = f"execution e1 of 'F' ended FAILED: {failures}\nhttps://console"
    return ExecutionFailedError(first, execution="e1", status="FAILED", failures=failures)


def test_the_first_failure_and_the_others() -> None:
    """The traceback is in the output of the task, which was shown; there are no links to a console."""
    assert lines(failed(RAISED, KILLED, count=4, notes=("a note",))) == [
        "laminar-codegen: execution e1 of 'F' ended FAILED: layer 'A' of flow 'F' failed on attempt 2: ValueError: no",
        "  at flow.py:3 in f",
        "  layer 'B' of flow 'F' failed: out of memory",
        "  ... and 2 more",
        "  a note",
    ]


def test_quiet() -> None:
    """Without the output of tasks, the traceback is shown here."""
    assert lines(failed(RAISED), quiet=True)[1:] == [
        "  Traceback (most recent call last):",
        '    File "flow.py", line 3, in f',
        "  ValueError: no",
    ]


def test_whether_the_log_is_shown() -> None:
    """A task that was killed has left no traceback."""
    assert has_traceback(failed(RAISED))
    assert not has_traceback(failed(KILLED))
    assert not has_traceback(ExecutionError("no"))


def test_other_errors() -> None:
    """A time limit has what ran then; an error without failures is its message."""
    error = TimeLimitError("execution e1 did not end within 2 seconds\nlayer 'B' ...")
    assert lines(error) == ["laminar-codegen: execution e1 did not end within 2 seconds\nlayer 'B' ..."]
    error.failures = Failures((KILLED,), 1)
    assert lines(error) == [
        "laminar-codegen: execution e1 did not end within 2 seconds",
        "  layer 'B' of flow 'F' failed: out of memory",
    ]

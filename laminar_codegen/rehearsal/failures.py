"""The lines about an execution that failed in a rehearsal: why, where, and what the failed task left."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from laminar_runtime.exceptions import ExecutionError, ExecutionFailedError, TimeLimitError
from laminar_runtime.failures.record import Failure

__all__ = ["describe", "has_traceback"]


def describe(error: ExecutionError, own_paths: Callable[[str], str], *, quiet: bool) -> Iterator[str]:
    """Yield lines about an error, without links to a console, which does not have this execution.

    Args:
        error: The error of the wait for an execution.
        own_paths: Puts the paths of the user's files in place of those of the image.
        quiet: Whether the output of tasks was not shown, which has the traceback.
    """
    failures = error.failures if isinstance(error, ExecutionFailedError | TimeLimitError) else None
    if failures is None:
        yield f"laminar-codegen: {error}"
        return
    first, *others = failures
    yield f"laminar-codegen: {str(error).splitlines()[0]}"
    if isinstance(error, TimeLimitError):
        others = [first, *others]
    else:
        yield from (own_paths(line) for line in _details(first, quiet=quiet))
    for one in others:
        yield own_paths(f"  {one.headline}{f' (at {one.frame})' if one.frame else ''}")
    if failures.count > len(failures):
        yield f"  ... and {failures.count - len(failures)} more"
    yield from (f"  {note}" for note in failures.notes)


def has_traceback(error: ExecutionError) -> bool:
    """Return whether the first failure of an execution has a traceback, so that its log need not be shown.

    Args:
        error: The error of the wait for an execution.
    """
    failures = error.failures if isinstance(error, ExecutionFailedError) else None
    return failures is not None and bool(failures.shown[0].traceback)


def _details(failure: Failure, *, quiet: bool) -> Iterator[str]:
    if quiet and failure.traceback:
        yield from (f"  {line}" for line in failure.traceback.splitlines())
    elif failure.frame:
        yield f"  at {failure.frame}"

"""The record of a run by this process, and the command that resumes it."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from laminar_runtime import _records
from laminar_runtime.blocks import block
from laminar_runtime.exceptions import DatastoreError, TimeLimitError
from laminar_runtime.storage import runs

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution

__all__ = ["recording", "resume_hint", "resume_words"]


@block
def recording(execution: Execution) -> Iterator[None]:
    """Keep the record of a run that is the ``with`` block: when it begins, when it ends, and how.

    Args:
        execution: The execution.
    """
    key, storage = execution.key(""), execution.datastore.transport
    run = runs.begin(storage, key.flow, key.execution, resumes=execution.retry)
    status = "SUCCEEDED"
    try:
        yield
    except BaseException as error:
        status = "TIMED_OUT" if isinstance(error, TimeLimitError) else "FAILED"
        status = status if isinstance(error, Exception) else "ABORTED"
        raise
    finally:
        ended = _records.evolve(run, status=status, stopped=runs.now_in_ms())
        # The run has ended as it has, whether or not that can be noted.
        with contextlib.suppress(DatastoreError, OSError):
            runs.write(storage, key.flow, key.execution, ended)


def resume_hint(execution: Execution) -> str:
    """Return the line about how to resume an execution.

    Args:
        execution: The execution.
    """
    words = resume_words(execution)
    return f"Resume it with{':' if words.startswith('laminar') else ''} {words}"


def resume_words(execution: Execution) -> str:
    """Return what resumes an execution: a command, if another process can read the flow and the datastore.

    Args:
        execution: The execution.
    """
    target = None if execution.datastore.in_process else _target_of(execution)
    if target is None:
        return f'flow.execution("{execution.id}").resume()'
    return f"laminar resume {shlex.quote(target)} {execution.id}"


def _target_of(execution: Execution) -> str | None:
    """Return the flow as the command takes it, None if a file does not make it as this process has it."""
    from pathlib import Path

    from laminar_runtime.programs.main_guard import guarded_arguments
    from laminar_runtime.programs.origins import origin_of

    flow = type(execution.flow)
    origin = origin_of(flow)
    if origin is None or "<locals>" in flow.__qualname__:
        return None
    try:
        source = origin.file.read_bytes()
        configured = [*guarded_arguments(source, {flow.__name__})]
    except (OSError, SyntaxError, ValueError):
        return None
    if configured:
        return None
    here, file = Path(os.path.abspath("")), origin.file  # noqa: PTH100 - text is quicker
    shown = str(file.relative_to(here) if file.is_relative_to(here) else file)
    return shown if b".next(" in source or len(_flows_beside(flow)) < 2 else f"{shown}:{flow.__name__}"  # noqa: PLR2004


def _flows_beside(flow: type) -> set[type]:
    """Return the flows of a flow's module: more than one, if the command has to be given its name."""
    base = next(cls for cls in flow.__mro__ if cls.__module__ == "laminar_runtime.flow")
    found = vars(sys.modules[flow.__module__]).values() if flow.__module__ in sys.modules else ()
    return {one for one in found if isinstance(one, type) and issubclass(one, base) and one is not base}

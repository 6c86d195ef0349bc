"""The record of an execution's run on a machine: when it began and ended, how, and what started it.

A run on AWS has an execution of Step Functions for that. The record is written at the begin and at the end of a run. Of
a run that was killed the end is missing: the lock of the execution says that nobody runs it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, Literal, Protocol

from laminar_runtime import _records
from laminar_runtime.blocks import block
from laminar_runtime.exceptions import DamagedError, MissingError
from laminar_runtime.storage.failures import Readable
from laminar_runtime.storage.layout import run_key

__all__ = [
    "VERSION",
    "Run",
    "Starter",
    "Writable",
    "begin",
    "current_starter",
    "noting_starter",
    "now_in_ms",
    "read",
    "write",
]

#: The version of the form that this release writes.
VERSION = 1
#: What started an execution.
Starter = Literal["application", "command", "resume", "schedule", "event"]
_STATUSES = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")

_starter: ContextVar[Starter] = ContextVar("laminar_starter", default="application")


@_records.frozen(kw_only=True)
class Run:
    """A run of an execution on a machine.

    Args:
        status: How far it is, or how it ended.
        created: When the execution was started first, in milliseconds since 1970.
        started: When this run began.
        stopped: When it ended; None if it runs, or was killed.
        started_by: What started it.
        process: The number of its process.
        machine: The name of its machine.
        cause: Why it was stopped, if someone said so.
    """

    status: str
    created: int
    started: int
    stopped: int | None = None
    started_by: str = "application"
    process: int = 0
    machine: str = ""
    cause: str = ""

    def dumps(self) -> bytes:
        """Return the record as JSON."""
        return json.dumps({"version": VERSION, **_records.plain(self)}).encode()

    @classmethod
    def loads(cls, content: bytes, *, key: str) -> Run:
        """Read a record. Anyone who can write to the datastore may have written it.

        Args:
            content: The JSON.
            key: Its address, for the error.

        Raises:
            DamagedError: If it is no such record.
        """
        try:
            found = json.loads(content)
            run = cls(**{name: found[name] for name in cls.__annotations__ if name in found})
            numbers = (run.created, run.started, 0 if run.stopped is None else run.stopped, run.process)
            texts = (run.started_by, run.machine, run.cause)
            if run.status not in _STATUSES or any(type(one) is not int for one in numbers):
                raise ValueError("it has another form")
            if not all(isinstance(one, str) for one in texts):
                raise ValueError("it has another form")
        except (KeyError, RecursionError, TypeError, ValueError) as error:
            raise DamagedError(f"{key} is damaged: {error}") from error
        return run


class Writable(Readable, Protocol):
    """What notes on runs take of a transport."""

    def put(self, key: str, *parts: Any) -> None:
        """Store an object."""


@block
def noting_starter(starter: Starter) -> Iterator[None]:
    """Note in the records of runs what started them, for the runs of the ``with`` block.

    Args:
        starter: What starts them.
    """
    token = _starter.set(starter)
    try:
        yield
    finally:
        _starter.reset(token)


def current_starter() -> Starter:
    """Return what starts the executions that this code starts."""
    return _starter.get()


def begin(storage: Writable, flow: str, execution: str, *, resumes: bool) -> Run:
    """Write the record of a run that begins.

    Args:
        storage: The transport of the datastore.
        flow: The flow's name.
        execution: The execution's id.
        resumes: Whether the run resumes the execution.

    Returns:
        The record.
    """
    before, now = (read(storage, flow, execution) if resumes else None), now_in_ms()
    run = Run(
        status="RUNNING",
        created=before.created if before else now,
        started=now,
        started_by="resume" if resumes else current_starter(),
        process=os.getpid(),
        machine=os.uname().nodename,
    )
    write(storage, flow, execution, run)
    return run


def write(storage: Writable, flow: str, execution: str, run: Run) -> None:
    """Write the record of a run.

    Args:
        storage: The transport of the datastore.
        flow: The flow's name.
        execution: The execution's id.
        run: The record.
    """
    storage.put(run_key(flow, execution), run.dumps())


def read(storage: Readable, flow: str, execution: str) -> Run | None:
    """Read the record of the last run of an execution.

    Args:
        storage: The transport of the datastore.
        flow: The flow's name.
        execution: The execution's id.

    Returns:
        The record; None if there is none, as of a run by an earlier release, or it is damaged.
    """
    key = run_key(flow, execution)
    try:
        return Run.loads(storage.get(key), key=key)
    except (DamagedError, MissingError):
        return None


def now_in_ms() -> int:
    """Return the time, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000

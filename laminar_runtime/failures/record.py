"""The record of a failure: why an attempt at a task failed, as data that every kind of run leaves in the same form.

A record is JSON, not a pickle, so it cannot run code in the process that reads it. It has texts of an error, but no
variables, of the environment or of a frame, and its size has a bound. `docs/reference/failures.md` has all fields.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args

from laminar_runtime import _records
from laminar_runtime.exceptions import DamagedError, layer_place
from laminar_runtime.failures import console
from laminar_runtime.failures.redaction import escape, one_line, shorten, without_middle

__all__ = ["KINDS", "LARGEST", "VERSION", "Failure", "Failures", "Kind", "spell_time"]

#: The version of the form that this release writes. It reads this version and all earlier ones.
VERSION = 1
#: The most bytes of a record that are read. What is written is below it: a character has 6 bytes at most.
LARGEST = 512 * 1024

Kind = Literal[
    "error",
    "exited",
    "out of memory",
    "timed out",
    "reclaimed",
    "not placed",
    "image not pulled",
    "permission denied",
    "not started",
    "unfinished",
    "stopped",
    "execution timed out",
    "execution aborted",
]
#: The kinds of failures: the layer's own code raised, its process exited, or the task ended from outside.
KINDS: tuple[Kind, ...] = get_args(Kind)

#: The most characters of a message, and of a traceback.
_MESSAGE, _TRACEBACK = 8_192, 32_768
#: The most characters of any other text.
_OTHER = 1_000


@_records.frozen(kw_only=True)
class Failure:
    """Why an attempt at a task failed, or why an execution did if that was no task.

    Args:
        flow: The flow's name; empty if unknown.
        execution: The execution's id.
        layer: The layer's name; empty if no layer failed.
        reason: What happened, in one line.
        kind: What kind of failure it is, such as ``error`` or ``out of memory``: see the reference of failures.
        index: The split's index, from 0.
        splits: The number of splits of the layer.
        attempt: The attempt that failed, from 1; 0 if unknown.
        time: When it failed, in UTC, as ``2026-01-31T23:59:59.123Z``; empty if unknown. These texts sort by time.
        error_class: The name of the error's class with its module, as in a traceback; empty if no error was reported.
        message: The error's message.
        traceback: Its traceback as text, with the user's frames.
        frame: The user's last frame, as ``file:line in function``.
        exit_code: The exit code of the task's process, negative for the signal that ended it; None if unknown.
        job: The id of the AWS Batch job, or of the request of the AWS Lambda function.
        start: Which start of the job it was, from 1; 0 if unknown.
        region: The AWS region of the job.
        log_group: The log group of its output in CloudWatch Logs.
        log_stream: The log stream there.
        drive: The resume or redrive of a deployed execution that it belongs to; empty before the first one.

    Example:
        >>> failure = Failure(flow="Report", execution="e1", layer="Train", reason="ValueError: no luck", splits=9)
        >>> print(failure.headline)
        layer 'Train' (split 0 of 0 to 8) of flow 'Report' failed: ValueError: no luck
        >>> Failure.from_json(failure.to_json()) == failure
        True
    """

    flow: str
    execution: str
    layer: str
    reason: str
    kind: Kind = "error"
    index: int = 0
    splits: int = 1
    attempt: int = 0
    time: str = ""
    error_class: str = ""
    message: str = ""
    traceback: str = ""
    frame: str = ""
    exit_code: int | None = None
    job: str = ""
    start: int = 0
    region: str = ""
    log_group: str = ""
    log_stream: str = ""
    drive: str = ""

    @property
    def out_of_memory(self) -> bool:
        """Whether memory was not enough: the task was killed for it, or Python raised a `MemoryError`."""
        return self.kind == "out of memory" or self.error_class == "MemoryError"

    @property
    def place(self) -> str:
        """The layer, the split of how many, the flow and the attempt, in one line."""
        if not self.layer:
            return f"execution {self.execution}"
        where = layer_place(self.layer, self.index, self.splits)
        flow = f" of flow '{self.flow}'" if self.flow else ""
        return f"{where}{flow} failed{f' on attempt {self.attempt}' if self.attempt else ''}"

    @property
    def headline(self) -> str:
        """The place and the reason, in one line."""
        return escape(f"{self.place}: {self.reason}")

    @property
    def log_link(self) -> str:
        """The address of the log stream in the console of AWS; empty if the stream or the region is unknown."""
        return console.log_link(self.region, self.log_group, self.log_stream)

    def __str__(self) -> str:
        stream = f"{self.log_group} {self.log_stream}".strip() if self.log_stream else ""
        lines = [f"  at {self.frame}" if self.frame else "", f"  log stream: {stream}" if stream else ""]
        link = self.log_link
        # Any code of a task may have written the record.
        return escape("\n".join([self.headline, *filter(None, lines), *([f"  {link}"] if link else [])]))

    def to_json(self) -> bytes:
        """Return the record as JSON: fields with their defaults are left out, and long texts lose their middle."""
        known = {name: value for name, value in _records.plain(self).items() if value != _DEFAULTS.get(name)}
        texts = {name: _shorten_field(name, value) for name, value in known.items() if isinstance(value, str)}
        written = json.dumps({"version": VERSION, **known, **texts}, ensure_ascii=False)
        # UTF-8 has no lone surrogates. Their escape is that of JSON, too.
        return written.encode("utf-8", "backslashreplace")

    @classmethod
    def from_json(cls, content: bytes | str, *, key: str = "the record of a failure") -> Failure:
        """Read a record. Any code of a task may have written it, so all of it is checked.

        Args:
            content: The JSON.
            key: Its address, for the error.

        Raises:
            DamagedError: If it is not a record, or has a newer form.
        """
        try:
            if len(content) > LARGEST:
                raise ValueError(f"it has {len(content)} bytes, more than {LARGEST}")
            found = json.loads(content)
            version = found["version"] if isinstance(found, dict) else None
            if not isinstance(version, int) or isinstance(version, bool):
                raise TypeError("it has no version")
            if version > VERSION:
                raise ValueError(f"it has form {version}: a newer release wrote it")
            return cls(**_fields(found))
        except (KeyError, RecursionError, TypeError, ValueError) as error:
            raise DamagedError(f"{key} is damaged: {error}") from error


_DEFAULTS: dict[str, Any] = _records.defaults(Failure)
_NUMBERS = {"index", "splits", "attempt", "start", "exit_code"}


def _shorten_field(name: str, text: str) -> str:
    match name:
        case "reason":
            return one_line(text)
        case "message" | "traceback":
            return shorten(text, _MESSAGE if name == "message" else _TRACEBACK)
        case "error_class" | "frame":
            return shorten(text, _OTHER)
        case _:
            return without_middle(text, _OTHER)


def _fields(found: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a record, of the types that they must have. Unknown ones are left out."""
    known = {name: found[name] for name in Failure.__annotations__ if name in found}
    for name, value in known.items():
        if name in _NUMBERS:
            if type(value) is not int and not (value is None and name == "exit_code"):
                raise TypeError(f"its {name} is {value!r}, not a whole number")
        elif not isinstance(value, str):
            raise TypeError(f"its {name} is {value!r}, not a text")
    if known.get("kind", "error") not in KINDS:
        raise ValueError(f"its kind {known['kind']!r} is unknown")
    return known


def spell_time(seconds: float) -> str:
    """Return a time as records have it: in UTC, with milliseconds.

    Args:
        seconds: Seconds since the epoch.

    Example:
        >>> spell_time(1_000_000_000.5)
        '2001-09-09T01:46:40.500Z'
    """
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{int(seconds % 1 * 1000):03}Z"


@_records.frozen
class Failures:
    """The failures of an execution: the first of them, and how many there are.

    Args:
        shown: The first failures: one for each layer, or split, that failed.
        count: How many there are.
        notes: What could not be read, a line for each.
        link: The address of a deployed execution in the console of AWS; empty if unknown.

    Example:
        >>> first = Failure(flow="Report", execution="e1", layer="Load", reason="KeyError: 'day'")
        >>> print(Failures((first,), 3))
        layer 'Load' of flow 'Report' failed: KeyError: 'day'
        ... and 2 more failures
    """

    shown: tuple[Failure, ...] = ()
    count: int = 0
    notes: tuple[str, ...] = ()
    link: str = ""

    def __iter__(self) -> Iterator[Failure]:
        return iter(self.shown)

    def __len__(self) -> int:
        return len(self.shown)

    def __str__(self) -> str:
        left = self.count - len(self.shown)
        more = [f"... and {left} more failure{'s' if left != 1 else ''}"] if left > 0 else []
        return "\n".join([*map(str, self.shown), *more, *self.notes])

    def to_json(self) -> bytes:
        """Return the failures as JSON: each as its record, with how many there are, the notes and the link."""
        shown = [json.loads(one.to_json()) for one in self.shown]
        known = {"version": VERSION, "failures": shown, "count": self.count, "notes": [*self.notes], "link": self.link}
        return json.dumps(known, ensure_ascii=False).encode("utf-8", "backslashreplace")

    @classmethod
    def from_json(cls, content: bytes | str) -> Failures:
        """Read what `to_json` wrote.

        Args:
            content: The JSON.

        Raises:
            DamagedError: If it is something else.
        """
        try:
            found = json.loads(content)
            shown = tuple(Failure.from_json(json.dumps(one), key="a failure") for one in found["failures"])
            return cls(shown, int(found["count"]), tuple(map(str, found["notes"])), str(found.get("link", "")))
        except (LookupError, RecursionError, TypeError, ValueError) as error:
            raise DamagedError(f"the failures of an execution are damaged: {error}") from error

    @classmethod
    def of(cls, found: Iterable[Failure], *, most: int, notes: Iterable[str] = ()) -> Failures:
        """Return failures, of which the first ones are shown.

        Args:
            found: All failures.
            most: How many are shown.
            notes: What could not be read.
        """
        listed = list(found)
        return cls(tuple(listed[:most]), len(listed), tuple(notes))

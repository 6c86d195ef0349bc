"""Error reports, which a task's process writes for the process that started it.

A report is JSON, not a pickle, so it cannot run code in the process that reads it. Its size is limited.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records
from laminar_runtime.failures import tracebacks
from laminar_runtime.failures.redaction import escape, shorten

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Report", "class_name", "message_of", "read", "reason_of", "write"]

#: The most bytes of a report that are read. The texts of a report are limited, and a character has at most 6 bytes.
_LARGEST = 2**20
#: The most characters of the name of a class, and of a frame.
_NAME = 1_000


@_records.frozen(kw_only=True)
class Report:
    """The error of a task, as data.

    Args:
        reason: The name of the error's class without the module, and its message.
        error_class: The name of the error's class with the module.
        traceback: The traceback, with those of its causes and all notes; empty if the error has neither.
        attempt: The attempt that failed, from 1; 0 if unknown.
        message: The error's message.
        frame: The user's last frame, as ``file:line in function``.
    """

    reason: str
    error_class: str = ""
    traceback: str = ""
    attempt: int = 0
    message: str = ""
    frame: str = ""

    @classmethod
    def of(cls, error: BaseException, *, attempt: int = 0) -> Report:
        """Return the report of an error.

        Args:
            error: The error.
            attempt: The attempt that failed, from 1; 0 if unknown.
        """
        return cls(
            reason=reason_of(error),
            error_class=class_name(error),
            traceback=tracebacks.text(error),
            attempt=attempt,
            message=message_of(error),
            frame=shorten(tracebacks.last_frame(error), _NAME),
        )

    @property
    def facts(self) -> dict[str, str]:
        """What a `TaskError` has of it, beside the reason."""
        names = ("error_class", "traceback", "message", "frame")
        return {name: getattr(self, name) for name in names}


def class_name(error: BaseException) -> str:
    """Return the name of an error's class with its module, as in a traceback.

    Args:
        error: The error.

    Example:
        >>> class_name(ValueError()), class_name(json.JSONDecodeError("", "", 0))
        ('ValueError', 'json.decoder.JSONDecodeError')
    """
    cls = type(error)
    known = cls.__module__ in {"builtins", "__main__"}
    return shorten(cls.__qualname__ if known else f"{cls.__module__}.{cls.__qualname__}", _NAME)


def reason_of(error: BaseException) -> str:
    """Return the name of an error's class, and its message if it has one.

    Args:
        error: The error.

    Example:
        >>> reason_of(ValueError("no luck")), reason_of(KeyError())
        ('ValueError: no luck', 'KeyError')
    """
    return escape(shorten(": ".join(part for part in (type(error).__name__, message_of(error)) if part)))


def message_of(error: BaseException) -> str:
    """Return the message of an error.

    Args:
        error: The error.
    """
    try:
        return shorten(str(error))
    except Exception as broken:  # noqa: BLE001 - the user's __str__ fails, but the error must be reported
        return f"(str() of this error raises {type(broken).__name__})"


def write(path: Path, error: BaseException, *, attempt: int = 0) -> None:
    """Write a report atomically: a task that is killed meanwhile leaves no half report.

    Args:
        path: The file.
        error: The error.
        attempt: The attempt that failed, from 1; 0 if unknown.
    """
    aside = path.with_name(f"{path.name}.part")
    report = Report.of(error, attempt=attempt)
    written = json.dumps(_records.plain(report), ensure_ascii=False)
    # UTF-8 has no lone surrogates. Their escape is that of JSON, too.
    aside.write_bytes(written.encode("utf-8", "backslashreplace"))
    aside.replace(path)


def read(path: Path) -> Report | None:
    """Read a report.

    Args:
        path: The file.

    Returns:
        The report, None if the file does not exist. Any code of a container may have written the file: if it is not a
        report, the reason says so.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST)
    except FileNotFoundError:
        return None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    fields = found if isinstance(found, dict) else {}
    reason = _text(fields, "reason")
    if not reason:
        return Report(reason=f"the task's error report ({len(content)} bytes) is not valid")
    return Report(
        reason=reason,
        error_class=_text(fields, "error_class"),
        traceback=_text(fields, "traceback"),
        attempt=_number(fields, "attempt"),
        message=_text(fields, "message"),
        frame=_text(fields, "frame"),
    )


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else ""


def _number(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    return value if type(value) is int and 0 <= value < _LARGEST else 0

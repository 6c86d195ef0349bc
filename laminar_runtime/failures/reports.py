"""Reports of errors: how the error of a task gets from its process to the one that started it, as data.

A report is JSON. It is never pickled, so what a task raises runs nothing in the process that reads of it. It is
bounded, whatever the error holds.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records
from laminar_runtime.failures import tracebacks

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Report", "class_name", "read", "reason_of", "write"]

#: The bytes of a report that are read: texts of a report are bounded, and JSON writes a character in 12 bytes at most.
_LARGEST = 2**20


@_records.frozen(kw_only=True)
class Report:
    """What is told of the error of a task.

    Args:
        reason: The name of its class without the module, and its message.
        error_class: The name of its class with the module.
        traceback: Its traceback, with those of the errors that led to it and all notes; empty if there is none.
        attempt: The attempt that failed, from 1; 0 if that is not known.
    """

    reason: str
    error_class: str = ""
    traceback: str = ""
    attempt: int = 0


def class_name(error: BaseException) -> str:
    """Return the name of an error's class with its module, as tracebacks have it.

    Args:
        error: The error.

    Example:
        >>> class_name(ValueError()), class_name(json.JSONDecodeError("", "", 0))
        ('ValueError', 'json.decoder.JSONDecodeError')
    """
    cls = type(error)
    known = cls.__module__ in {"builtins", "__main__"}
    return cls.__qualname__ if known else f"{cls.__module__}.{cls.__qualname__}"


def reason_of(error: BaseException) -> str:
    """Return the name of an error's class, and its message if it has one.

    Args:
        error: The error.

    Example:
        >>> reason_of(ValueError("no luck")), reason_of(KeyError())
        ('ValueError: no luck', 'KeyError')
    """
    try:
        message = str(error)
    except Exception as broken:  # noqa: BLE001 - a class of the user's, whose error is told all the same
        message = f"(its message cannot be told: {type(broken).__name__})"
    return tracebacks.shortened(": ".join(part for part in (type(error).__name__, message) if part))


def write(path: Path, error: BaseException, *, attempt: int = 0) -> None:
    """Write a report, whole or not at all: of a task that is killed here half a report would be read.

    Args:
        path: The file.
        error: The error.
        attempt: The attempt that failed, from 1; 0 if that is not known.
    """
    aside = path.with_name(f"{path.name}.part")
    told = Report(
        reason=reason_of(error), error_class=class_name(error), traceback=tracebacks.text(error), attempt=attempt
    )
    # Lone surrogates, which no file of UTF-8 holds, are escaped by JSON.
    aside.write_text(json.dumps(_records.plain(told)), encoding="utf-8")
    aside.replace(path)


def read(path: Path) -> Report | None:
    """Read a report.

    Args:
        path: The file.

    Returns:
        The report, None if there is no file. Any code of a container may have written it: what is no report is told as
        the reason.
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
        return Report(reason=f"its error report of {len(content)} bytes cannot be read")
    return Report(
        reason=reason,
        error_class=_text(fields, "error_class"),
        traceback=_text(fields, "traceback"),
        attempt=_number(fields, "attempt"),
    )


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else ""


def _number(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    return value if type(value) is int and 0 <= value < _LARGEST else 0

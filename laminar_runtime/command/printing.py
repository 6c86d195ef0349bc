"""What commands print: lines for people, or JSON for programs, whose forms docs/reference/laminar.md has."""

from __future__ import annotations

import json
import sys
from typing import Any

from laminar_runtime.command.targets import Row
from laminar_runtime.failures.record import Failures, spell_time

__all__ = ["failures_as_json", "print_json", "print_line", "row_as_json", "spell_bytes", "spell_duration", "spell_ms"]


def print_line(text: str = "") -> None:
    r"""Print a line. Characters that the output's encoding does not have are escaped.

    Args:
        text: The line.
    """
    from laminar_runtime.process.output import printable

    sys.stdout.write(printable(f"{text}\n", sys.stdout.encoding))


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value as JSON.

    Args:
        value: The value.
        indent: The indentation; None for one line.
    """
    sys.stdout.write(f"{json.dumps(value, indent=indent)}\n")


def spell_ms(milliseconds: int | None) -> str | None:
    """Return a time in UTC, as ``2026-01-31T23:59:59.123Z``.

    Args:
        milliseconds: The milliseconds since 1970; None if the time is unknown.
    """
    return None if milliseconds is None else spell_time(milliseconds / 1000)


def spell_duration(seconds: float) -> str:
    """Return a duration for people.

    Args:
        seconds: The seconds.

    Example:
        >>> [spell_duration(seconds) for seconds in (0.31, 75, 3_700, 90_000)]
        ['0.3 s', '1 min 15 s', '1 h 1 min', '1 d 1 h']
    """
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    place = next(number for number, (_, size) in enumerate(units) if seconds >= size)
    whole, rest = divmod(int(seconds), units[place][1])
    name, size = units[place + 1]
    return f"{whole} {units[place][0]} {rest // size} {name}"


def spell_bytes(number: int) -> str:
    """Return a number of bytes for people.

    Args:
        number: The bytes.

    Example:
        >>> [spell_bytes(number) for number in (1, 999, 1_500, 2_340_000_000)]
        ['1 byte', '999 bytes', '1.5 kB', '2.3 GB']
    """
    if number < 1000:  # noqa: PLR2004 - a kilobyte
        return f"{number} byte{'' if number == 1 else 's'}"
    units = ("kB", "MB", "GB", "TB", "PB")
    place = min((len(str(number)) - 1) // 3, len(units))
    return f"{number / 1000**place:.1f} {units[place - 1]}"


def row_as_json(row: Row) -> dict[str, Any]:
    """Return an execution as a JSON value.

    Args:
        row: The execution.
    """
    return {
        "id": row.id,
        "flow": row.flow,
        "status": row.status,
        "created": spell_ms(row.created),
        "stopped": spell_ms(row.stopped),
        "seconds": row.seconds,
        "started_by": row.started_by or None,
    }


def failures_as_json(failures: Failures) -> dict[str, Any]:
    """Return failures as a JSON value, each as the record that `Failure.to_json` writes.

    Args:
        failures: The failures.
    """
    found: dict[str, Any] = json.loads(failures.to_json())
    return found

"""The failures of a task that a `Retry` may name: by class, by exit code, or by reason; and how many are tolerated."""

from __future__ import annotations

from typing import Any

from laminar_runtime import _records
from laminar_runtime.exceptions import LayerError

__all__ = ["FINAL", "OUT_OF_MEMORY", "REASONS", "RECLAIMED", "TIMED_OUT", "check_failures", "shell_code", "tolerable"]

#: The exit code of a task whose layer failed and does not run again.
FINAL = 79
#: The reasons by which a task ends from outside.
REASONS = OUT_OF_MEMORY, RECLAIMED, TIMED_OUT = "out of memory", "reclaimed", "timed out"
_CODES = range(1, 256)


def check_failures(_: object, __: _records.Field, value: Any) -> None:
    """Validate the failures after which a task runs again.

    Raises:
        LayerError: If one of them is not a class, an exit code or a reason.
    """
    if not isinstance(value, tuple):
        raise LayerError(f"the failures of Retry(on=...) must be a tuple, as in on=(TimeoutError, 75), not {value!r}")
    for item in value:
        if isinstance(item, type) and issubclass(item, SystemExit):
            msg = f"Retry(on=...) cannot name {item.__name__}: name the exit code, as in on=(75,) for sys.exit(75)"
            raise LayerError(msg)
        if isinstance(item, type) and issubclass(item, BaseException):
            continue
        if isinstance(item, int) and not isinstance(item, bool) and item in _CODES and item != FINAL:
            continue
        if isinstance(item, str) and item in REASONS:
            continue
        msg = (
            f"Retry(on=...) takes classes of exceptions, exit codes from 1 to 255 except {FINAL}, and the reasons "
            f"{', '.join(map(repr, REASONS))}, not {item!r}"
        )
        raise LayerError(msg)


def shell_code(code: int) -> int:
    """Return an exit code as shells, containers and AWS Batch say it: 128 and the signal that ended the process.

    Args:
        code: The exit code as Python says it, negative for a signal.

    Example:
        >>> shell_code(-11), shell_code(139), shell_code(75)
        (139, 139, 75)
    """
    return 128 - code if code < 0 else code


def tolerable(tolerated: float | None, splits: int) -> int:
    """Return how many splits may fail without failing the fan-out.

    Args:
        tolerated: A number of splits; a share of all splits, between 0 and 1, if it is a float; None for no split.
        splits: The number of splits.

    Example:
        >>> tolerable(3, 100), tolerable(0.05, 100), tolerable(0.05, 19), tolerable(None, 100)
        (3, 5, 0, 0)
    """
    if tolerated is None or isinstance(tolerated, int):
        return tolerated or 0
    # 0.29 * 100 is 28.999...
    return int(round(tolerated * splits, 9))

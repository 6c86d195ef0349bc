"""The results of a benchmark: rows, each with our figure, that of a baseline, and a goal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

__all__ = ["Row", "Target", "at_most", "both", "faster", "memory_at_most", "ratio_at_most", "slower_by_at_most"]


@attrs.frozen
class Target:
    """A goal.

    Args:
        text: The target in words.
        met: Whether a row reaches it.
    """

    text: str
    met: Callable[[Row], bool]


@attrs.frozen
class Row:
    """One comparison.

    Args:
        subject: The subject of the measurement.
        candidate: Our figure: the median.
        baseline: The baseline's median; None if there is no baseline.
        against: The name of the baseline.
        memory: Our largest peak memory, in MiB, 0 if it was not measured.
        against_memory: The baseline's.
        unit: The unit of the figures.
        target: The goal.
        runs: The number of runs of the medians, ours and the baseline's.
        processor: The median of the seconds of a processor that the runs took, ours and the baseline's: a busy machine
            does not blur it.
        note: A note for readers.
    """

    subject: str
    candidate: float
    baseline: float | None
    against: str
    memory: float = 0.0
    against_memory: float = attrs.field(default=0.0, kw_only=True)
    unit: str = attrs.field(default="s", kw_only=True)
    target: Target | None = attrs.field(default=None, kw_only=True)
    runs: tuple[int, int] = attrs.field(default=(0, 0), kw_only=True)
    processor: tuple[float, float] = attrs.field(default=(0.0, 0.0), kw_only=True)
    note: str = attrs.field(default="", kw_only=True)

    @property
    def ratio(self) -> float | None:
        """Our figure divided by the baseline's."""
        return None if not self.baseline else self.candidate / self.baseline

    @property
    def met(self) -> bool | None:
        """Whether the target is reached, None if there is none."""
        return None if self.target is None else self.target.met(self)

    def plain(self) -> dict[str, Any]:
        """Return the row as plain values."""
        values = attrs.asdict(self, filter=lambda attribute, _: attribute.name != "target")
        return {**values, "ratio": self.ratio, "target": self.target.text if self.target else None, "met": self.met}

    def __str__(self) -> str:
        memory = f", {self.memory:4.0f} MiB" if self.memory else ""
        text = f"{self.subject:<40} {figure(self.candidate, self.unit):>12}{memory}"
        if self.ratio is not None and self.baseline is not None:
            text += f"   {_times(self.ratio)} {self.against} ({figure(self.baseline, self.unit)})"
        if self.processor[1]:
            text += f", {self.processor[0] / self.processor[1]:.3f} x by processor time"
        if self.target is not None:
            text += f"   {'met' if self.met else 'MISSED'}: {self.target.text}"
        return text + (f"   ({self.note})" if self.note else "")


def figure(value: float, unit: str) -> str:
    """Return a figure for people.

    Example:
        >>> figure(0.0123, "s")
        '12.3 ms'
    """
    if unit != "s":
        return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"  # noqa: PLR2004 - three digits
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.1f} ms"


def _times(ratio: float) -> str:
    return f"{ratio:.3f} x" if ratio >= 0.01 else f"1/{1 / ratio:.0f} x"  # noqa: PLR2004 - readable either way


def at_most(value: float, unit: str = "s") -> Target:
    """Return the goal that our figure is at most a value."""
    return Target(f"at most {figure(value, unit)}", lambda row: row.candidate <= value)


def slower_by_at_most(seconds: float) -> Target:
    """Return the goal that our figure is at most that many seconds over the baseline's."""
    return Target(
        f"at most {figure(seconds, 's')} over the baseline",
        lambda row: row.baseline is not None and row.candidate - row.baseline <= seconds,
    )


def faster(times: float) -> Target:
    """Return the goal that we are that many times faster than the baseline."""
    return Target(f"{times:g}x faster", lambda row: row.baseline is not None and row.baseline >= times * row.candidate)


def ratio_at_most(ratio: float) -> Target:
    """Return the goal that our figure is at most that many times the baseline's."""
    return Target(f"at most {ratio:g}x", lambda row: row.baseline is not None and row.candidate <= ratio * row.baseline)


def memory_at_most(mebibytes: float) -> Target:
    """Return the goal that our peak memory is at most a value."""
    return Target(f"at most {mebibytes:g} MiB", lambda row: row.memory <= mebibytes)


def both(*targets: Target) -> Target:
    """Return the goal of reaching all of some goals."""
    return Target(", ".join(target.text for target in targets), lambda row: all(target.met(row) for target in targets))

"""The progress display of a local run: a table in a terminal, plain lines elsewhere.

rich draws the table. ``laminar-terraform[view]`` installs it; containers do not need it. Without rich a terminal shows
plain lines.

Python's logging controls the display. The logger is ``laminar``:

- By default the display goes to standard error.
- ``logging.getLogger("laminar").setLevel(logging.WARNING)`` turns it off. With ``logging.INFO`` it has lines only.
- If logging is configured, for example by ``logging.basicConfig(level=logging.INFO)``, each line is a record of level
  INFO, and no table is drawn.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING

from laminar_runtime import _records
from laminar_runtime.blocks import block
from laminar_runtime.process import output, prompts

if TYPE_CHECKING:
    from logging import Logger

    from rich.live import Live
    from rich.table import Table

__all__ = ["Progress", "current", "logger", "showing", "warn"]


@_records.define
class _Layer:
    """The progress of a layer."""

    splits: int
    begun: float
    done: int = 0
    failures: int = 0
    state: str = "running"
    ended: float | None = None

    def seconds(self, now: float) -> float:
        return (now if self.ended is None else self.ended) - self.begun


@_records.define(eq=False)
class Progress:
    """The progress of a run.

    Args:
        say: Prints a line, if lines are shown.
        clock: Returns the time in seconds.
    """

    say: Callable[[str], None] = lambda _: None
    clock: Callable[[], float] = time.monotonic
    layers: dict[str, _Layer] = _records.field(factory=dict, init=False)

    def begin(self, layer: str, splits: int) -> None:
        """Record that a layer began, with a number of splits."""
        self.layers[layer] = _Layer(splits, self.clock())
        self.say(f"layer {layer}: began{f', {splits} splits' if splits != 1 else ''}")

    def end_split(self, layer: str) -> None:
        """Record that a split of a layer, or a layer without splits, finished."""
        self.layers[layer].done += 1

    def fail_split(self, layer: str) -> None:
        """Record that an attempt at a split of a layer failed."""
        self.layers[layer].failures += 1

    def end(self, layer: str, state: str) -> None:
        """Record that a layer ended: it finished, failed or was stopped."""
        now, shown = self.clock(), self.layers[layer]
        shown.state, shown.ended = state, now
        failures = f", failed attempts: {shown.failures}" if shown.failures else ""
        self.say(f"layer {layer}: {state} after {shown.seconds(now):.1f} s{failures}")

    def skip(self, layer: str, why: str) -> None:
        """Record that a layer does not run: it is skipped, or finished before a resume."""
        now = self.clock()
        self.layers[layer] = _Layer(0, now, state=why, ended=now)
        self.say(f"layer {layer}: {why}")

    def table(self) -> Table:
        """Return the progress as a table."""
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for heading in ("layer", "state", "splits", "seconds", "failures"):
            table.add_column(heading)
        now, styles = self.clock(), {"finished": "green", "failed": "red", "skipped": "dim", "finished before": "dim"}
        for name, layer in self.layers.items():
            figures = (f"{layer.done}/{layer.splits}", f"{layer.seconds(now):.1f}", str(layer.failures or ""))
            table.add_row(name, layer.state, *figures, style=styles.get(layer.state))
        return table


_current: ContextVar[Progress | None] = ContextVar("laminar_progress", default=None)
_SILENT = Progress()


def logger() -> Logger:
    """Return the logger for the progress, which the user may have configured."""
    from logging import getLogger

    return getLogger("laminar")


def current() -> Progress:
    """Return the progress of the run that this code belongs to."""
    return _current.get() or _SILENT


@block
def showing(title: str) -> Iterator[Progress]:
    """Show the progress of a run in the ``with`` block.

    Args:
        title: The flow and the execution, in one line.

    Yields:
        The progress.
    """
    with _view(title) as progress:
        token = _current.set(progress)
        try:
            yield progress
        finally:
            _current.reset(token)


@block
def _view(title: str) -> Iterator[Progress]:
    if logger().hasHandlers() or logger().level:
        # The user configured logging. With a level but without a handler, lines still go to standard error.
        progress = Progress(say=_log if logger().hasHandlers() else _print_at_info_level)
        progress.say(title)
        yield progress
    elif sys.stderr.isatty() and not prompts.Screen.is_in_use() and _can_draw():
        # The id is printed before and after the table, even if the run is stopped.
        _print(title)
        progress = Progress()
        with _live(progress) as live, prompts.Screen(live.stop, live.start).hide_for_prompts():
            yield progress
    else:
        _print(title)
        yield Progress(say=_print)


def _can_draw() -> bool:
    """Return whether rich is installed. If not, print how to install it."""
    try:
        import rich  # noqa: F401
    except ImportError:
        _print("install laminar-terraform[view] to see a table here")
        return False
    return True


def _live(progress: Progress) -> Live:
    from rich.console import Console
    from rich.live import Live

    # The output of tasks appears above the table.
    return Live(console=Console(file=sys.stderr), refresh_per_second=8, get_renderable=progress.table)


def warn(line: str) -> None:
    """Print a warning, unless the user turned warnings off.

    Args:
        line: The line.
    """
    from logging import WARNING

    if logger().hasHandlers():
        logger().warning("%s", line)
    elif logger().isEnabledFor(WARNING):
        _print(line)


def _log(line: str) -> None:
    logger().info("%s", line)


def _print_at_info_level(line: str) -> None:
    from logging import INFO

    if logger().isEnabledFor(INFO):
        _print(line)


def _print(line: str) -> None:
    # A failure of the display must not end the run.
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(output.printable(f"laminar: {line}\n", sys.stderr.encoding))
        sys.stderr.flush()

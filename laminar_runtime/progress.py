"""Shows how far a local run is: a table that is redrawn in a terminal, plain lines elsewhere.

rich draws the table. ``laminar-terraform[view]`` installs it: containers need none. A terminal without it has plain
lines, too.

Python's logging has the last word. The logger is ``laminar``:

- Out of the box the view goes to standard error.
- ``logging.getLogger("laminar").setLevel(logging.WARNING)`` silences it; with ``logging.INFO`` there are lines only.
- Where logging is configured, as by ``logging.basicConfig(level=logging.INFO)``, each line is a record of level INFO,
  and nothing is drawn.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING

from laminar_runtime import _records
from laminar_runtime.process import output, prompts

if TYPE_CHECKING:
    from logging import Logger

    from rich.live import Live
    from rich.table import Table

__all__ = ["Progress", "current", "logger", "showing", "warn"]


@_records.define
class _Layer:
    """What is shown of a layer."""

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
    """Takes note of what happens in a run, and has it shown.

    Args:
        say: Takes a line, for those who read lines.
        clock: Gives the time, in seconds.
    """

    say: Callable[[str], None] = lambda _: None
    clock: Callable[[], float] = time.monotonic
    layers: dict[str, _Layer] = _records.field(factory=dict, init=False)

    def began(self, layer: str, splits: int) -> None:
        """A layer began, with a number of splits."""
        self.layers[layer] = _Layer(splits, self.clock())
        self.say(f"layer {layer}: began{f', {splits} splits' if splits != 1 else ''}")

    def split_ended(self, layer: str) -> None:
        """A split of a layer, or a layer without splits, ran to its end."""
        self.layers[layer].done += 1

    def split_failed(self, layer: str) -> None:
        """An attempt at a split of a layer failed."""
        self.layers[layer].failures += 1

    def ended(self, layer: str, state: str) -> None:
        """A layer that began has ended: it finished, failed or was stopped."""
        now, shown = self.clock(), self.layers[layer]
        shown.state, shown.ended = state, now
        failures = f", failed attempts: {shown.failures}" if shown.failures else ""
        self.say(f"layer {layer}: {state} after {shown.seconds(now):.1f} s{failures}")

    def passed_over(self, layer: str, why: str) -> None:
        """A layer does not run: it was skipped, or finished before the execution was resumed."""
        now = self.clock()
        self.layers[layer] = _Layer(0, now, state=why, ended=now)
        self.say(f"layer {layer}: {why}")

    def table(self) -> Table:
        """All of it, for a terminal."""
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
    """What is said of a run goes through this logger, if the user set logging up."""
    from logging import getLogger

    return getLogger("laminar")


def current() -> Progress:
    """What takes note of the run that this code belongs to."""
    return _current.get() or _SILENT


@contextlib.contextmanager
def showing(title: str) -> Iterator[Progress]:
    """Show a run while the ``with`` block goes on.

    Args:
        title: What is run, in a line.

    Yields:
        What takes note of it.
    """
    with _view(title) as progress:
        token = _current.set(progress)
        try:
            yield progress
        finally:
            _current.reset(token)


@contextlib.contextmanager
def _view(title: str) -> Iterator[Progress]:
    if logger().hasHandlers() or logger().level:
        # The user decides. A level without a handler goes to standard error all the same.
        progress = Progress(say=_log if logger().hasHandlers() else _print_if_enabled)
        progress.say(title)
        yield progress
    elif sys.stderr.isatty() and not prompts.Screen.is_in_use() and _can_draw():
        # The id is there before and after the table, also where the run is stopped.
        _print(title)
        progress = Progress()
        with _live(progress) as live, prompts.Screen(live.stop, live.start).hide_for_prompts():
            yield progress
    else:
        _print(title)
        yield Progress(say=_print)


def _can_draw() -> bool:
    """Whether rich is installed. If it is not, say how to get it."""
    try:
        import rich  # noqa: F401
    except ImportError:
        _print("install laminar-terraform[view] to see a table here")
        return False
    return True


def _live(progress: Progress) -> Live:
    from rich.console import Console
    from rich.live import Live

    # What tasks print appears above the table.
    return Live(console=Console(file=sys.stderr), refresh_per_second=8, get_renderable=progress.table)


def warn(line: str) -> None:
    """Say what the user should know in a view of any kind, unless warnings are silenced.

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


def _print_if_enabled(line: str) -> None:
    from logging import INFO

    if logger().isEnabledFor(INFO):
        _print(line)


def _print(line: str) -> None:
    # A view must not end the run that it shows.
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(output.printable(f"laminar: {line}\n", sys.stderr.encoding))
        sys.stderr.flush()

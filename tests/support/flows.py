"""Flows in an importable module, which every executor and datastore can run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import Catch, Container, ForEach, Parameter, Retry
from laminar_runtime.settings import current


class Suite(Flow):
    """A bit of everything."""


@Suite.register
class Numbers(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.shard(number=range(parameters.n), letter="ab")
        self.plain = "plain"


@Suite.register(
    foreach=ForEach(
        parameters=[Parameter(Numbers, "number"), Parameter(Numbers, "plain"), Parameter(Numbers, "letter")]
    )
)
class Grid(Layer):
    def __call__(self, numbers: Numbers) -> None:
        self.cell = f"{numbers.number}{numbers.letter}"
        self.place = (self.index, self.splits, current.layer.index, current.layer.splits)


@Suite.register(foreach=ForEach(parameters=[Parameter(Grid, "cell", index=None)]))
class Chained(Layer):
    def __call__(self, grid: Grid) -> None:
        self.shout = grid.cell.upper()


@Suite.register
class Skipped(Layer):
    @hooks.entry
    def never(self, parameters: Parameters) -> bool:
        return parameters.n < 0

    def __call__(self, numbers: Numbers) -> None:
        self.reached = True


@Suite.register(catch=Catch(ZeroDivisionError))
class Caught(Layer):
    def __call__(self, numbers: Numbers) -> None:
        self.before = len(numbers.number)
        self.after = 1 / 0


@Suite.register(retry=Retry(attempts=2, delay=0))
class Flaky(Layer):
    def __call__(self) -> None:
        self.attempts = current.layer.attempt
        if self.attempts == 1:
            raise OSError("at first")


@Suite.register
class Total(Layer):
    @hooks.entry
    def always(self, skipped: Skipped) -> bool:
        return not skipped.state.finished

    def __call__(self, grid: Grid, chained: Chained, caught: Caught, flaky: Flaky) -> None:
        self.cells = list(grid.cell)
        self.places = list(grid.place)
        self.shouts = list(chained.shout)
        self.rest = (caught.before, flaky.attempts)


class Troubled(Flow):
    """One layer that does what its parameters say."""


class OwnError(Exception):
    """An error of the user's own."""


@Troubled.register(container=Container())
class Trouble(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.before = "assigned"
        getattr(self, f"do_{parameters.what}")(parameters)

    def do_fail(self, parameters: Parameters) -> None:
        raise OwnError("of its own")

    def do_kill(self, parameters: Parameters) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def do_exit(self, parameters: Parameters) -> None:
        os._exit(3)

    def do_print(self, parameters: Parameters) -> None:
        sys.stdout.write("first\nsecond\n")
        sys.stderr.write("to stderr\n")

    def do_long_line(self, parameters: Parameters) -> None:
        sys.stdout.write("<" + "x" * parameters.length + ">\n")

    def do_unprintable(self, parameters: Parameters) -> None:
        sys.stdout.buffer.write(b"caf\xe9\n")

    def do_hang(self, parameters: Parameters) -> None:
        """Start a process that ignores the request to end, and wait with it."""
        code = f"import signal, time; signal.signal(15, signal.SIG_IGN); open({parameters.file!r}, 'w').write('up'); "
        child = subprocess.Popen([sys.executable, "-c", code + "time.sleep(60)"])
        while not Path(parameters.file).exists() or not Path(parameters.file).read_text():
            time.sleep(0.01)
        Path(parameters.file).write_text(str(child.pid))
        time.sleep(60)

    def do_leave(self, parameters: Parameters) -> None:
        """Start a process that holds the output open, and end."""
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        child.returncode = 0
        Path(parameters.file).write_text(str(child.pid))


class Siblings(Flow):
    """A fan-out of which one split fails while the others wait."""


@Siblings.register
class Fan(Layer):
    def __call__(self) -> None:
        self.shard(item=[0, 1])


@Siblings.register(foreach=ForEach(parameters=[Parameter(Fan, "item")]))
class Split(Layer):
    def __call__(self, parameters: Parameters, fan: Fan) -> None:
        waiting = Path(parameters.folder, "pid")
        if fan.item == 0:
            waiting.write_text(str(os.getpid()))
            time.sleep(60)
        while not waiting.exists() or not waiting.read_text():
            time.sleep(0.01)
        raise OwnError("split one")

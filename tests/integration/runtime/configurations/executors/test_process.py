"""Tasks as processes: how they are started, what they print, and how they fail and are stopped."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.datastores import Local
from laminar_runtime.configurations.executors import Process
from laminar_runtime.configurations.layers import Container
from laminar_runtime.exceptions import TaskError
from tests.support import flows
from tests.support.flows import Siblings, Trouble, Troubled
from tests.support.harness import Folder, is_gone


@attrs.frozen
class Run:
    """Runs the troubled flow in processes.

    Args:
        folder: Where its artifacts are.
    """

    folder: Path

    def __call__(self, what: str, *, timeout: float = 60, **parameters: object) -> Layer:
        flow = Troubled(datastore=Local(self.folder / "store"), executor=Process(timeout=timeout))
        return flow("e1", what=what, **parameters).layer(Trouble)

    def failing(self, what: str, *, timeout: float = 60, **parameters: object) -> TaskError:
        """Run it and give its error."""
        with pytest.raises(TaskError) as caught:
            self(what, timeout=timeout, **parameters)
        return caught.value


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_output_is_printed_on(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    """Each line is behind the name of its layer, on the stream that it was printed to."""
    run("print")
    printed = capfd.readouterr()
    assert printed.out == "[Trouble] first\n[Trouble] second\n"
    assert printed.err == "[Trouble] to stderr\n"


@pytest.mark.parametrize("length", [100_000, 2**20 - 3, 3 * 2**20])
def test_very_long_lines(run: Run, capfd: pytest.CaptureFixture[str], length: int) -> None:
    """No character of a long line is lost, also if it is passed on in pieces."""
    run("long_line", length=length)
    pieces = capfd.readouterr().out.splitlines()
    assert all(piece.startswith("[Trouble] ") for piece in pieces)
    whole = "".join(piece.removeprefix("[Trouble] ") for piece in pieces)
    assert len(whole) == length + 2
    assert whole == "<" + "x" * length + ">"


def test_output_that_is_no_text(run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    """Bytes that are no UTF-8 are replaced, and harm nothing."""
    run("unprintable")
    assert capfd.readouterr().out == "[Trouble] caf\N{REPLACEMENT CHARACTER}\n"


def test_error_of_the_users_code(run: Run) -> None:
    """The caller gets the name of its class, and the traceback of the process, but for our frames; all as text."""
    error = run.failing("fail")
    assert error.__cause__ is None
    assert (error.error_class, error.exit_code) == ("tests.support.flows.OwnError", 1)
    assert error.reason == "OwnError: of its own"
    assert (error.layer, error.index, error.attempt, error.execution) == ("Trouble", 0, 1, "e1")
    assert 'raise OwnError("of its own")' in str(error)
    assert error.traceback.count("  File ") == error.traceback.count(f'  File "{flows.__file__}"') == 2


def test_artifacts_of_a_failed_process(run: Run) -> None:
    """What was assigned before the error is there."""
    run.failing("fail")
    trouble = Troubled(datastore=Local(run.folder / "store")).execution("e1").layer(Trouble)
    assert trouble.before == "assigned"
    assert not trouble.state.finished


def test_end_by_a_signal(run: Run) -> None:
    """A process that was killed, as by lack of memory, is reported as that, with the signal's name."""
    assert run.failing("kill").reason == "its process was ended by signal 9 (SIGKILL)"


def test_exit_code(run: Run) -> None:
    """A process that ends by itself with an error is reported with its code."""
    assert run.failing("exit").reason == "its process ended with exit code 3 and left no error; its output says more"


def test_timeout_stops_the_whole_group(run: Run, tmp_path: Path) -> None:
    """After the timeout the process is stopped, and one that it started and that ignores SIGTERM."""
    error = run.failing("hang", timeout=2, file=str(tmp_path / "pid"))
    assert error.reason == "it did not end within 2 seconds and was stopped"
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_what_is_left_running(run: Run, tmp_path: Path) -> None:
    """A task ends when its process does: what it left running with its output open is stopped, and not waited for."""
    assert run("leave", file=str(tmp_path / "pid")).state.finished
    assert is_gone(int((tmp_path / "pid").read_text()))


def test_siblings_are_stopped(tmp_path: Path) -> None:
    """When one split fails the process of the other is stopped, and the error is that of the failed one."""
    flow = Siblings(datastore=Local(tmp_path / "store"), executor=Process(concurrency=2))
    with pytest.raises(TaskError, match=r"\(split 1 of 0 to 1\)") as caught:
        flow(folder=str(tmp_path))
    assert caught.value.reason.startswith("OwnError")
    assert is_gone(int((tmp_path / "pid").read_text()))


class OtherCommand(Flow):
    """A flow whose layer is started by a command of its own, as registered by the tests."""


def with_command(command: str) -> type[Flow]:
    """Make it a flow of this module whose container has a command."""
    OtherCommand.registry.pop("Writes", None)
    OtherCommand.classes.pop("Writes", None)

    class Writes(Layer):
        def __call__(self) -> None:
            self.foo = 1

    OtherCommand.register(container=Container(command=command))(Writes)
    return OtherCommand


def test_command_that_does_not_run_the_layer(tmp_path: Path) -> None:
    """A command that ends well without running the layer has failed, and the error says what may be wrong."""
    flow = with_command("python -c 'print()'")(datastore=Local(tmp_path))
    with pytest.raises(
        TaskError, match=r"succeeded, but the layer did not finish\. Check that the file calls its flow"
    ):
        flow()


@pytest.mark.parametrize("command", ["there-is-no-such-command", "python \0"])
def test_command_that_there_is_not(command: str, tmp_path: Path) -> None:
    """A command that cannot be started is the layer's error."""
    flow = with_command(command)(datastore=Local(tmp_path))
    with pytest.raises(TaskError, match=r"layer 'Writes' .*cannot be started"):
        flow()


DIES = """
import atexit, os, signal
from laminar_runtime import Flow, Layer

class Dies(Flow): ...

@Dies.register
class A(Layer):
    def __call__(self) -> None:
        atexit.register(END)
        self.value = 1

if flow := Dies():
    print(flow().layer(A).value)
"""


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ("os.kill, os.getpid(), signal.SIGSEGV", "its process was ended by signal 11 (SIGSEGV)"),
        ("os._exit, 3", "its process ended with exit code 3"),
    ],
)
def test_a_process_that_dies_after_its_layer_finished(end: str, message: str, folder: Folder) -> None:
    """What counts is what the task left: the layer finished, and how its process ended is said in a line."""
    folder.write(DIES.replace("END", end))
    ended = folder.python("main.py")
    assert (ended.returncode, ended.stdout) == (0, "1\n")
    assert f"layer A finished, but after that {message}" in ended.stderr

"""Which frames of a traceback are shown, and how long texts get."""

from __future__ import annotations

import dataclasses
import importlib
import json
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.blocks import add_note, block
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import Retry
from laminar_runtime.configurations.schedulers import event_loop
from laminar_runtime.exceptions import FlowError
from laminar_runtime.failures import redaction, tracebacks
from laminar_runtime.failures.tracebacks import Note, Trimmed
from laminar_runtime.process.endings import Interrupted
from tests.support.harness import in_memory

_PACKAGE = """
def surface(function):
    with Trimmed():
        ours(function)

def ours(function):
    function()
"""

#: Functions of a file of the package: one that users call, and one that calls the user back.
OURS: dict[str, Any] = {"Trimmed": Trimmed}
exec(compile(_PACKAGE, tracebacks.__file__, "exec"), OURS)  # noqa: S102 - to have frames of that file
surface, ours = OURS["surface"], OURS["ours"]


def refuse() -> None:
    """Raise on purpose, after an error of a library."""
    try:
        json.loads("{")
    except ValueError:
        raise FlowError("a reason") from None


def fail(error: Exception) -> None:
    """Raise an error."""
    raise error


def names(error: BaseException) -> list[str]:
    """Return the functions in the traceback of an error."""
    return [frame.name for frame in traceback.extract_tb(error.__traceback__)]


def test_errors_raised_on_purpose() -> None:
    """An error of ours shows the lines of the user that led to it, and none of ours."""
    with pytest.raises(FlowError) as caught:
        surface(lambda: ours(refuse))
    assert names(caught.value) == ["test_errors_raised_on_purpose", "<lambda>", "refuse"]


def test_errors_of_layers() -> None:
    """An error that was found in a layer, which a note of ours says, shows the user's frames on both sides of ours."""
    error = ValueError("no luck")
    error.add_note(Note("in a layer"))
    with pytest.raises(ValueError, match="no luck") as caught:
        surface(lambda: ours(lambda: fail(error)))
    assert names(caught.value) == ["test_errors_of_layers", "<lambda>", "<lambda>", "fail"]


def test_other_errors() -> None:
    """What is neither is a fault of ours: all frames are shown, to find it."""
    with pytest.raises(ValueError, match="no luck") as caught:
        surface(lambda: fail(ValueError("no luck")))
    assert names(caught.value) == ["test_other_errors", "surface", "ours", "<lambda>", "fail"]


def test_an_error_without_a_frame_of_the_user() -> None:
    """A traceback that has none is left as it is: something is wrong in the package."""
    with pytest.raises(TypeError) as caught:
        ours(None)
    error = caught.value
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
    error.__traceback__ = tracebacks.cut(error)
    assert names(error) == ["ours"]


def test_causes_are_trimmed_too() -> None:
    """The text has the frames of the user also for the errors that led to one, in order."""
    try:
        try:
            ours(refuse)
        except FlowError as error:
            raise ValueError("no luck") from error
    except ValueError as error:
        text = tracebacks.text(error)
    assert [line.strip() for line in text.splitlines() if line.startswith("  File")] == [
        line.strip() for line in text.splitlines() if __file__ in line
    ]
    assert text.index("a reason") < text.index("The above exception was the direct cause") < text.index("no luck\n")


def test_nothing_but_the_error() -> None:
    """An error without frames, causes and notes has no text beside its own."""
    assert tracebacks.text(FlowError("a reason")) == ""


def test_long_texts() -> None:
    """The begin and the end of a long text are kept, with how much is left out."""
    shortened = redaction.shorten("a" * 1_000_000 + "z")
    assert len(shortened) < 40_000
    assert shortened[0] + shortened[-1] == "az"
    assert "characters omitted" in shortened


@dataclasses.dataclass(frozen=True)
class FrozenError(Exception):
    """An error that refuses assignments, as of its traceback and of its notes."""

    code: int


def test_an_error_that_refuses_assignments() -> None:
    """It is raised unchanged, with its notes, and without our frames."""

    @block
    def inside() -> Iterator[None]:
        yield

    def fail_inside() -> None:
        with inside():
            raise FrozenError(3)

    error = FrozenError(0)
    add_note(error, "one")
    add_note(error, "two")
    assert error.__notes__ == ["one", "two"]
    with pytest.raises(FrozenError) as caught:
        surface(lambda: ours(fail_inside))
    tracebacks.trim(caught.value)
    assert names(caught.value)[-2:] == ["<lambda>", "fail_inside"]
    assert tracebacks.text(caught.value).endswith("test_tracebacks.FrozenError: 3\n")


def test_a_flow_whose_layer_raises_such_an_error() -> None:
    """It reaches the caller of the flow, and is recorded."""

    class Break(Flow): ...

    @Break.register(retry=Retry(attempts=2, delay=0, jitter=0))
    class Load(Layer):
        def __call__(self) -> None:
            raise FrozenError(3)

        @hooks.execution
        def around(self) -> Iterator[None]:
            yield

    flow = in_memory(Break)
    with pytest.raises(FrozenError) as caught:
        flow("e1")
    assert "layer 'Load' of flow 'Break' failed on attempt 2" in caught.value.__notes__[0]
    (failure,) = flow.execution("e1").failures()
    assert (failure.error_class, failure.message, failure.attempt) == (f"{__name__}.FrozenError", "3", 2)


def test_blocks_are_as_those_of_python() -> None:
    """They end with their generator, pass errors on, replace or drop them, and yield once."""

    @block
    def of(*kinds: type[Exception]) -> Iterator[str]:
        try:
            yield "x"
        except kinds:
            return
        except KeyError as error:
            raise OSError("no") from error

    with of() as given:
        assert given == "x"
    with of(ValueError):
        raise ValueError
    with pytest.raises(OSError, match="no"), of():
        raise KeyError
    with pytest.raises(StopIteration), of():
        raise StopIteration
    with pytest.raises(RuntimeError, match="twice"), block(lambda: (one for one in (1, 2)))():
        pass
    with pytest.raises(RuntimeError, match="did not yield"), block(lambda: (one for one in ()))():  # type: ignore[var-annotated]
        pass


def _raise_in(files: list[str]) -> Exception:
    """Return an error whose traceback has a function of each file, the outermost first."""
    called: Any = fail
    for file in reversed(files):
        namespace: dict[str, Any] = {"inner": called}
        exec(compile(f"def call(error): inner(error)", file, "exec"), namespace)  # noqa: S102, F541 - of that file
        called = namespace["call"]
    with pytest.raises(ValueError, match="no luck") as caught:
        called(ValueError("no luck"))
    # Without the frames of this file.
    entry = caught.value.__traceback__
    kept = [one for one in traceback.walk_tb(entry) if one[0].f_code.co_filename in files]
    caught.value.__traceback__ = None
    for frame, line in reversed(kept):
        caught.value.__traceback__ = TracebackType(caught.value.__traceback__, frame, frame.f_lasti, line)
    return caught.value


SITE = "/usr/lib/python3.11/site-packages/"


@pytest.mark.parametrize(
    ("files", "last"),
    [
        (["/app/main.py", "/app/steps.py", json.__file__], "/app/steps.py"),
        (["/app/main.py", f"{SITE}pandas/io.py", "/app/callback.py", f"{SITE}numpy/core.py"], "/app/callback.py"),
        ([f"{SITE}our_flows/main.py", f"{SITE}our_flows/steps.py", f"{SITE}pandas/io.py"], f"{SITE}our_flows/steps.py"),
        (["/tmp/ipykernel_7/1.py", "<frozen importlib._bootstrap>"], "/tmp/ipykernel_7/1.py"),  # noqa: S108 - no file
        (["<ipython-input-1-abc>", "<string>"], "<ipython-input-1-abc>"),
        ([json.__file__], json.__file__),
    ],
)
def test_the_last_frame_is_of_the_user(files: list[str], last: str) -> None:
    """Not of the library that the user's code called; a flow that is installed as a library is the user's code."""
    assert tracebacks.last_frame(_raise_in(files)) == f"{last}:1 in call"


def test_what_imports_a_file_is_not_of_the_user() -> None:
    """A flow's file that raises on import has its own frames first; what it imports itself stays."""
    before = ["<string>", importlib.__file__, "<frozen importlib._bootstrap>"]
    error = _raise_in([*before, "/app/flow.py", "<frozen importlib._bootstrap>", "/app/steps.py"])
    files = [line.split('"')[1] for line in tracebacks.text(error).splitlines() if line.startswith("  File")]
    assert files[-3:] == ["/app/flow.py", "<frozen importlib._bootstrap>", "/app/steps.py"]
    assert not {"<string>", importlib.__file__} & {*files}


def interrupt() -> None:
    """Press Ctrl-C."""
    raise KeyboardInterrupt


def test_ctrl_c_before_a_run_begins(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The program ends with one line and the exit code of a shell; an interactive session goes on."""
    with pytest.raises(Interrupted) as ended:
        surface(interrupt)
    assert ended.value.code == 130
    assert capsys.readouterr().err == "laminar: stopped by Ctrl-C\n"
    monkeypatch.setattr("sys.ps1", ">>> ", raising=False)
    with pytest.raises(KeyboardInterrupt) as caught:
        surface(interrupt)
    assert not isinstance(caught.value, Interrupted)


def test_ctrl_c_while_asyncio_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends as one that began, and Python does not warn of a coroutine that did not."""
    monkeypatch.setattr("laminar_runtime.configurations.schedulers.event_loop._is_running", interrupt)
    begun = _nothing()
    with pytest.raises(Interrupted):
        event_loop.run(begun)
    assert begun.cr_frame is None  # it was closed


async def _nothing() -> None: ...

"""Which frames of a traceback are shown, and how long texts get."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest

from laminar_runtime.exceptions import FlowError
from laminar_runtime.failures import redaction, tracebacks
from laminar_runtime.failures.tracebacks import Note, Trimmed

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

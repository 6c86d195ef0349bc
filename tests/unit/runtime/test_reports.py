"""Reports of errors: written by a task, read by whoever started it, and trusted by nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from laminar_runtime.failures import reports


class OwnError(Exception):
    """An error of the user's."""


def test_written_and_read(tmp_path: Path) -> None:
    """A report has the class's name with and without its module, the message, and the traceback with notes."""
    file = tmp_path / "error.json"
    try:
        raise OwnError("no luck")
    except OwnError as error:
        error.add_note("a note")
        reports.write(file, error, attempt=2)
    report = reports.read(file)
    assert report is not None
    assert (report.reason, report.error_class, report.attempt) == ("OwnError: no luck", f"{__name__}.OwnError", 2)
    assert report.traceback.endswith(
        'raise OwnError("no luck")\ntests.unit.runtime.test_reports.OwnError: no luck\na note\n'
    )
    assert [path.name for path in tmp_path.iterdir()] == ["error.json"]
    names = {"reason", "error_class", "traceback", "attempt", "message", "frame"}
    assert set(json.loads(file.read_text())) == names
    assert report.frame.startswith(__file__)
    assert report.frame.endswith(" in test_written_and_read")
    assert report.message == "no luck"


def test_no_report(tmp_path: Path) -> None:
    """A task that was killed leaves none."""
    assert reports.read(tmp_path / "error.json") is None


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"[]", b'{"reason": 1}', b"[" * 200_000, b'{"reason": "' + b"x" * 2**21 + b'"}'],
    ids=["empty", "no text", "a list", "a number", "deeply nested", "too large"],
)
def test_what_is_no_report(content: bytes, tmp_path: Path) -> None:
    """Whatever a container writes there, the failure of its task is reported."""
    file = tmp_path / "error.json"
    file.write_bytes(content)
    report = reports.read(file)
    assert report is not None
    assert "is not valid" in report.reason


def test_a_report_of_an_earlier_version(tmp_path: Path) -> None:
    """An image with an earlier version of the package adds a pickle, which is not looked at."""
    file = tmp_path / "error.json"
    file.write_text(json.dumps({"reason": "ValueError: no", "traceback": "tb", "pickle": "gASVBwAAAAAAAACMA2Zvb5Qu"}))
    assert reports.read(file) == reports.Report(reason="ValueError: no", traceback="tb")


@pytest.mark.parametrize("character", ["\N{GRINNING FACE}", "\0", "\udc80", '"'])
def test_large_reports_can_be_read(character: str, tmp_path: Path) -> None:
    """However long the message, and whatever its characters, the report is read as it was written."""
    file = tmp_path / "error.json"
    long = type("E" * 1_000_000, (OwnError,), {})
    try:
        raise long(character * 1_000_000)
    except OwnError as error:
        reports.write(file, error)
    report = reports.read(file)
    assert report is not None
    assert report.reason.startswith("EEE")
    assert report.message.startswith(character.encode(errors="backslashreplace").decode())
    assert report.traceback

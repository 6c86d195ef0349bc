"""The command, called in this process."""

from __future__ import annotations

import io
import signal
import sys
from pathlib import Path

import pytest

from laminar_codegen.command import main
from tests.support.commands import FLOW


@pytest.mark.parametrize(
    ("file", "target"),
    [
        ("flow.py", "flow.py"),
        ("flow.py", "flow.py:Other"),
        ("flow.py", "./flow.py:Other"),
        ("a folder/my flow.py", "a folder/my flow.py"),
        ("a folder/my flow.py", "a folder/my flow.py:Other"),
        ("odd:name.py", "odd:name.py"),
        ("odd:name/flow.py", "odd:name/flow.py:Other"),
        ("dots.and-dashes.py", "dots.and-dashes.py"),
        ("json.py", "json.py"),
        ("laminar_runtime.py", "laminar_runtime.py"),
        ("größe.py", "größe.py"),
    ],
)
def test_a_flow_is_named_by_file_and_class(
    file: str,
    target: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    """FILE and FILE:FLOW are understood, with spaces, colons and names of other modules in the path."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(FLOW.format(flow="Other"))
    assert main.main(["--emit", "graph", target]) == 0
    assert capsysbinary.readouterr() == (b"Other\n  A\n", b"")


def test_a_bug_of_ours_is_reported_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What no rule foresees, here a standard output that takes no bytes, ends the command with 3 and a traceback."""
    (tmp_path / "flow.py").write_text(FLOW.format(flow="Report"))
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert main.main([str(tmp_path / "flow.py")]) == 3
    errors = capsys.readouterr().err
    assert "Traceback" in errors
    assert errors.endswith("laminar-codegen: internal error, not caused by the flow: please report it\n")


def test_without_a_standard_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was started without one has the exit code of what happened."""
    monkeypatch.setattr(sys, "argv", ["laminar-codegen", "check", str(tmp_path / "missing.py")])
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert main.main() == 1
    sys.stderr.close()

"""Wrong usage of the shell with an embedded AWS. `tests/e2e/test_tutorial.py` uses it as it is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.embedded_account import main


@pytest.mark.parametrize("words", [[], ["missing"], ["."]])
def test_a_folder_without_a_flow(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder has the flow as main.py, and the message says so."""
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    printed = capsys.readouterr()
    assert (printed.out, "has the flow as main.py" in printed.err) == ("", True)

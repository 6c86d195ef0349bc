"""What README shows works as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with README's first example as ``main.py``."""
    (example,) = re.findall(r"```python\n(# main\.py\n.*?)```", README, flags=re.DOTALL)
    (tmp_path / "main.py").write_text(example, encoding="utf-8")
    return tmp_path


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)


def test_run_here(folder: Path) -> None:
    """The example runs by ``python main.py``."""
    ended = command(folder, "main.py")
    assert ended.stdout == "['hello Ada', 'hello Grace', 'hello Mary']\n", ended.stderr


def test_rehearsed(folder: Path) -> None:
    """The example is rehearsed with the parameter that README gives."""
    ended = command(folder, "-m", "laminar_codegen", "rehearse", "main.py", "--param", 'names=["Ada", "Grace"]')
    assert ended.returncode == 0, ended.stderr
    assert "Book.pages = ['hello Ada', 'hello Grace']" in ended.stdout


def test_rehearsed_without_its_parameter(folder: Path) -> None:
    """A rehearsal that lacks a parameter fails, names the state that failed, and says what is missing."""
    ended = command(folder, "-m", "laminar_codegen", "rehearse", "main.py")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "ended FAILED in state 'Guests'" in ended.stderr
    assert "flow 'Greetings' was called without the parameter 'names'" in ended.stderr

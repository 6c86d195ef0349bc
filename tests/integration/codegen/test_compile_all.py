"""The command ``laminar-codegen compile-all`` in a repository with several flows."""

from __future__ import annotations

from pathlib import Path

import pytest

from laminar_codegen.command.main import main

FLOW = """
from helper import TEXT
from laminar_runtime import Flow, Layer


class {name}(Flow): ...


@{name}.register
class Write(Layer):
    '''Writes.'''

    def __call__(self) -> None:
        self.text = TEXT


flow = {name}(name=TEXT)
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two flows, each with a module ``helper`` of its own, and a table that lists both."""
    monkeypatch.chdir(tmp_path)
    for name in ("Load", "Train"):
        folder = tmp_path / name.lower()
        folder.mkdir()
        (folder / "flow.py").write_text(FLOW.format(name=name).replace("(name=TEXT)", "()"))
        (folder / "helper.py").write_text(f"TEXT = {name!r}\n")
    lines = [
        "[tool.laminar.flows]",
        '"load/flow.py" = "out/load"',
        '"train/flow.py" = {output = "out/train", emit = "hcl"}',
    ]
    (tmp_path / "pyproject.toml").write_text("\n".join(lines))
    return tmp_path


def test_all_flows_are_compiled(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each as it is alone, and ``--check`` finds them up to date, and then what has changed."""
    assert main(["compile-all"]) == 0
    names = [line for line in capsys.readouterr().err.splitlines() if line.startswith("wrote ")]
    assert [line.split("/")[1] for line in names] == ["load", "train"]
    assert main(["load/flow.py", "--output", "out/load", "--check"]) == 0
    assert main(["train/flow.py", "--emit", "hcl", "--output", "out/train", "--check"]) == 0
    assert main(["compile-all", "--check"]) == 0
    file = repository / "train" / "flow.py"
    file.write_text(file.read_text().replace("class Write", "class Rewrite"))
    assert main(["compile-all", "--check"]) == 1
    printed = capsys.readouterr().out
    assert "Rewrite" in printed
    assert "out/load" not in printed


def test_a_flow_that_is_invalid_does_not_keep_others(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All problems of all flows are printed, and the valid ones are written."""
    (repository / "load" / "flow.py").write_text("x = 1\n")
    assert main(["compile-all"]) == 1
    assert "load/flow.py: LAM" in capsys.readouterr().err
    assert not (repository / "out" / "load").exists()
    assert (repository / "out" / "train" / "main.tf").exists()


def test_a_flow_that_ends_its_process(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What kills a compile is no endless wait for it, and the others are compiled."""
    (repository / "load" / "flow.py").write_text("import os\nos.kill(os.getpid(), 9)\n")
    assert main(["compile-all"]) == 3
    assert "the process that compiled load/flow.py ended with the code -9" in capsys.readouterr().err
    assert (repository / "out" / "train" / "main.tf").exists()


def test_from_elsewhere(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are relative to the file with the table."""
    (repository / "deep").mkdir()
    monkeypatch.chdir(repository / "deep")
    assert main(["compile-all", "--file", "../pyproject.toml"]) == 0
    assert (repository / "out" / "load" / "main.tf.json").exists()

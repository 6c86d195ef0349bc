"""The table of flows in ``pyproject.toml``."""

from __future__ import annotations

from pathlib import Path

import pytest

from laminar_codegen.command.compile_all import read_table
from laminar_codegen.command.main import main
from laminar_codegen.problems import NotWrittenError


def test_a_table(tmp_path: Path) -> None:
    """A folder alone, or options of the command."""
    file = tmp_path / "pyproject.toml"
    file.write_text('[tool.laminar.flows]\n"a.py" = "out/a"\n"b.py:B" = {output = "out/b", module-version = "~> 1"}\n')
    assert read_table(file) == {
        "a.py": ["--output", "out/a"],
        "b.py:B": ["--output", "out/b", "--module-version", "~> 1"],
    }


def test_all_problems_at_once(tmp_path: Path) -> None:
    """Each names its flow."""
    file = tmp_path / "pyproject.toml"
    file.write_text(
        '[tool.laminar.flows]\n"a.py" = 3\n"b.py" = {outputs = "x"}\n'
        '"c.py" = {output = "x", emit = true}\n"d.py" = "x"\n'
    )
    with pytest.raises(NotWrittenError) as caught:
        read_table(file)
    assert str(caught.value).splitlines()[1:] == [
        "  'a.py' must be the name of a folder, or a table of options, not 3",
        "  'b.py' has the unknown option 'outputs': there are output, emit, module, module-version, profile, joins",
        "  'b.py' has no output: name its folder",
        "  'c.py' has emit = True, which must be a text",
        "  two flows have the folder 'x': give each a folder of its own",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [(None, "cannot read"), ("[", "cannot read"), ("[tool.laminar]\n", "has no flows: add the table")],
)
def test_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, problem: str) -> None:
    """A file that is missing, damaged, or without the table is an error of usage, without a traceback."""
    file = tmp_path / "pyproject.toml"
    if text is not None:
        file.write_text(text)
    assert main(["compile-all", "--file", str(file)]) == 2
    error = capsys.readouterr().err
    assert problem in error
    assert "Traceback" not in error

"""Flows of packages, by file and by module, are read as `python -m` runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import codegen
from tests.support.package_flow import FLOW, IMPORTS, write_package


@pytest.mark.parametrize("target", ["package/flow.py", "package.flow", "package/flow.py:Report", "package.flow:Report"])
@pytest.mark.parametrize("imports", IMPORTS.values(), ids=IMPORTS)
@pytest.mark.parametrize("marked", [True, False], ids=["package", "namespace"])
def test_a_flow_of_a_package(marked: bool, imports: str, target: str, tmp_path: Path) -> None:  # noqa: FBT001
    """It compiles as it runs by `python -m`, named by its file or by its module; nothing beside the file is said."""
    write_package(tmp_path, imports, marked=marked)
    ended = codegen("check", target, cwd=tmp_path)
    assert (ended.code, ended.errors) == (0, "")
    run = subprocess.run(
        [sys.executable, "-m", "package.flow"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.stdout == "42\n", run.stderr


def test_a_script_in_the_folder_of_a_package(tmp_path: Path) -> None:
    """It imports its neighbours by their names, as `python package/flow.py` does."""
    write_package(tmp_path, "").write_text(FLOW.format(imports="from beside_it import common", package="package"))
    (tmp_path / "package/beside_it.py").write_text("def common(x): return x\n")
    (tmp_path / "package/flow.py").write_text(
        "from beside_it import common\nfrom laminar_runtime import Flow, Layer\n"
        "class Report(Flow): ...\n@Report.register\nclass A(Layer):\n    def __call__(self): ...\n"
    )
    ended = codegen("--emit", "graph", "package/flow.py", cwd=tmp_path)
    assert (ended.code, ended.output) == (0, b"Report\n  A\n"), ended.errors


def test_a_package_that_imports_its_flow(tmp_path: Path) -> None:
    """A package may import the flow's module itself: it is the same one, and read once."""
    file = write_package(tmp_path, IMPORTS["relative"])
    (tmp_path / "package/__init__.py").write_text("from .flow import Report\n")
    file.write_text(f"{file.read_text()}\nprint('read')\n")
    ended = codegen("--emit", "graph", "package.flow", cwd=tmp_path)
    assert (ended.code, ended.output, ended.errors) == (0, b"Report\n  A after Parameters\n", "read\n")


def test_arguments_of_the_command_are_not_the_file_s(tmp_path: Path) -> None:
    """A file that parses arguments gets none; where it needs some, what to do is said."""
    parse = "import argparse, sys\np = argparse.ArgumentParser()\np.add_argument({!r})\np.parse_args()\n"
    flow = (
        "assert len(sys.argv) == 1\nfrom laminar_runtime import Flow, Layer\nclass F(Flow): ...\n"
        "@F.register\nclass A(Layer):\n    def __call__(self): ...\n"
    )
    (tmp_path / "flow.py").write_text(parse.format("--day") + flow)
    assert codegen("--emit", "graph", "flow.py", cwd=tmp_path).output == b"F\n  A\n"
    (tmp_path / "flow.py").write_text(parse.format("day") + flow)
    ended = codegen("--emit", "graph", "flow.py", cwd=tmp_path)
    assert ended.code == 1
    assert "flow.py:4: LAM003 reading the file raised SystemExit: 2" in ended.errors
    assert "parse them behind the guard of the call, or make all optional" in ended.errors

"""Flows of packages, by file and by module, are read as `python -m` runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from laminar_codegen.frontend.loader import load
from laminar_codegen.frontend.places import find_place
from laminar_codegen.problems import CompileError
from tests.support.commands import codegen

FLOW = """
{imports}
from laminar_runtime import Flow, Layer, Parameters

class Report(Flow): ...

@Report.register
class A(Layer):
    def __call__(self, parameters: Parameters) -> None:
        from {package}.late import late
        self.x = common(1) + late

flow = Report()

if __name__ == "__main__" and flow:
    print(flow().layer(A).x)
"""
IMPORTS = {
    "relative": "from .common import common",
    "of the package": "from package.common import common",
    "of a package beside": "from .common import common\nimport beside",
}


def write(folder: Path, imports: str, *, marked: bool = True) -> Path:
    """Return a package with a flow, and what it imports."""
    package = folder / "package"
    package.mkdir()
    if marked:
        (package / "__init__.py").write_text("")
    (package / "common.py").write_text("from .late import late\ndef common(x): return x + 1\n")
    (package / "late.py").write_text("late = 40\n")
    (package / "main.py").write_text("raise AssertionError\n")
    (folder / "beside.py").write_text("")
    (folder / "main.py").write_text("raise AssertionError\n")
    (package / "flow.py").write_text(FLOW.format(imports=imports, package="package"))
    return package / "flow.py"


@pytest.mark.parametrize("target", ["package/flow.py", "package.flow", "package/flow.py:Report", "package.flow:Report"])
@pytest.mark.parametrize("imports", IMPORTS.values(), ids=IMPORTS)
@pytest.mark.parametrize("marked", [True, False], ids=["package", "namespace"])
def test_a_flow_of_a_package(marked: bool, imports: str, target: str, tmp_path: Path) -> None:  # noqa: FBT001
    """It compiles as it runs by `python -m`, named by its file or by its module; nothing beside the file is said."""
    write(tmp_path, imports, marked=marked)
    ended = codegen("check", target, cwd=tmp_path)
    assert (ended.code, ended.errors) == (0, "")
    run = subprocess.run(
        [sys.executable, "-m", "package.flow"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.stdout == "42\n", run.stderr


@pytest.mark.unit
def test_the_place_of_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is known by which name, and from where, `python -m` imports it; packages are not imported to find out."""
    monkeypatch.chdir(tmp_path)
    file = write(tmp_path, IMPORTS["relative"])
    (tmp_path / "package/__init__.py").write_text("raise AssertionError\n")
    (tmp_path / "package/__main__.py").write_text("from . import flow\n")
    found = find_place("package.flow")
    assert (found.file, found.name, found.module, found.folder) == (file, "package/flow.py", "package.flow", tmp_path)
    assert find_place("package/flow.py").module == "package.flow"
    assert find_place(str(file)).folder == tmp_path
    monkeypatch.chdir("/usr")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    assert find_place("package").module == "package.__main__"
    assert find_place("beside").module is None
    assert find_place("package.flow").name == str(file)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "module"),
    [
        ("import common", None),
        ("import json, os", None),
        ("import package", "package.flow"),
        ("'''\nfrom . import x\n'''", None),
        ("'package'", None),
        ("def f():\n    from . import x", "package.flow"),
        ("from .. import x", "{folder}.package.flow"),
        ("from . import x;;", None),
    ],
)
def test_files_that_are_scripts(text: str, module: str | None, tmp_path: Path) -> None:
    """A file in the folder of a package is a script, with its neighbours, unless it imports from the package."""
    write(tmp_path, "").write_text(text)
    expected = module and module.format(folder=tmp_path.name)
    assert find_place(str(tmp_path / "package/flow.py")).module == expected


def test_a_script_in_the_folder_of_a_package(tmp_path: Path) -> None:
    """It imports its neighbours by their names, as `python package/flow.py` does."""
    write(tmp_path, "").write_text(FLOW.format(imports="from beside_it import common", package="package"))
    (tmp_path / "package/beside_it.py").write_text("def common(x): return x\n")
    (tmp_path / "package/flow.py").write_text(
        "from beside_it import common\nfrom laminar_runtime import Flow, Layer\n"
        "class Report(Flow): ...\n@Report.register\nclass A(Layer):\n    def __call__(self): ...\n"
    )
    ended = codegen("--emit", "graph", "package/flow.py", cwd=tmp_path)
    assert (ended.code, ended.output) == (0, b"Report\n  A\n"), ended.errors


@pytest.mark.unit
def test_packages_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    """A process that reads packages of one name reads each with its own modules, and a file anew each time."""
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        write(folder, IMPORTS["relative"])
        (folder / "package/late.py").write_text(f"late = {number}\n")
        with (folder / "package/flow.py").open("a") as flow:
            flow.write(f"\nfrom .late import late\nassert late == {number}\n")
        for _ in range(2):
            assert load(str(folder / "package/flow.py")).flow.name == "Report"


def test_a_package_that_imports_its_flow(tmp_path: Path) -> None:
    """A package may import the flow's module itself: it is the same one, and read once."""
    file = write(tmp_path, IMPORTS["relative"])
    (tmp_path / "package/__init__.py").write_text("from .flow import Report\n")
    file.write_text(f"{file.read_text()}\nprint('read')\n")
    ended = codegen("--emit", "graph", "package.flow", cwd=tmp_path)
    assert (ended.code, ended.output, ended.errors) == (0, b"Report\n  A after Parameters\n", "read\n")


@pytest.mark.unit
@pytest.mark.parametrize("target", ["nowhere", "nowhere.flow", "package.nowhere", "sys", "package.flow.more"])
def test_modules_that_are_not_there(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is neither a file nor a module is told as that, with what to name."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, IMPORTS["relative"])
    with pytest.raises(CompileError, match=f"{target}: LAM001 there is no such file or module") as caught:
        load(target)
    assert "or its module as python -m takes it, such as package.flow" in str(caught.value)


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

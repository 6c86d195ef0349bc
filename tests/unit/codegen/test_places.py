"""Flows of packages, by file and by module, are read as `python -m` runs them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from laminar_codegen.frontend.loader import load
from laminar_codegen.problems import CompileError
from laminar_runtime.programs.places import find_place
from tests.support.package_flow import IMPORTS, write_package


def test_the_place_of_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is known by which name, and from where, `python -m` imports it; packages are not imported to find out."""
    monkeypatch.chdir(tmp_path)
    file = write_package(tmp_path, IMPORTS["relative"])
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
    write_package(tmp_path, "").write_text(text)
    expected = module and module.format(folder=tmp_path.name)
    assert find_place(str(tmp_path / "package/flow.py")).module == expected


def test_packages_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    """A process that reads packages of one name reads each with its own modules, and a file anew each time."""
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_package(folder, IMPORTS["relative"])
        (folder / "package/late.py").write_text(f"late = {number}\n")
        with (folder / "package/flow.py").open("a") as flow:
            flow.write(f"\nfrom .late import late\nassert late == {number}\n")
        for _ in range(2):
            assert load(str(folder / "package/flow.py")).flow.name == "Report"


@pytest.mark.parametrize("target", ["nowhere", "nowhere.flow", "package.nowhere", "sys", "package.flow.more"])
def test_modules_that_are_not_there(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error for what is neither a file nor a module says what to name."""
    monkeypatch.chdir(tmp_path)
    write_package(tmp_path, IMPORTS["relative"])
    with pytest.raises(CompileError, match=f"{target}: LAM001 there is no such file or module") as caught:
        load(target)
    assert "or its module as python -m takes it, such as package.flow" in str(caught.value)

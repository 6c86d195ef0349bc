"""Each module of the compiler that decides something has tests of its own: cases, or a unit test that imports it.

A module decides something if a function of it has a branch. What only a test of a whole compile goes through is found
wrong by a document that differs, and not by the name of the module.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import laminar_codegen
from tests.support.cases import case_files
from tests.support.sources import nodes_of

COMPILER = Path(laminar_codegen.__file__).parent
UNIT = Path(__file__).parents[1]
#: The modules without tests of their own in the unit tier, each with the reason.
EXCEPTIONS = {
    "api.terraform_cli": "it only drives Terraform: tests/integration/codegen/test_interface.py",
    "command.entry": "it is what a process begins with: tests/integration/codegen/test_interrupts.py",
}
_BRANCHES = (
    ast.BoolOp,
    ast.Compare,
    ast.For,
    ast.If,
    ast.IfExp,
    ast.Match,
    ast.Try,
    ast.While,
    ast.comprehension,
)


def test_each_module_that_decides_something_has_tests_of_its_own() -> None:
    """A new module needs a case file (CONTRIBUTING says how), a unit test that imports it, or a reason in this file."""
    deciding = {module for module, file in _modules() if _decides(file)}
    tested = {*case_files(), *_imported()}
    assert sorted(deciding - tested - EXCEPTIONS.keys()) == []
    assert sorted(EXCEPTIONS.keys() - (deciding - tested)) == [], "these need no exception"


def test_each_case_file_is_about_a_module() -> None:
    """A module that moves takes its cases with it."""
    of_runtime = {module for module in case_files() if module.startswith("laminar_runtime.")}
    assert sorted(case_files().keys() - of_runtime - {module for module, _ in _modules()}) == []
    assert all(importlib.util.find_spec(module) for module in of_runtime)


def test_a_module_of_declarations_decides_nothing(tmp_path: Path) -> None:
    """The difference between the modules, on one of each kind."""
    file, other = tmp_path / "module.py", tmp_path / "other.py"
    file.write_text("LIMIT = 3 if __debug__ else 4\ndef limit():\n    return LIMIT\n", encoding="utf-8")
    assert not _decides(file)
    other.write_text("class A:\n    def limit(self):\n        return 3 if self else 4\n", encoding="utf-8")
    assert _decides(other)


def _modules() -> Iterator[tuple[str, Path]]:
    """Yield the modules of the compiler, by their names behind `laminar_codegen`, without the rehearsal."""
    for file in sorted(COMPILER.rglob("*.py")):
        parts = file.relative_to(COMPILER).with_suffix("").parts
        if parts[0] != "rehearsal":
            yield ".".join(parts).removesuffix("__init__").rstrip("."), file


def _decides(file: Path) -> bool:
    """Return whether a function of a module has a branch."""
    functions = nodes_of(file, ast.FunctionDef)
    return any(isinstance(node, _BRANCHES) for function in functions for node in ast.walk(function))


def _imported() -> Iterator[str]:
    """Yield the names that unit tests import from the compiler; the runners of cases are no tests."""
    for file in UNIT.rglob("test_*.py"):
        for node in nodes_of(file, ast.ImportFrom):
            if (node.module or "").startswith("laminar_codegen."):
                module = str(node.module).removeprefix("laminar_codegen.")
                yield from (module, *(f"{module}.{name.name}" for name in node.names))
            elif node.module == "laminar_codegen":
                yield from ("", *(name.name for name in node.names))

"""Flows and layers that are defined again, as in the cells of a notebook."""

from __future__ import annotations

import sys
import textwrap
from types import ModuleType

import pytest

from laminar_runtime.exceptions import FlowError
from tests.support.harness import in_memory

FLOW = """
    from __future__ import annotations
    from laminar_runtime import Flow, Layer
    class F(Flow): ...
"""
A = """
    @F.register
    class A(Layer):
        def __call__(self) -> None:
            self.x = {x}
"""
B = """
    @F.register
    class B(Layer):
        def __call__(self, a: A) -> None:
            self.y = a.x
"""


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that is no file, as that of a notebook."""
    module = ModuleType("notebook")
    monkeypatch.setitem(sys.modules, "notebook", module)
    return module


def cell(module: ModuleType, text: str, *, name: str | None = None) -> None:
    """Run a cell, under a name that goes by its text, as IPython's do."""
    plain = textwrap.dedent(text)
    exec(compile(plain, name or f"<cell {hash(plain)}>", "exec", dont_inherit=True), vars(module))  # noqa: S102


def run(module: ModuleType) -> dict[str, object]:
    """Return what the flow's layers assigned."""
    execution = in_memory(module.F)()
    names = {"A": "x", "B": "y"}
    return {name: getattr(execution.layer(name), names[name]) for name in names if name in module.F.registry}


def test_a_layer_that_is_defined_again_replaces_itself(notebook: ModuleType) -> None:
    """A cell may be run again, as it is or edited; layers of other cells follow what the name means now."""
    cell(notebook, FLOW)
    for x in (1, 1, 2):
        cell(notebook, A.format(x=x))
        cell(notebook, B)
    assert run(notebook) == {"A": 2, "B": 2}
    cell(notebook, A.format(x=3))
    assert run(notebook) == {"A": 3, "B": 3}


def test_hints_that_are_classes_follow_too(notebook: ModuleType) -> None:
    """A layer that names the class as it was before it was defined again gets the new one."""
    cell(notebook, FLOW.replace("from __future__ import annotations", ""))
    for text in (A.format(x=1), B, A.format(x=3)):
        cell(notebook, text)
    assert run(notebook) == {"A": 3, "B": 3}


def test_a_flow_that_is_defined_again_keeps_the_layers_of_other_cells(notebook: ModuleType) -> None:
    """Those of its own cell come with it, or are gone with their text."""
    cell(notebook, FLOW + A.format(x=1))
    cell(notebook, B)
    cell(notebook, FLOW + A.format(x=5))
    assert run(notebook) == {"A": 5, "B": 5}
    cell(notebook, FLOW + A.format(x=5).replace("class A", "class C"))
    assert sorted(notebook.F.registry) == ["B", "C", "Parameters"]


def test_a_flow_class_with_bases_is_defined_again(notebook: ModuleType) -> None:
    """What it inherits it has once."""
    cell(notebook, FLOW)
    cell(notebook, A.format(x=1))
    for _ in range(2):
        cell(notebook, "class G(F): ...")
    assert sorted(notebook.G.registry) == ["A", "Parameters"]


def test_prompt(notebook: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """At Python's own prompt all statements are of one text, and each stands for itself."""
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    for text in (FLOW, A.format(x=1), "\n\n" + A.format(x=2), FLOW):
        cell(notebook, text, name="<stdin>")
    assert run(notebook) == {"A": 2}


@pytest.mark.parametrize("file", [None, "flow.py"])
def test_two_layers_of_one_text_stay_an_error(notebook: ModuleType, file: str | None) -> None:
    """One text that has two layers of one name is wrong, also on standard input, and a file in any case."""
    if file is not None:
        notebook.__file__ = file
    with pytest.raises(FlowError, match="flow 'F' has two layers named 'A'"):
        cell(notebook, FLOW + A.format(x=1) + A.format(x=2), name="<stdin>")


def test_a_loop_of_a_file_stays_an_error(notebook: ModuleType) -> None:
    """In a file the same lines that run twice define two layers."""
    notebook.__file__ = "flow.py"
    cell(notebook, FLOW)
    cell(notebook, A.format(x=1))
    with pytest.raises(FlowError, match="flow 'F' has two layers named 'A'"):
        cell(notebook, A.format(x=1))

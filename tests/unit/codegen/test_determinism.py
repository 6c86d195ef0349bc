"""The same flow gives the same bytes everywhere, and a small change of it a small difference."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

import pytest

from laminar_codegen.pipeline import Compilation
from laminar_codegen.render.terraform_json import render_document
from tests.support.commands import codegen
from tests.support.golden import GOLDEN, text_of

HEAD = """
from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.layers import Container, ForEach, Parameter, Retry

class Report(Flow): ...
"""
LOAD = """
@Report.register
class Load(Layer):
    '''Loads.'''
    def __call__(self) -> None: ...
"""
CLEAN = """
@Report.register
class Clean(Layer):
    def __call__(self, load: "Load") -> None: ...
"""
TRAIN = """
@Report.register(foreach=ForEach([Parameter("Load", "rows")]))
class Train(Layer):
    def __call__(self, load: "Load") -> None: ...
"""
MERGE = """
@Report.register
class Merge(Layer):
    def __call__(self, clean: "Clean", train: "Train") -> None: ...
"""


@pytest.mark.integration
@pytest.mark.parametrize("case", ["escapes", "grid"])
def test_surroundings_do_not_show(case: str, tmp_path: Path) -> None:
    """Hash seed, working directory, time zone, locale, encoding and a task's variables change no byte."""
    here = codegen("flow.py", cwd=GOLDEN / case, environment={"PYTHONHASHSEED": "1"})
    assert here.code == 0, here.errors
    assert here.output.decode() == text_of(case)
    plain = {
        "PYTHONHASHSEED": "2",
        "TZ": "Asia/Kathmandu",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONIOENCODING": "ascii",
    }
    task = {"LAMINAR_EXECUTION_ID": "e", "LAMINAR_FLOW_NAME": "Grid", "LAMINAR_LAYER_NAME": "Join", "AWS_REGION": "x"}
    there = codegen(str(GOLDEN / case / "flow.py"), cwd=tmp_path, environment={**plain, **task})
    assert (there.code, there.output) == (0, here.output), there.errors


@pytest.mark.integration
def test_problems_are_printed_in_any_encoding(tmp_path: Path) -> None:
    """A locale that cannot say a layer's name does not keep the command from telling what is wrong with it."""
    name = "größe.py"
    ended = codegen(name, cwd=tmp_path, environment={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
    assert (ended.code, ended.output) == (1, b"")
    assert "LAM001 there is no such file" in ended.errors


def test_compiling_twice_gives_the_same(compiled: Callable[[str], Compilation]) -> None:
    """One process compiles a flow to the same bytes again."""
    text = HEAD + LOAD + CLEAN + TRAIN + MERGE
    assert render_document(compiled(text).document) == render_document(compiled(text).document)


def _changes(before: Compilation, after: Compilation) -> list[str]:
    # Without the commas, which JSON wants after all items but the last.
    one, other = (render_document(item.document).replace(",\n", "\n").splitlines() for item in (before, after))
    return [line for line in difflib.ndiff(one, other) if line[0] in "+-"]


def test_a_changed_layer_changes_its_own_lines(compiled: Callable[[str], Compilation]) -> None:
    """Another docstring of one layer is one line of difference in what runs, and one in what plans show."""
    changes = _changes(
        compiled(HEAD + LOAD + CLEAN + TRAIN + MERGE),
        compiled(HEAD + LOAD.replace("Loads.", "Reads.") + CLEAN + TRAIN + MERGE),
    )
    assert [line.split(maxsplit=1) for line in changes] == [
        ["-", '"comment": "Loads."'],
        ["+", '"comment": "Reads."'],
        ["-", '"Comment": "Loads."'],
        ["+", '"Comment": "Reads."'],
    ]


def test_a_changed_size_leaves_other_layers_alone(compiled: Callable[[str], Compilation]) -> None:
    """A larger container is in the layer's own jobs: no job definition changes, appears or goes."""
    sizes = ("memory=4096", "memory=8192")
    larger, largest = (CLEAN.replace("register", f"register(container=Container({size}))") for size in sizes)
    before, after = compiled(HEAD + LOAD + larger + TRAIN + MERGE), compiled(HEAD + LOAD + largest + TRAIN + MERGE)
    assert [line.split() for line in _changes(before, after)] == [
        ["-", '"memory":', "4096"],
        ["+", '"memory":', "8192"],
        ["-", '"Value":', '"4096"'],
        ["+", '"Value":', '"8192"'],
    ]
    assert _definitions(before) == _definitions(compiled(HEAD + LOAD + CLEAN + TRAIN + MERGE)) == ["fargate"]


def test_an_unusual_container_leaves_other_job_definitions_alone(compiled: Callable[[str], Compilation]) -> None:
    """A layer with another command has another job definition; that of the others keeps its name."""
    unusual = CLEAN.replace("register", "register(container=Container(command='python -O main.py'))")
    usual, own = _definitions(compiled(HEAD + LOAD + unusual + TRAIN + MERGE))
    assert usual == "fargate"
    assert own.startswith("fargate_")
    alone = LOAD.replace("register", "register(container=Container(command='python -O main.py'))")
    assert _definitions(compiled(HEAD + alone)) == [own]


def _definitions(compilation: Compilation) -> list[str]:
    return [block.label for block in compilation.document.resources if block.type == "aws_batch_job_definition"]


def test_a_new_layer_leaves_other_layers_alone(compiled: Callable[[str], Compilation]) -> None:
    """A layer added at the end is its own state, and one line of the state that now comes before it."""
    more = '\n@Report.register\nclass Send(Layer):\n    def __call__(self, merge: "Merge") -> None: ...\n'
    changes = _changes(
        compiled(HEAD + LOAD + CLEAN + TRAIN + MERGE), compiled(HEAD + LOAD + CLEAN + TRAIN + MERGE + more)
    )
    gone = [line.strip("- ,") for line in changes if line.startswith("-")]
    assert gone in (['"End": true'], []), changes
    assert '+           "Next": "Send"' in changes


def test_the_order_of_registration_decides_only_between_equals(compiled: Callable[[str], Compilation]) -> None:
    """Layers are emitted after what they depend on; beside each other, as they are registered."""
    forward, backward = compiled(HEAD + LOAD + CLEAN + TRAIN + MERGE), compiled(HEAD + MERGE + TRAIN + CLEAN + LOAD)
    assert [layer.name for layer in backward.graphs[0].layers] == ["Merge", "Train", "Clean", "Load"]
    assert [state.name for state in forward.machines[0].states] == ["Parameters", "Load", "Clean | Train", "Merge"]
    assert [state.name for state in backward.machines[0].states] == ["Parameters", "Load", "Train | Clean", "Merge"]
    assert set(forward.graphs[0].layers[0].depends) == set(backward.graphs[0].layers[3].depends)

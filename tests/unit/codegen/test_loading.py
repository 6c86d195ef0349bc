"""Reading a flow's file never runs the flow, whatever stands at its module level."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from laminar_codegen.frontend.loader import load
from laminar_codegen.pipeline import Compilation, compile_flow
from laminar_codegen.problems import CompileError
from tests.support.commands import codegen

HEAD = """
import os, sys
from laminar_runtime import Execution, Flow, Layer, Parameters
from laminar_runtime.configurations import executors


class First(Flow): ...


@First.register
class A(Layer):
    def __call__(self) -> None:
        open("ran.txt", "w").close()
        self.foo = 1

"""
SECOND = """
class Second(Flow): ...


@Second.register
class B(Layer):
    def __call__(self, parameters: Parameters) -> None:
        open("ran.txt", "w").close()

"""


@pytest.mark.parametrize(
    "tail",
    [
        "if flow := First():\n    flow()\n    os.abort()",
        "First()()",
        "First()(day=1)",
        "First()().layer(A).foo\nos.abort()",
        "First()().layer('A').foo\nos.abort()",
        "try:\n    print(First()().layer(A).foo)\nexcept Exception:\n    os.abort()",
        "if __name__ == '__main__':\n    First()()\n    os.abort()",
        "First()\nsys.exit()",
        "First()\nsys.exit(0)",
        "flow = First()\nassert not flow\nflow('an-id')",
        "import threading\nthread = threading.Thread(target=First())\nthread.start()\nthread.join()",
    ],
)
def test_a_flow_is_read_and_not_run(tail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guarded or not, with results asked for or not: the flow is found, and nothing of it runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.py").write_text(f"{HEAD}\n{tail}\n")
    assert load("flow.py").flow.name == "First"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flow.py"]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("tail", "message"),
    [
        ("if __name__ == '__main__' and (flow := First(executor=None)):\n    flow()", "First(executor=...)"),
        ("if '__main__' == __name__:\n    First(None, **{})()", "First(..., **=...)"),
        ("if __name__ == '__main__':\n    First()().next(flow=First(), linker=print)", "next(flow=...)"),
    ],
)
def test_what_only_a_run_reads_is_reported(tail: str, message: str, tmp_path: Path) -> None:
    """A flow that is configured behind a check of `__name__` is compiled without that, which is said with the line."""
    (tmp_path / "flow.py").write_text(f"{HEAD}\n{tail}\n")
    ended = codegen("--emit", "graph", "flow.py", cwd=tmp_path)
    line = 1 + f"{HEAD}\n{tail}".splitlines().index(next(text for text in tail.splitlines() if "First(" in text))
    assert (ended.code, ended.output) == (0, b"First\n  A\n")
    assert ended.errors.startswith(
        f"flow.py:{line}: note: the arguments of {message} are not read: they are behind a check of"
    )


@pytest.mark.integration
@pytest.mark.parametrize(
    "tail",
    [
        "if __name__ == '__main__' and (flow := First()):\n    flow(day=1)",
        "flow = First(executor=None)\nif __name__ == '__main__':\n    flow()",
        "if __name__ != '__main__':\n    First(executor=None)",
        "if __name__ == '__main__':\n    pass\nelse:\n    First(executor=None)",
        "if __name__ == '__main__' or (flow := First(executor=None)):\n    pass",
        "if __name__ == '__main__':\n    print(flow=1, next=next(iter('a')))",
        "text = '__main__'",
    ],
)
def test_nothing_is_reported_of_what_is_read(tail: str, tmp_path: Path) -> None:
    """Where nothing that a flow is given is missed, nothing is said."""
    (tmp_path / "flow.py").write_text(f"{HEAD}\n{tail}\n")
    ended = codegen("--emit", "graph", "flow.py", cwd=tmp_path)
    assert (ended.code, ended.output, ended.errors) == (0, b"First\n  A\n", "")


@pytest.mark.parametrize("choice", ["First", "Second"])
def test_chained_flows_are_both_found(choice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flows of which one runs after the other are read without asking the linker, and either may be chosen."""
    monkeypatch.chdir(tmp_path)
    chain = "First()().next(flow=Second(), linker=lambda e: os.abort())\n"
    (tmp_path / "flow.py").write_text(f"{HEAD}{SECOND}\n{chain}")
    assert load(f"flow.py:{choice}").flow.name == choice
    # Neither chosen, the chain is meant.
    found = load("flow.py")
    assert [flow.name for flow in (found.flow, *found.following)] == ["First", "Second"]
    # Flows of which none follows the other have to be chosen from.
    (tmp_path / "flow.py").write_text(f"{HEAD}{SECOND}\n{chain}First()()\n")
    with pytest.raises(CompileError, match=r"flow.py: LAM005 the file has 2 flows: First, Second"):
        load("flow.py")
    assert not (tmp_path / "ran.txt").exists()


GUARDED = "if first := First():\n    first().next(flow=Second(), linker=lambda e: os.abort()).layer('Never')\n"


def test_guarded_chains_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guard keeps nothing of a chain from the compiler, and other guards keep all of what they guard."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.py").write_text(f"{HEAD}{SECOND}\n{GUARDED}")
    found = load("flow.py")
    assert [flow.name for flow in (found.flow, *found.following)] == ["First", "Second"]
    (tmp_path / "flow.py").write_text(f"{HEAD}{SECOND}\nif first := First():\n    os.abort()\n{GUARDED}")
    found = load("flow.py")
    assert [flow.name for flow in (found.flow, *found.following)] == ["First", "Second"]
    assert not (tmp_path / "ran.txt").exists()


def test_the_flow_that_the_file_makes_is_meant(tmp_path: Path) -> None:
    """Of several flows that a file defines, the only one that it makes is the one compiled, as it is configured."""
    file = tmp_path / "flow.py"
    file.write_text(f"{HEAD}{SECOND}\nif flow := Second(executor=executors.Thread(timeout=77)):\n    flow()\n")
    source = load(str(file))
    assert source.flow.name == "Second"
    assert source.flow.configuration.executor.timeout == 77


def test_an_imported_flow_is_not_the_file_s_own(tmp_path: Path) -> None:
    """A flow that the file only imports is compiled if it is asked for by name, and else passed over."""
    (tmp_path / "imported_flows.py").write_text(HEAD)
    file = tmp_path / "flow.py"
    file.write_text(f"from imported_flows import First\nfrom laminar_runtime import Flow, Layer, Parameters\n{SECOND}")
    assert load(str(file)).flow.name == "Second"
    assert load(f"{file}:First").flow.name == "First"


@pytest.mark.integration
def test_what_the_file_prints_is_not_of_the_document(tmp_path: Path) -> None:
    """Prints at module level go to standard error, so that standard output is the document and nothing else."""
    (tmp_path / "flow.py").write_text(f"print('before')\n{HEAD}\nprint('after')\nsys.stdout.write('written')\n")
    ended = codegen("--emit", "plan", "flow.py", cwd=tmp_path)
    assert (ended.code, ended.output) == (0, b"Run A\n")
    assert ended.errors.split() == ["before", "after", "written"]


@pytest.mark.integration
def test_the_file_may_import_its_neighbours(tmp_path: Path) -> None:
    """The flow's folder is where it imports from, also if it is not the working directory."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "neighbour.py").write_text(HEAD)
    (folder / "flow.py").write_text("from neighbour import A, First\n\nFirst()()\n")
    ended = codegen("--emit", "graph", "folder/flow.py", cwd=tmp_path)
    assert (ended.code, ended.output, ended.errors) == (0, b"First\n  A\n", "")


@pytest.mark.parametrize(
    "line", ["os.chdir('..')", "sys.path.clear()", "sys.path.insert(0, '/')", "sys.modules.pop(__name__)"]
)
def test_a_file_may_change_its_surroundings(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changing the working directory or the path of imports at module level does no harm to the compiler."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "flow.py").write_text(f"{HEAD}\n{line}\n")
    source = load("flow.py")
    assert (source.flow.name, source.name, source.file) == ("First", "flow.py", tmp_path / "flow.py")


def test_files_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    """Problems of files named alike, read by one process, have their own lines."""
    found = []
    for number in range(3):
        file = tmp_path / str(number) / "flow.py"
        file.parent.mkdir()
        lines = "#\n" * number
        file.write_text(f"{HEAD}{lines}\n@First.register\nclass Wrong(Layer):\n    def __call__(self, a): ...\n")
        with pytest.raises(CompileError) as caught:
            compile_flow(str(file))
        found.append(caught.value.problems[0].location.line)
    assert found == [found[0], found[0] + 1, found[0] + 2]


def test_hooks_of_execution_are_compiled(compiled: Callable[[str], Compilation]) -> None:
    """What runs in the task itself needs nothing of the state machine, but depends on layers as others do."""
    text = f"""{HEAD}
from laminar_runtime.configurations import hooks


@First.register
class Uses(Layer):
    def __call__(self) -> None: ...

    @hooks.execution
    def around(self, a: A) -> None: ...
"""
    assert str(compiled(text).graphs[0]) == "First\n  A\n  Uses after A\n"


def test_classes_inside_a_function_are_found(compiled: Callable[[str], Compilation]) -> None:
    """A flow may be made by a function, its layers named before they are defined."""
    text = """
from __future__ import annotations
from laminar_runtime import Flow, Layer


def build():
    class Inner(Flow): ...

    @Inner.register
    class Late(Layer):
        def __call__(self, early: Early) -> None: ...

    @Inner.register
    class Early(Layer):
        def __call__(self) -> None: ...

    return Inner()


build()()
"""
    compilation = compiled(text)
    assert str(compilation.graphs[0]) == "Inner\n  Late after Early\n  Early\n"
    assert [layer.location.line for layer in compilation.graphs[0].layers] == [9, 13]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("tail", "message"),
    [
        ("class Stop(BaseException): ...\nraise Stop('enough')", "reading the file raised Stop: enough"),
        ("raise GeneratorExit", "reading the file raised GeneratorExit"),
        (
            "class Third(First):\n    def __init__(self) -> None:\n        raise ValueError('no luck')",
            "making an instance of flow 'Third' raised ValueError: no luck",
        ),
    ],
)
def test_what_a_file_raises_is_the_file_s_fault(tail: str, message: str, tmp_path: Path) -> None:
    """Whatever the user's code raises while it is read is a problem with a place and a cure, and no traceback."""
    (tmp_path / "flow.py").write_text(f"{HEAD}\n{tail}\n")
    ended = codegen("flow.py:Third" if "Third" in tail else "flow.py", cwd=tmp_path)
    assert (ended.code, ended.output) == (1, b"")
    assert f"LAM003 {message}" in ended.errors
    assert "Traceback" not in ended.errors


IDIOM = "flow = Second(executor=executors.Thread(timeout=77))\n\nif __name__ == '__main__' and flow:\n    os.abort()\n"


@pytest.mark.integration
def test_the_form_that_imports_is_compiled(tmp_path: Path) -> None:
    """A flow that is made at module level, with its guarded call below, is compiled as it is made; nothing is noted."""
    (tmp_path / "flow.py").write_text(f"{HEAD}{SECOND}\n{IDIOM}")
    source = load(str(tmp_path / "flow.py"))
    assert (source.flow.name, source.flow.configuration.executor.timeout) == ("Second", 77)
    assert codegen("--emit", "graph", "flow.py", cwd=tmp_path).errors == ""


def test_chains_behind_the_guard_are_found(tmp_path: Path) -> None:
    """A chain is compiled behind a check of the file's name and of its flow, too; what else is there is not run."""
    guards = (
        "one, two = First(), Second()\n"
        "if __name__ == '__main__' and one:\n"
        "    last = one().next(flow=two, linker=lambda e: os.abort())\n"
        "    print(last.layer('B'))\n"
        "    os.abort()\n"
    )
    (tmp_path / "flow.py").write_text(f"{HEAD}{SECOND}\n{guards}")
    found = load(str(tmp_path / "flow.py"))
    assert [flow.name for flow in (found.flow, *found.following)] == ["First", "Second"]


def test_flows_of_imported_modules_are_theirs(tmp_path: Path) -> None:
    """What imported modules make and guard is not the file's: it need not be chosen from, and may be."""
    (tmp_path / "imported_idiom.py").write_text(f"{HEAD}\nflow = First()\nif flow:\n    flow()\n")
    file = tmp_path / "flow.py"
    file.write_text(f"from imported_idiom import A, First, flow as first\n{HEAD}{SECOND}\nflow = Second()\n")
    assert load(str(file)).flow.name == "Second"
    assert load(f"{file}:First").flow.name == "First"
    file.write_text("from imported_idiom import flow\n")
    assert load(str(file)).flow.name == "First"


def test_an_unguarded_call_of_an_imported_module(tmp_path: Path) -> None:
    """A module that could not be imported by a run cannot by the compiler either, and is an error."""
    (tmp_path / "imported_unguarded.py").write_text(f"{HEAD}\nFirst()()\n")
    (tmp_path / "flow.py").write_text("from imported_unguarded import First\n\nFirst()()\n")
    with pytest.raises(CompileError, match="LAM003 flow 'First' is called while the module 'imported_unguarded' is"):
        load(str(tmp_path / "flow.py"))


def test_the_flow_that_a_run_makes_is_meant(tmp_path: Path) -> None:
    """Of several flows that are made nowhere else, the only one behind the check of the file's name is compiled."""
    guard = "if __name__ == '__main__' and (flow := Second()):\n    flow()\n"
    (tmp_path / "flow.py").write_text(f"{HEAD}{SECOND}\n{guard}")
    assert load(str(tmp_path / "flow.py")).flow.name == "Second"
    (tmp_path / "flow.py").write_text(f"{HEAD}{SECOND}\n{guard}    First()()\n")
    with pytest.raises(CompileError, match="LAM005 the file has 2 flows: First, Second"):
        load(str(tmp_path / "flow.py"))

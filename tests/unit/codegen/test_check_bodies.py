"""What ``laminar-codegen check`` finds in the methods of layers, and where it is silent."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from laminar_codegen.command.main import main

HEAD = """\
from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import Catch, ForEach, Parameter

class F(Flow): ...
"""

#: Layer A stores `rows`, item by item, and `total`.
A = """
@F.register
class A(Layer):
    def __call__(self) -> None:
        self.shard(rows=[1, 2])
        self.total = 3
"""


def _check(folder: Path, text: str, *options: str) -> int:
    file = folder / "flow.py"
    file.write_text(HEAD + textwrap.dedent(text), encoding="utf-8")
    return main(["check", str(file), *options])


def _layer(body: str, *, hints: str = "self, a: A", over: str = "") -> str:
    """Return a layer B with a body for its `__call__`."""
    register = f"(foreach=ForEach(parameters=[{over}]))" if over else ""
    return f"\n@F.register{register}\nclass B(Layer):\n    def __call__({hints}) -> None:\n" + textwrap.indent(
        textwrap.dedent(body), " " * 8
    )


PROBLEMS = {
    "no method": ("\n@F.register\nclass B(Layer):\n    def __call_(self) -> None: ...\n", "LAM060", "'__call_'"),
    "no method at all": ("\n@F.register\nclass B(Layer): ...\n", "LAM060", "def __call__(self)"),
    "reserved": (_layer("self.name = 1"), "LAM061", "'name'"),
    "reserved in a loop": (_layer("for self.index in a.rows: pass"), "LAM061", "'index'"),
    "reserved and sharded": (_layer("self.shard(splits=[1])"), "LAM061", "'splits'"),
    "by keyword only": (_layer("pass", hints="self, *, a: A"), "LAM062", "the '*'"),
    "as keywords": (_layer("pass", hints="self, **a: A"), "LAM062", "the '*'"),
    "nothing to fan out over": (_layer("pass", over="Parameter(A, 'row')"), "LAM063", "did you mean 'rows'?"),
    "misspelt": (_layer("self.x = a.totl"), "LAM065", "did you mean 'total'?"),
    "misspelt in a helper": (
        _layer("self.go(a)") + "\n    def go(self, a: A) -> None:\n        self.x = self.y\n",
        "LAM065",
        "its own 'y'",
    ),
    "misspelt in a hook": (
        _layer("pass") + "\n    @hooks.entry\n    def go(self, a: A) -> bool:\n        return a.totals\n",
        "LAM065",
        "'totals'",
    ),
    "misspelt by each": (_layer("self.x = each(a, lambda one: one.row)"), "LAM065", "'row'"),
    "its own": (_layer("self.x = 1\nprint(self.y)"), "LAM065", "its own 'y'"),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_what_is_certain_to_fail_is_a_problem(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is an error of its own code, with the place and the cure; nothing is on standard output."""
    text, code, words = PROBLEMS[case]
    assert _check(tmp_path, A + text) == 1
    shown = capsys.readouterr()
    assert f" {code} " in shown.err
    assert words in shown.err
    assert "flow.py:" in shown.err
    assert "warning" not in shown.err
    assert shown.out == ""


WARNINGS = {
    "one split": (_layer("pass", over="Parameter(A, 'total')"), "LAM064", "self.shard(total=self.total)"),
    "one split of a parameter": (
        _layer("pass", hints="self, given: Parameters", over="Parameter(Parameters, 'names')"),
        "LAM064",
        "self.shard(names=parameters.names)",
    ),
    "assigned to a dependency": (_layer("a.total = 5"), "LAM066", "'self.total = ...'"),
    "added to a dependency": (_layer("a.total += 5"), "LAM066", "'self.total = ...'"),
    "returned": (_layer("return a.total"), "LAM067", "assign it to self"),
    "set up before": (
        _layer("self.x = 1") + "\n    def __init__(self) -> None:\n        self.k = 1\n",
        "LAM069",
        "which no task calls",
    ),
}


@pytest.mark.parametrize("case", WARNINGS)
def test_what_is_most_often_a_mistake_is_a_warning(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is 0, and 1 with --strict; the estimate is printed either way."""
    text, code, words = WARNINGS[case]
    assert _check(tmp_path, A + text) == 0
    shown = capsys.readouterr()
    assert f" {code} warning: " in shown.err
    assert words in shown.err
    assert "transitions" in shown.out
    assert _check(tmp_path, A + text, "--strict") == 1


B = _layer("self.y = a.rows\nself.shard(parts=[1])", over="Parameter(A, 'rows')")


def _reader(body: str) -> str:
    return _layer(body, hints="self, b: B").replace("class B", "class C")


@pytest.mark.parametrize(
    "body",
    [
        "for one in b.y: print(one)",
        "self.x = [one for one in b.y]",
        "self.x = list(b.y)",
        "self.x = sorted(b.y)[0]",
        "self.x = b.y[0]",
        "self.x = b.y[1:]",
        "self.x = [*b.y]",
        "self.x = len(b.y)",
        "def inner() -> None:\n    print(sum(b.y))\ninner()",
    ],
)
def test_a_fan_out_read_as_a_sequence(body: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where an attribute of a fan-out is taken for a sequence, `each` is advised: with one split it is none."""
    assert _check(tmp_path, A + B + _reader(body)) == 0
    shown = capsys.readouterr().err
    assert shown.count("LAM068 warning: ") == 1
    assert "each(b, lambda one: one.y)" in shown


SILENT = {
    "by setattr": (A.replace("self.total = 3", "setattr(self, 'any' + 'thing', 3)") + _layer("self.x = a.anything")),
    "by a helper": A.replace("self.total = 3", "fill(self)") + _layer("self.x = a.anything"),
    "by a dict": A.replace("self.total = 3", "self.__dict__.update(y=3)") + _layer("self.x = a.anything"),
    "by keywords": A.replace("rows=[1, 2]", "**{'many': []}") + _layer("self.x = a.many"),
    "by a decorated method": A.replace("    def __call__", "    @wrapped\n    def __call__") + _layer("self.x = a.any"),
    "by a base": "\nclass Base:\n    def fill(self) -> None:\n        self.extra = 1\n"
    + A.replace("A(Layer)", "A(Base, Layer)").replace("self.total = 3", "self.fill()")
    + _layer("self.x = a.extra"),
    "by super": "\nclass Base(Layer):\n    def __call__(self) -> None:\n        self.extra = 1\n"
    + A.replace("A(Layer)", "A(Base)").replace("self.total = 3", "super().__call__()")
    + _layer("self.x = a.extra"),
    "a class attribute": A.replace("    def", "    k = 1\n    def") + _layer("self.x = a.k"),
    "a property": A + "\n    @property\n    def twice(self) -> int:\n        return 2\n" + _layer("self.x = a.twice"),
    "in a tuple": A.replace("self.total = 3", "self.total, (self.p, *self.q) = 1, (2, 3)") + _layer("print(a.p, a.q)"),
    "in a with": A.replace("self.total = 3", "with open('x') as self.p: pass") + _layer("print(a.p)"),
    "by a setter": A.replace("self.total = 3", "self.twice = 3\n        print(self._twice)")
    + """
    @property
    def twice(self) -> int:
        return self._twice

    @twice.setter
    def twice(self, value: int) -> None:
        self._twice = value
"""
    + _layer("print(a.twice, a._twice)"),
    "by a descriptor": """
class Kept:
    def __get__(self, layer, cls=None):
        return self if layer is None else layer.kept

    def __set__(self, layer, value):
        layer.kept = value
"""
    + A.replace("    def", "    k = Kept()\n    def").replace("self.total = 3", "self.k = 3")
    + _layer("print(a.kept)"),
    "by a partial method": "\nimport functools\n"
    + A.replace("self.total = 3", "self.fill()")
    + "\n    def _fill(self, value):\n        self.extra = value\n    fill = functools.partialmethod(_fill, 3)\n"
    + _layer("print(a.extra)"),
    "by a cached method": "\nimport functools\n"
    + A.replace("self.total = 3", "self.fill()")
    + "\n    @functools.cache\n    def fill(self):\n        self.extra = 1\n"
    + _layer("print(a.extra)"),
    "what is asked for before": A + _layer("if hasattr(self, 'none'):\n    print(self.none)"),
    "what all layers have": A + _layer("print(a.execution.id, a.index, a.splits, a.configuration.container)"),
    "an error of the name": A + _layer("try:\n    pass\nexcept ValueError as a:\n    print(a.args)"),
    "a pattern of the name": A + _layer("match 3:\n    case int() as a:\n        print(a.real)"),
    "the rest of a list of the name": A + _layer("match []:\n    case [1, *a]:\n        print(a.pop)"),
    "the rest of a dict of the name": A + _layer("match {}:\n    case {'b': 1, **a}:\n        print(a.keys)"),
    "an import of the name": A + _layer("import math as a\nprint(a.pi)"),
    "a class of the name": A + _layer("class a:\n    b = 1\nprint(a.b)"),
    "groups of errors": A + _layer("try:\n    print(a.none)\nexcept* AttributeError:\n    pass"),
    "where absence is handled": A
    + _layer("try:\n    self.x = a.none\nexcept AttributeError:\n    self.x = None")
    + "\n    @hooks.entry\n    def go(self, a: A) -> bool:\n        return hasattr(a, 'none') and a.none\n",
    "with a default": A + _layer("self.x = getattr(a, 'none', 0)"),
    "another value of the name": A + _layer("a = print\nself.x = a.none"),
    "parameters": _layer("self.x = parameters.anything", hints="self, parameters: Parameters"),
    "its own element": A + _layer("self.x = list(a.rows)", over="Parameter(A, 'rows')"),
    "a sharded attribute of a fan-out": A + B + _reader("self.x = list(b.parts)"),
    "by each": A + B + _reader("self.x = list(each(b, lambda one: one.y))"),
    "a fan-out that is opaque": A + B.replace("self.y", "vars(self)\n        self.y") + _reader("self.x = list(b.y)"),
    "a method that returns": A + _layer("self.x = self.go()") + "\n    def go(self) -> int:\n        return 1\n",
    "an early return": A + _layer("if a.total:\n    return None\nreturn"),
    "a function within that returns": A + _layer("def inner() -> int:\n    return 1\nself.x = inner()"),
    "an element beside a whole one": A + _layer("self.x = 1", over="Parameter(A, 'rows'), Parameter(A, 'total')"),
}


@pytest.mark.parametrize("case", SILENT)
def test_silent_where_it_is_not_certain(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What may be right, or cannot be known from the text, is neither a problem nor a warning."""
    wrapped = "\ndef wrapped(f):\n    import functools\n    return functools.wraps(f)(lambda *given: f(*given))\n"
    text = f"{wrapped}\ndef fill(layer): ...\n{SILENT[case]}\n\nif flow := F():\n    flow()\n"
    assert _check(tmp_path, text, "--strict") == 0
    assert capsys.readouterr().err == ""


def test_the_place_is_in_the_file_of_the_method(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A problem in a base class of another file is at its line there, not at that line of the flow's file."""
    place = "class Base:\n    def fill(self):\n        print(self.none)\n"
    (tmp_path / "bases_of_layers.py").write_text(f"# A comment.\n\n{place}", encoding="utf-8")
    text = f"from bases_of_layers import Base\n{A}".replace("A(Layer)", "A(Base, Layer)")
    assert _check(tmp_path, text.replace("self.total = 3", "self.fill()")) == 1
    assert f"{tmp_path / 'bases_of_layers.py'}:5: LAM065 layer 'A' reads its own 'none'" in capsys.readouterr().err


def test_layers_with_properties_are_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A property does not make a layer's text say less: a misspelt artifact is found beside it."""
    text = A + "\n    @property\n    def twice(self) -> int:\n        return 2 * self.total\n"
    assert _check(tmp_path, text + _layer("print(a.twice, a.totl)")) == 1
    assert "did you mean 'total'?" in capsys.readouterr().err


def test_all_problems_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Problems of methods stand beside those that keep a flow from being compiled, sorted by their place."""
    wrong = (
        A + _layer("self.name = a.totl") + "\n@F.register\nclass C(Layer):\n    def __call__(self, x) -> None: ...\n"
    )
    assert _check(tmp_path, wrong) == 1
    codes = [line.split()[1] for line in capsys.readouterr().err.splitlines() if ": LAM" in line]
    assert sorted(codes) == ["LAM010", "LAM061", "LAM065"]


def test_a_flow_whose_init_leaves_out_its_base(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An `__init__` of a flow that does not call its base's is named, where there was an internal error."""
    text = "\n@F.register\nclass A(Layer):\n    def __call__(self) -> None: ...\n"
    file = tmp_path / "flow.py"
    init = "class F(Flow):\n    def __init__(self) -> None: ...\n"
    file.write_text(HEAD.replace("class F(Flow): ...\n", init) + text, encoding="utf-8")
    assert main(["check", str(file)]) == 1
    assert "the __init__ of flow 'F' must call super().__init__(...)" in capsys.readouterr().err


def test_a_pipelined_layer_that_reads_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It reads its own element of the layer that it follows: any other is a problem, with its line and the cure."""
    pipelined = _reader("self.x = b.y\nself.z = b.tried")
    register = '@F.register(foreach=ForEach([Parameter("B", "y", index=None)], pipelined=True))\nclass C'
    text = A + B + "\n        self.tried = 1\n" + pipelined.replace("@F.register\nclass C", register)
    assert _check(tmp_path, text) == 1
    shown = capsys.readouterr().err
    line = 1 + (tmp_path / "flow.py").read_text().splitlines().index("        self.z = b.tried")
    assert f"flow.py:{line}: LAM053 layer 'C' is pipelined over 'y' of layer 'B', and reads 'tried'" in shown
    assert "drop pipelined=True, so that it waits for all of 'B'" in shown
    assert _check(tmp_path, text.replace("b.tried", "b.y")) == 0

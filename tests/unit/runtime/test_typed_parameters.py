"""Typed parameters: subclasses of `Parameters` that are registered to a flow."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import pathlib
import subprocess
import sys
import typing
import uuid
from typing import Any

import attrs
import pytest

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.exceptions import FlowError
from laminar_runtime.inputs import conversion, declarations
from laminar_runtime.inputs.shapes import NoFormError, describe
from laminar_runtime.storage.layout import input_key

DAY = dt.date(2026, 1, 31)
Rows = typing.NewType("Rows", int)


class Color(enum.Enum):
    RED = "red"
    ZERO = 0


@dataclasses.dataclass
class Size:
    width: int
    height: float = 1.0


@attrs.frozen
class Box:
    size: Size
    labels: tuple[str, ...] = ()


class Options(typing.TypedDict, total=False):
    name: typing.Required[str]
    day: dt.date


class Marked(typing.TypedDict):
    a: int
    b: typing.NotRequired[dt.date]


@dataclasses.dataclass
class Tree:
    children: list[Tree]


def in_memory(flow: type[Flow]) -> Flow:
    return flow(datastore=datastores.Memory(), executor=executors.Thread())


def field(hint: Any, default: Any = declarations.MISSING) -> declarations.Field:
    return declarations.Field("x", hint, Parameters, default)


@pytest.mark.parametrize(
    ("hint", "given", "value"),
    [
        (str, "5", "5"),
        (int, 5, 5),
        (int, 5.0, 5),
        (int, 2**60, 2**60),
        (float, 5, 5.0),
        (bool, True, True),
        (dt.date, "2026-01-31", DAY),
        (dt.date, DAY, DAY),
        (dt.datetime, "2026-01-31T06:00:00Z", dt.datetime(2026, 1, 31, 6, tzinfo=dt.UTC)),
        (dt.time, "06:30:00", dt.time(6, 30)),
        (dt.timedelta, 1.5, dt.timedelta(seconds=1.5)),
        (uuid.UUID, "12345678123456781234567812345678", uuid.UUID("12345678-1234-5678-1234-567812345678")),
        (decimal.Decimal, "1.50", decimal.Decimal("1.50")),
        (pathlib.Path, "a/b", pathlib.Path("a/b")),
        (Color, "red", Color.RED),
        (Color, 0, Color.ZERO),
        (Color, Color.RED, Color.RED),
        (typing.Literal["a", 1], 1, 1),
        (Rows, 5, 5),
        (typing.Annotated[int, "rows"], 5, 5),
        (int | None, None, None),
        (dt.date | str, "2026-01-31", DAY),
        (str | dt.date, "2026-01-31", DAY),
        (int | float, 5.0, 5.0),
        (list[int], (1, 2), [1, 2]),
        (tuple[int, ...], [1, 2], (1, 2)),
        (tuple[int, str], [1, "a"], (1, "a")),
        (set[dt.date], ["2026-01-31"], {DAY}),
        (frozenset[str], ["a", "a"], frozenset("a")),
        (dict[str, list[float]], {"a": [1]}, {"a": [1.0]}),
        (Size, {"width": 1}, Size(1)),
        (Size, Size(2), Size(2)),
        (Box, {"size": {"width": 1, "height": 2}, "labels": ["a"]}, Box(Size(1, 2.0), ("a",))),
        (Options, {"name": "n", "day": "2026-01-31"}, {"name": "n", "day": DAY}),
        (typing.Any, {"a": [None]}, {"a": [None]}),
        (Marked, {"a": 1}, {"a": 1}),
        (Marked, {"a": 1, "b": "2026-01-31"}, {"a": 1, "b": dt.date(2026, 1, 31)}),
        (dict, {"a": 1}, {"a": 1}),
    ],
)
def test_conversion(hint: Any, given: Any, value: Any) -> None:
    """A value of the type stays, a JSON value becomes one, and the JSON form of both is read back."""
    (found,) = conversion.convert([field(hint)], {"x": given}, "F").values()
    assert (found, type(found)) == (value, type(value))
    assert conversion.convert([field(hint)], {"x": conversion.to_json(found)}, "F") == {"x": value}


@pytest.mark.parametrize(
    ("hint", "given", "said"),
    [
        (str, 5, "'x' must be str, not 5"),
        (int, "5", "'x' must be int, not '5'"),
        (int, True, "'x' must be int, not True"),
        (int, 5.5, "'x' must be int, not 5.5"),
        (bool, 1, "'x' must be bool, not 1"),
        (float, True, "'x' must be float, a finite number, not True"),
        (float, float("nan"), "a finite number, not nan"),
        (float, 10**400, "a finite number, not 1000"),
        (dt.date, "2026-02-30", "'x' must be date, text such as \"2026-01-31\", not '2026-02-30'"),
        (dt.date, "20260131", "not '20260131'"),
        (dt.date, "2026-W01-1", "not '2026-W01-1'"),
        (dt.date, dt.datetime(2026, 1, 31, tzinfo=dt.UTC), "'x' must be date"),
        (dt.datetime, "x", "'x' must be datetime"),
        (dt.timedelta, 1e300, "a number of seconds"),
        (decimal.Decimal, 1.5, 'text such as "1.50", not 1.5'),
        (decimal.Decimal, "NaN", "not 'NaN'"),
        (pathlib.Path, 3, "'x' must be Path, not 3"),
        (Color, False, "'x' must be Color, one of 'red', 0, not False"),
        (typing.Literal["a", 1], True, r"must be Literal\['a', 1\], not True"),
        (list[int], "12", r"'x' must be list\[int\], not '12'"),
        (list[int], [1, "b", 2.5], r"'x\[1\]' must be int, not 'b'; parameter 'x\[2\]' must be int, not 2.5"),
        (tuple[int, str], [1], r"'x' must be tuple\[int, str\], not \[1\]"),
        (dict[str, int], {"a": "b"}, r"'x\['a'\]' must be int, not 'b'"),
        (dict[str, int], [], "'x' must be dict"),
        (Size, {}, "'x.width' is missing"),
        (Size, {"width": 1, "depth": 2}, "'x' has unknown fields: depth"),
        (Box | None, {"size": {"width": "w"}}, "'x.size.width' must be int, not 'w'"),
        (Options, {"name": "n", "day": 1}, "'x.day' must be date"),
        (int | None, "5", r"'x' must be int \| None, not '5'"),
        (dt.date | None, 5, r"'x' must be date \| None, text such as \"2026-01-31\", not 5"),
        (list[int | None], ["b"], r"'x\[0\]' must be int \| None, not 'b'"),
        (Marked, {"c": 1}, "'x.a' is missing; parameter 'x' has unknown fields: c"),
        (Options, {}, "'x.name' is missing"),
        # typing keeps one of two unions that are equal.
        (str | int, 1.5, r"'x' must be (str \| int|int \| str), not 1.5"),
        (int, "y" * 200, r"not 'y{79}\.\.\."),
    ],
)
def test_refusal(hint: Any, given: Any, said: str) -> None:
    """Nothing is converted that the caller did not mean. The error has the path, the type and the value."""
    with pytest.raises(FlowError, match=said):
        conversion.convert([field(hint)], {"x": given}, "F")


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        (complex, "complex has no JSON form"),
        (dict[int, str], "keys that are not text"),
        (typing.Sequence[int], "use list"),
        (list[Tree], "Tree has itself as a part"),
        (typing.Literal[b"a"], "the value b'a'"),
        (object, "object has no JSON form"),
    ],
)
def test_types_without_json_form(hint: Any, said: str) -> None:
    """A parameter that could be checked nowhere else is refused."""
    with pytest.raises(NoFormError, match=said):
        describe(hint)
    assert said in conversion.problems_of(field(hint))[0]


def test_all_problems_at_once() -> None:
    """Unknown, missing and wrong parameters are one error, with the class that declares them."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Inputs(Parameters):
        day: dt.date
        rows: int = 100

    with pytest.raises(FlowError) as caught:
        in_memory(MyFlow)(dya="2026-01-31", rows="many")
    text = str(caught.value)
    assert text.startswith(
        "flow 'MyFlow' cannot have these parameters: parameter 'dya' is unknown. Did you mean 'day'?"
    )
    assert "parameter 'day' is missing: it must be date" in text
    assert "parameter 'rows' must be int, not 'many' (Inputs, test_typed_parameters.py:" in text


def test_layers_read_converted_values() -> None:
    """Two subclasses join their fields; a layer that names any of them, or `Parameters`, reads all."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Inputs(Parameters):
        day: dt.date
        labels: list[str] = []  # noqa: RUF012 - each execution has its own

    @MyFlow.register
    class More(Parameters):
        color: Color = Color.RED
        limit: typing.ClassVar[int] = 3

    @MyFlow.register
    class Reads(Layer):
        def __call__(self, inputs: Inputs, more: More, untyped: Parameters, later: "More") -> None:  # noqa: UP037
            assert isinstance(inputs, Inputs)
            assert isinstance(more, More)
            self.read = (inputs.day, more.color, untyped.labels, later.limit, inputs.name)

    execution = in_memory(MyFlow)(day="2026-01-31")
    assert execution.layer(Reads).read == (DAY, Color.RED, [], 3, "Parameters")
    assert execution.layer(Inputs).day == execution.layer("Parameters").day == DAY
    assert MyFlow().dependencies["Reads"] == {"Parameters"}
    assert sorted(MyFlow.registry) == ["Parameters", "Reads"]
    # Plain classes for tests.
    reads = Reads()
    reads(Inputs(day=DAY), More(color=Color.ZERO), Parameters(labels=[]), More())
    assert reads.read[1] is Color.ZERO


def test_one_name_with_two_types() -> None:
    """It is refused where the second class is registered, and the flow stays as it was."""

    class MyFlow(Flow): ...

    class Other(Flow): ...

    @MyFlow.register
    class One(Parameters):
        day: dt.date
        rows: int = 1

    with pytest.raises(FlowError, match=r"parameter 'day' with two types, of 'One' .* and 'Two'"):

        @MyFlow.register
        class Two(Parameters):
            day: str

    with pytest.raises(FlowError, match="parameter 'rows' with two defaults"):

        @MyFlow.register
        class Three(Parameters):
            rows: int = 2

    @Other.register
    class Four(Parameters):
        rows: int

    class Both(MyFlow, Other): ...

    assert in_memory(MyFlow)(day=DAY).layer(One).rows == 1
    assert [one.__name__ for one in Both.declared] == ["One", "Four"]
    assert in_memory(Both)(day=DAY).layer(Four).rows == 1


def test_narrower_type_in_a_subclass() -> None:
    """A class may override what its own base declares, if layers do not name that base, too."""

    class Base(Parameters):
        level: int | str
        label: str = "n"

    class MyFlow(Flow): ...

    @MyFlow.register
    class Narrow(Base):
        level: int

    with pytest.raises(FlowError, match="'level' must be int"):
        in_memory(MyFlow)(level="high")
    assert in_memory(MyFlow)(level=1).layer(Base).label == "n"
    with pytest.raises(FlowError, match=r"parameter 'level' with two types, of 'Base' .* and 'Narrow'"):
        MyFlow.register(Base)


def test_wrong_registrations() -> None:
    """Reserved names, options of layers and `Parameters` itself are refused."""

    class MyFlow(Flow): ...

    class Reserved(Parameters):
        execution: str  # type: ignore[assignment] # the mistake
        self: int

    class Fine(Parameters):
        day: str

    with pytest.raises(FlowError, match="reserved names: 'execution', 'self'"):
        MyFlow.register(Reserved)
    with pytest.raises(FlowError, match="'Fine' with executor: it declares parameters"):
        MyFlow.register(executor=executors.Thread())(Fine)
    with pytest.raises(FlowError, match="'Parameters', which it has without that"):
        MyFlow.register(Parameters)
    MyFlow.register(Fine)
    with pytest.raises(FlowError, match="two classes named 'Fine'"):
        MyFlow.register(type("Fine", (Parameters,), {"__module__": __name__}))


def test_unresolved_hint() -> None:
    """A hint may name what is defined later; what never is becomes an error of the call."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Inputs(Parameters):
        day: Nowhere  # type: ignore[name-defined] # noqa: F821 - the mistake

    with pytest.raises(FlowError, match=r"a type hint of 'Inputs' .* cannot be resolved: name 'Nowhere'"):
        in_memory(MyFlow)(day=1)


def test_input_of_the_state_machine() -> None:
    """Whoever reads a parameter first converts the input, and stores it with the defaults."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Inputs(Parameters):
        day: dt.date
        rows: int = 100

    flow = in_memory(MyFlow)
    first, second = flow.execution("first"), flow.execution("second")
    for execution, text in ((first, '{"parameters": {"day": "2026-01-31"}}'), (second, '{"stored": true}')):
        flow.datastore.transport.put(input_key("MyFlow", execution.id or ""), text.encode())
    assert (first.layer(Inputs).day, first.layer(Inputs).rows) == (DAY, 100)
    with pytest.raises(FlowError, match="parameter 'day' is missing"):
        second.take_input()


def test_resume_after_the_declaration_changed() -> None:
    """The parameters of the start are converted again; what does not fit is named before anything runs."""
    store, fails = datastores.Memory(), [True]

    def flow(declare: type[Parameters]) -> Flow:
        class Report(Flow): ...

        Report.register(declare)

        @Report.register
        class Load(Layer):
            def __call__(self, parameters: Parameters) -> None:
                if fails:
                    raise ValueError
                self.read = (parameters.day, getattr(parameters, "rows", None))

        return Report(datastore=store, executor=executors.Thread())

    class Text(Parameters):
        day: str

    class Date(Parameters):
        day: dt.date
        rows: int = 5

    class Number(Parameters):
        day: int

    with pytest.raises(ValueError, match="failed on attempt 1"):
        flow(Text)("e", day="2026-01-31")
    with pytest.raises(FlowError, match=r"cannot be resumed with the parameters of its start: .* must be int"):
        flow(Number).execution("e").resume()
    fails.clear()
    assert flow(Date).execution("e").resume().layer("Load").read == (DAY, 5)


def test_chain() -> None:
    """What a linker makes is converted, too."""

    class Second(Flow): ...

    class First(Flow): ...

    @Second.register
    class Inputs(Parameters):
        day: dt.date

    execution = in_memory(First)()
    assert execution.next(flow=in_memory(Second), linker=lambda _: Inputs(day="2026-01-31")).layer(Inputs).day == DAY
    with pytest.raises(FlowError, match="'day' must be date"):
        in_memory(First)().next(flow=in_memory(Second), linker=lambda _: Parameters(day="x"))


@pytest.mark.integration
def test_what_an_import_loads() -> None:
    """A process that reads stored parameters of a typed flow loads neither cattrs nor attrs."""
    code = """
import datetime as dt, sys
from laminar_runtime import Flow, Layer, Parameters
class MyFlow(Flow): ...
@MyFlow.register
class Inputs(Parameters):
    day: dt.date
@MyFlow.register
class Reads(Layer):
    def __call__(self, inputs: Inputs) -> None: ...
assert MyFlow().dependencies
print([name for name in ("attr", "cattrs", "dataclasses", "inspect") if name in sys.modules])
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"

"""Attributes of a layer's class beside the artifacts of the same names."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.exceptions import AssignmentError, LayerError, UnsetError
from tests.support.harness import failure, in_memory, run_alone


class Kept:
    """A descriptor that keeps values by the name that it stands under, as those that check values do."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, _: type) -> Any:
        return self if instance is None else instance.__dict__.get(self.name, "unset")

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.name] = value


class Mixin:
    rows = 0
    quick = True

    def method(self) -> str:
        return f"method of {type(self).__name__}"

    @staticmethod
    def static() -> int:
        return 1

    @classmethod
    def of_class(cls) -> str:
        return cls.__name__


class One(Mixin, Layer):
    score = len
    kind = dict
    partial = functools.partial(int, "7")
    part: Any = (1, 2)
    _cache = None
    __secret = "class"
    kept = Kept()

    def _load(self) -> str:
        return "what a layer has under a name of ours"

    @property
    def total(self) -> int:
        return len(self.things)

    @property
    def size(self) -> int:
        return self._size * 10

    @size.setter
    def size(self, value: int) -> None:
        self._size = value

    @functools.cached_property
    def client(self) -> Callable[[], str]:
        return lambda: f"client of {self.rows}"

    @functools.cached_property
    def frozen(self) -> str:
        return "computed"

    def __call__(self) -> None:
        self.rows, self.score, self.kind, self.partial, self._cache = 7, "set", "set", "set", "set"
        self.__secret = "set"
        self.things = [1, 2, 3]
        self.kept, self.size, self.later = "kept", 4, "set"
        self.frozen = "assigned"
        self.shard(part=["a", "b"])
        self.seen = (self.client(), self.total, list(self.part), self.method(), self._load(), self.size)

    def secret(self) -> str:
        return self.__secret


@pytest.fixture
def one() -> One:
    """The layer as it is read when it has run."""

    class MyFlow(Flow): ...

    MyFlow.register(One)
    One.later = "set later in the class"  # type: ignore[attr-defined]
    return in_memory(MyFlow)().layer(One)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rows", 7),
        ("score", "set"),
        ("kind", "set"),
        ("partial", "set"),
        ("_cache", "set"),
        ("later", "set"),
        ("kept", "kept"),
        ("frozen", "assigned"),
        ("size", 40),
        ("total", 3),
    ],
)
def test_readers_get_what_was_assigned(one: One, name: str, value: Any) -> None:
    """Whatever the class, or a mixin, has of that name, or is given later; properties compute from what is stored."""
    assert getattr(one, name) == value


def test_what_nobody_assigned_is_the_class_s(one: One) -> None:
    """Defaults, methods and what is computed once work on readers, and private names are each class's own."""
    assert (one.quick, one.method(), one.static(), one.of_class()) == (True, "method of One", 1, "One")
    assert (one.client(), one.secret(), list(one.part)) == ("client of 7", "set", ["a", "b"])
    assert one.seen == ("client of 7", 3, ["a", "b"], "method of One", "what a layer has under a name of ours", 40)


def test_classes_stay_as_they_are(one: One) -> None:
    """The class's own attributes are what they were, and plain instances have them."""
    assert (One.rows, One.score, One._cache) == (0, len, None)
    assert (One().rows, One(rows=3).rows, One()._cache, One().kept, One(_size=2).size) == (0, 3, None, "unset", 20)


class Looks:
    """Looks its attributes up by itself."""

    def __getattribute__(self, name: str) -> Any:
        return super().__getattribute__(name)


class Makes:
    """Makes attributes that it has not, and knows nothing of layers."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("made_"):
            return name
        raise AttributeError(name)


@pytest.mark.parametrize("mixin", [Looks, Makes])
def test_classes_with_lookups_of_their_own(mixin: type) -> None:
    """Artifacts come before what they find, and what is no artifact is for them."""

    class MyFlow(Flow): ...

    def call(self: Any) -> None:
        self.rows, self.other, self.made_here = 7, 8, 9

    layer: Any = MyFlow.register(type("Own", (mixin, Layer), {"rows": 0, "limit": 3, "__call__": call}))
    read = in_memory(MyFlow)().layer(layer)
    assert (read.rows, read.other, read.limit, read.made_here) == (7, 8, 3, 9)
    assert getattr(read, "made_there", None) == ("made_there" if mixin is Makes else None)
    with pytest.raises(AttributeError, match="absent"):
        _ = read.absent
    assert (read.index, read.state.finished) == (None, True)


def test_what_is_computed_once_is_no_artifact(one: One) -> None:
    """A client that a layer keeps need not be stored, and cannot be."""
    assert "client" not in one.execution.datastore.list_artifacts(layer=one)


def test_splits_of_a_fan_out_see_their_element() -> None:
    """Also where the class that sharded it has a default."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Parts(Layer):
        n = 0

        def __call__(self) -> None:
            self.shard(n=[1, 2])

    @MyFlow.register(foreach=ForEach(parameters=[Parameter(Parts, "n")]))
    class Each(Layer):
        n = -1

        def __call__(self, parts: Parts) -> None:
            self.n = parts.n * 10

    each = in_memory(MyFlow)().layer(Each)
    assert list(each.n) == [10, 20]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("method", "layer 'One' assigns to 'method', which is a method of Mixin: rename the artifact"),
        ("static", "which is a method of Mixin"),
        ("of_class", "which is a method of Mixin"),
        ("total", "which is a property of One without a setter"),
        ("__dunder__", "begins with two underscores"),
        ("_private", "reserved names: _private"),
        ("__init__", "begins with two underscores"),
    ],
)
@pytest.mark.parametrize("how", ["setattr", "vars", "shard"])
def test_names_that_cannot_be_stored(name: str, said: str, how: str) -> None:
    """They are refused when they are assigned; what is put into the instance behind our back, at the end."""

    class Wrong(One):
        def __call__(self) -> None:
            if how == "setattr":
                setattr(self, name, 5)
            elif how == "shard":
                self.shard(**{name: [5]})
            else:
                vars(self)[name] = 5

    Wrong.__name__ = "One"
    if how == "shard":
        said = f"'{name}' .*layer 'One' cannot shard an attribute of that name"
    if (how, name) == ("vars", "_private"):
        return
    error = failure(lambda: run_alone(Wrong))
    assert isinstance(error, AssignmentError)
    assert re.search(said, str(error))


@pytest.mark.parametrize("name", ["kept", "size"])
def test_what_the_class_takes_cannot_be_sharded(name: str) -> None:
    """A property with a setter, or a descriptor, decides what becomes of a value."""

    class Wrong(One):
        def __call__(self) -> None:
            self.shard(**{name: [1]})

    assert f"'{name}' is a descriptor of the layer's class" in str(failure(lambda: run_alone(Wrong)))


def test_plain_instances_may_have_any_attribute() -> None:
    """Tests replace methods."""
    one = One(method=lambda: "fake")
    assert one.method() == "fake"
    one.static = lambda: 2  # type: ignore[method-assign]
    assert one.static() == 2


@pytest.mark.parametrize("name", ["whole", "state", "name"])
def test_plain_instances_compute_what_they_compute(name: str) -> None:
    """A value for what a layer computes would not be seen, so it is not taken, as in plain Python."""

    class Computes(Layer):
        @property
        def whole(self) -> int:
            return 1

    with pytest.raises(AttributeError, match=f"property '{name}' of .*Computes' object has no setter"):
        Computes(**{name: 2})


class Slotted:
    __slots__ = ("rows",)


@pytest.mark.parametrize(
    ("body", "bases", "said"),
    [
        (
            {"__slots__": ("rows",)},
            (Layer,),
            "'rows' is a slot of Wrong, and the values of slots are not stored: remove it",
        ),
        ({}, (Slotted, Layer), "'rows' is a slot of Slotted"),
        ({"name": "x"}, (Layer,), "'name' of Wrong is a reserved name on layers: rename it"),
        ({"state": lambda self: 1}, (Layer,), "'state' of Wrong is a reserved name"),
    ],
)
def test_classes_that_are_no_layers(body: dict[str, Any], bases: tuple[type, ...], said: str) -> None:
    """What slots hold is not stored, and reserved names mean something else: both are refused when registered."""
    flow = type("MyFlow", (Flow,), {})
    with pytest.raises(LayerError, match=f"layer 'Wrong' cannot run: {said}"):
        flow.register(type("Wrong", bases, dict(body)))
    flow.register(type("Right", (Layer,), {"__slots__": ()}))


def raises() -> Any:
    raise AttributeError("its own error")


class Raising(Layer):
    calls = 0

    @property
    def plain(self) -> Any:
        type(self).calls += 1
        raises()

    @functools.cached_property
    def cached(self) -> Any:
        type(self).calls += 1
        raises()

    @property
    def nested(self) -> Any:
        return self.plain

    def __call__(self) -> None:
        self.got = getattr(self, self.which)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["plain", "cached", "nested"])
@pytest.mark.parametrize("runs", [True, False])
def test_errors_of_properties(name: str, runs: bool) -> None:  # noqa: FBT001 - one of two places
    """A property's own AttributeError is reported, and the property runs once, in a task and in a test."""
    Raising.calls = 0
    cls = type("One", (Raising,), {"which": name})
    assert str(failure(lambda: run_alone(cls) if runs else getattr(Raising(), name))) == "its own error"
    assert Raising.calls == (0 if runs else 1)
    assert not hasattr(Raising(), name)


def test_errors_of_properties_that_read_dependencies() -> None:
    """What is not stored is named by the property that reads it, on the layer that runs and on one that is read."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class First(Layer):
        @property
        def twice(self) -> Any:
            return self.once * 2

        def __call__(self) -> None: ...

    @MyFlow.register
    class Second(Layer):
        first: First

        @property
        def fourfold(self) -> Any:
            return vars(self)["first"].twice * 2

        def __call__(self, first: First) -> None:
            vars(self)["first"] = first
            self.value = self.fourfold

    flow = in_memory(MyFlow)
    for error in (failure(lambda: flow("e1")), failure(lambda: flow.execution("e1").layer(First).twice)):
        assert isinstance(error, UnsetError)
        assert re.search("'First' has no attribute 'once'.* It finished, but did not assign it", str(error))


def test_entry_hooks_see_the_class_s_attributes() -> None:
    """Before it runs a layer has assigned nothing: not even an attempt that failed before has."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Enters(Layer):
        limit = 5
        seen: ClassVar[list[int]] = []

        @hooks.entry
        def enter(self) -> bool:
            self.seen.append(self.limit)
            return True

        def __call__(self) -> None:
            self.limit += 1
            if len(self.seen) == 1:
                raise OSError("once")

    flow = in_memory(MyFlow)
    failure(lambda: flow("e1"))
    flow.execution("e1").resume()
    assert (Enters.seen, flow.execution("e1").layer(Enters).limit) == ([5, 5], 6)

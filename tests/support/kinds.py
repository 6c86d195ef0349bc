"""A flow whose artifacts are one of each kind of value that a flow's file makes: tests run copies of this file."""

from __future__ import annotations

import abc
import dataclasses
import enum
import functools
import json
import sys
import threading
import typing
from collections.abc import Callable
from types import GenericAlias

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import executors, serde
from laminar_runtime.configurations.layers import Container
from laminar_runtime.pickling import scopes

T = typing.TypeVar("T")


@dataclasses.dataclass
class Point:
    x: int

    def double(self) -> int:
        return self.x * 2

    @classmethod
    def origin(cls) -> Point:
        return cls(0)

    @dataclasses.dataclass
    class Inner:  # noqa: D106 - what it is for is its place
        y: int


class Inherits(Point):
    pass


@dataclasses.dataclass(frozen=True, slots=True)
class Slots:
    x: int


class Color(enum.Enum):
    RED = 1


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Row(typing.NamedTuple):
    x: int


class Box(typing.Generic[T]):
    def __init__(self, item: T) -> None:
        self.item = item


class OwnError(Exception):
    pass


class Meta(type):
    pass


class Made(metaclass=Meta):
    pass


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self) -> int: ...


@Shape.register
class Square:
    pass


class Locked:
    lock = threading.Lock()

    @functools.cached_property
    def found(self) -> int:
        with self.lock:
            return 3


class Missing:
    def __reduce__(self) -> str:
        return "MISSING"


MISSING = Missing()
Shaped = dataclasses.make_dataclass("Shaped", ["x"])
REGISTRY: dict[type, str] = {Point: "point"}
COUNT = 0


def plain(x: int) -> int:
    return x + 1


def logged(function: Callable[[int], int]) -> Callable[[int], int]:
    @functools.wraps(function)
    def call(x: int) -> int:
        return function(x)

    return call


@logged
def decorated(x: int) -> int:
    return x + 1


@functools.lru_cache
def cached(x: int) -> int:
    return x + 1


@functools.singledispatch
def kind(value: object) -> str:
    return "unknown"


@kind.register
def _(value: Point) -> str:
    return "point"


def count() -> int:
    global COUNT  # noqa: PLW0603 - a kind
    COUNT += 1
    return COUNT


square = lambda x: x * x  # noqa: E731 - a kind


def _factory() -> type:
    class Hidden:
        pass

    return Hidden


FromFactory = _factory()


def _local() -> object:
    @dataclasses.dataclass
    class Local:
        x: int = 4

    return Local()


def _local_enum() -> object:
    class Inner(enum.Enum):
        ONE = "one"

    class Outer:
        def __init__(self) -> None:
            self.x, self.y = Inner.ONE.value, Inner.ONE

    return Outer()


def _closure() -> Callable[[int], Point]:
    base = 10
    return lambda x: Point(base + x)


#: Each kind of value: a function that makes it, and a condition that holds wherever it is read.
KINDS: dict[str, tuple[Callable[[], typing.Any], Callable[[typing.Any], bool]]] = {
    "dataclass": (lambda: Point(1), lambda value: value == Point(1) and isinstance(value, Point)),
    "slots": (lambda: Slots(1), lambda value: value in {Slots(1), Slots(2)}),
    "enum": (lambda: Color.RED, lambda value: value is Color.RED),
    "flag": (lambda: Access.READ | Access.WRITE, lambda value: Access.READ in value),
    "named_tuple": (lambda: Row(1), lambda value: type(value) is Row and value == (1,)),
    "generic": (lambda: Box[int](Point(1)), lambda value: isinstance(value, Box) and value.item == Point(1)),
    "nested": (lambda: Point.Inner(2), lambda value: value == Point.Inner(2)),
    "error": (lambda: OwnError("no"), lambda value: isinstance(value, OwnError)),
    "metaclass": (Made, lambda value: type(type(value)) is Meta and isinstance(value, Made)),
    "abstract": (Square, lambda value: isinstance(value, Shape)),
    "locked": (Locked, lambda value: value.found == 3),
    "named_itself": (lambda: MISSING, lambda value: value is MISSING),
    "made_dataclass": (lambda: Shaped(1), lambda value: value == Shaped(1)),
    "class_itself": (lambda: Point, lambda value: value is Point),
    "alias": (lambda: list[Point], lambda value: value == GenericAlias(list, (Point,))),
    "type_variable": (lambda: T, lambda value: value is T),
    "function": (lambda: plain, lambda value: value is plain),
    "decorated": (lambda: decorated, lambda value: value is decorated),
    "cached": (lambda: cached, lambda value: value is cached),
    "partial": (lambda: functools.partial(plain, 1), lambda value: value.func is plain and value() == 2),
    "bound": (lambda: Point(2).double, lambda value: value() == 4 and value.__self__ == Point(2)),
    "class_method": (lambda: Point.origin, lambda value: value == Point.origin),
    "inherited": (lambda: Inherits.origin, lambda value: value == Inherits.origin and value.__self__ is Inherits),
    "dispatch": (lambda: Point(1), lambda value: kind(value) == "point" and REGISTRY[type(value)] == "point"),
    "counts": (lambda: count, lambda value: value() == COUNT),
    "lambda_with_name": (lambda: square, lambda value: value is square),
    "from_factory": (FromFactory, lambda value: type(value) is FromFactory),
    "in_others": (lambda: {"a": [Point(1), {Color.RED}]}, lambda value: value == {"a": [Point(1), {Color.RED}]}),
    "module": (lambda: sys.modules[Point.__module__], lambda value: value.Point is Point),
    "local": (_local, lambda value: value.x == 4),
    "local_enum": (_local_enum, lambda value: value.x == "one" and type(value.y).__name__ == "Inner"),
    "closure": (_closure, lambda value: value(1) == Point(11)),
}


class Kinds(Flow):
    pass


@Kinds.register(container=Container(command="python ./main.py"))
class Write(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.given = parameters.given == Point(7)
        for name, (make, _) in KINDS.items():
            setattr(self, f"v_{name}", make())


@Kinds.register(container=Container(command="python ./main.py"))
class Read(Layer):
    def __call__(self, write: Write) -> None:
        self.wrong = wrong(write)


def wrong(write: Write) -> list[str]:
    """Return the kinds whose value is wrong when it is read."""
    return [f"{name}: {problem}" for name in KINDS if (problem := _problem(write, name))]


def _problem(write: Write, name: str) -> str:
    try:
        value = getattr(write, f"v_{name}")
        return "" if KINDS[name][1](value) else f"differs: {value!r}"
    except Exception as error:  # noqa: BLE001 - any error is printed
        return f"{type(error).__name__}: {error}"


def run(*, threads: bool = False) -> str:
    """Run the flow, and print the kinds that are wrong in a task and here."""
    flow = Kinds(executor=executors.Thread()) if threads else Kinds()
    execution = flow(given=Point(7))
    write = execution.layer(Write)
    return json.dumps([execution.layer(Read).wrong, wrong(write), write.given])


def digests() -> str:
    """Return the digest of each kind of value, as this process pickles it."""
    flow, protocol = Kinds(), serde.PickleProtocol()
    bool(flow)
    with scopes.scope_of("Kinds", flow.datastore):
        return json.dumps({name: protocol.hexdigest(make()) for name, (make, _) in KINDS.items()})


if __name__ == "__main__" and "digests" in sys.argv:
    sys.stdout.write(digests() + "\n")
elif __name__ == "__main__" and Kinds():
    sys.stdout.write(run(threads="thread" in sys.argv) + "\n")

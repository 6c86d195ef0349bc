"""Classes that are declared by their annotations."""

from __future__ import annotations

import copy
import inspect
import pickle
import pydoc
from typing import Any, ClassVar

import pytest

from laminar_runtime import _records
from laminar_runtime._records import Field, field


def _positive(instance: object, one: Field, value: int) -> None:
    if value <= 0:
        raise ValueError(f"{one.name} of {type(instance).__name__} is {value}")


@_records.frozen
class Point:
    kind: ClassVar[str] = "point"

    x: int
    y: int = 0
    tags: tuple[str, ...] = field(default=(), converter=tuple)


@_records.frozen
class Named(Point):
    x: int = 5
    name: str = field(default="n", kw_only=True)


@_records.define
class Box:
    size: int = field(default=1, validator=_positive)
    parts: list[int] = field(factory=list)

    def __post_init__(self) -> None:
        if len(self.parts) > self.size:
            raise ValueError("too many")


@_records.define(eq=False)
class Service:
    root: str
    retries: int = field(default=3, validator=_positive, alias="attempts", kw_only=True)
    _cache: dict[str, int] = field(factory=dict, init=False, repr=False)
    owner: str = field(default="me", repr=str.upper)


def test_arguments() -> None:
    """Arguments are taken by place or by name, and defaults where there are none."""
    assert (Point(1).x, Point(1).y, Point(1, 2).y, Point(y=3, x=1).y) == (1, 0, 2, 3)
    assert Point(1, tags=["a"]).tags == ("a",)  # type: ignore[arg-type] # converted
    assert Service("r", attempts=7).retries == 7
    assert Point.kind == "point"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (Point, "Point is missing 'x'"),
        (lambda: Point(1, z=2), "Point has no argument 'z'. Its arguments: x, y, tags"),
        (lambda: Point(1, tag=()), r"Point has no argument 'tag'\. Did you mean 'tags'\? Its arguments: x, y, tags"),
        (lambda: _records.evolve(Point(1), tagz=()), r"Did you mean 'tags'\?"),
        (lambda: Point(1, x=2), "Point got two values for argument 'x'"),
        (lambda: Point(1, 2, (), 4), "Point takes 3 positional arguments, not 4"),
        (lambda: Service("r", "o", 3), "Service takes 2 positional arguments, not 3"),
        (lambda: Service("r", retries=3), "Service has no argument 'retries'. Its arguments: root, attempts, owner"),
        (lambda: Service("r", _cache={}), "Service has no argument '_cache'"),
    ],
)
def test_wrong_arguments(make: Any, said: str) -> None:
    """The error names an argument that is unknown, missing or given twice."""
    with pytest.raises(TypeError, match=said):
        make()


def test_checks() -> None:
    """What is given is checked, also when it is assigned, and the whole when all is there."""
    with pytest.raises(ValueError, match="size of Box is 0"):
        Box(0)
    with pytest.raises(ValueError, match="too many"):
        Box(1, [1, 2])
    box = Box(2)
    with pytest.raises(ValueError, match="size of Box is -1"):
        box.size = -1
    with pytest.raises(AttributeError, match="a Box has no field 'sise'"):
        box.sise = 3  # type: ignore[attr-defined]
    assert box == Box(2)


def test_frozen() -> None:
    """A frozen value does not change, and is a key."""
    point = Point(1)
    for change in (lambda: setattr(point, "x", 2), lambda: delattr(point, "x"), lambda: setattr(point, "new", 2)):
        with pytest.raises(AttributeError, match="a Point is immutable"):
            change()
    assert {Point(1): "a"}[Point(1, 0)] == "a"
    assert hash(Point(1)) != hash(Point(2))


def test_equality() -> None:
    """Values of one class and equal fields are equal; services are themselves."""
    assert Point(1) == Point(1, 0, ())
    assert Point(1) != Point(2)
    assert Point(1) != Named(1)
    assert Point(1) != (1, 0, ())
    assert Box(2) == Box(2)
    assert Service("r") != Service("r")
    with pytest.raises(TypeError, match="unhashable"):
        hash(Box())


def test_own_defaults() -> None:
    """What a factory makes is of one instance."""
    assert Box(3).parts is not Box(3).parts
    first, second = Service("r"), Service("r")
    first._cache["a"] = 1
    assert second._cache == {}


def test_inheritance() -> None:
    """A subclass has its base's fields; one that it declares anew stands where it does so."""
    assert repr(Named(1, name="a")) == "Named(y=1, tags=(), x=5, name='a')"
    assert Named.__match_args__ == ("y", "tags", "x")
    match Named(1):
        case Named(y):
            assert y == 1


def test_repr() -> None:
    """A value shows its fields, but for those that are not to be shown."""
    assert repr(Point(1, 2)) == "Point(x=1, y=2, tags=())"
    assert repr(Service("r")) == "Service(root='r', retries=3, owner=ME)"


def test_copies() -> None:
    """Copies are equal and their own, with changes checked or not."""
    assert _records.evolve(Point(1, 2), x=3) == Point(3, 2)
    assert _records.evolve(Service("r", attempts=5), root="s").retries == 5
    with pytest.raises(ValueError, match="size of Box"):
        _records.evolve(Box(), size=0)
    assert _records.copy(Box(), size=0).size == 0
    assert _records.plain(Point(1, 2)) == {"x": 1, "y": 2, "tags": ()}
    for same in (pickle.loads(pickle.dumps(Point(1, 2))), copy.copy(Point(1, 2)), copy.deepcopy(Point(1, 2))):  # noqa: S301
        assert same == Point(1, 2)


def test_services_have_other_attributes() -> None:
    """What is not compared by its fields may keep more than them."""
    service = Service("r")
    service.extra = 1  # type: ignore[attr-defined]
    service.root = "s"
    assert (service.root, vars(service)["extra"]) == ("s", 1)
    with pytest.raises(ValueError, match="retries of Service is 0"):
        service.retries = 0


@pytest.mark.parametrize(
    ("cls", "signature"),
    [
        (Point, "(x: int, y: int = 0, tags: tuple[str, ...] = ()) -> None"),
        (Named, "(y: int = 0, tags: tuple[str, ...] = (), x: int = 5, *, name: str = 'n') -> None"),
        (Box, "(size: int = 1, parts: list[int] = <factory>) -> None"),
        (Service, "(root: str, owner: str = 'me', *, attempts: int = 3) -> None"),
    ],
)
def test_signatures(cls: type, signature: str) -> None:
    """Those who ask for help get the arguments with their types and defaults, of the class and of its ``__init__``."""
    assert str(inspect.signature(cls)) == signature
    assert str(inspect.signature(cls.__init__)) == signature.replace("(", "(self, ", 1)
    shown = pydoc.plain(pydoc.render_doc(cls))
    assert f"{cls.__name__}{signature}" in shown
    assert "*given" not in shown


def test_signature_of_hints_that_only_type_checkers_see() -> None:
    """What cannot be looked up is shown as it is written."""

    @_records.frozen
    class Lacking:
        one: Missing  # type: ignore[name-defined] # noqa: F821 - that is the point

    assert str(inspect.signature(Lacking)) == "(one: 'Missing') -> None"

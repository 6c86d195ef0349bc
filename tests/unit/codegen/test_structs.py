"""Values of the compiler: equal, hashed and printed by their fields, as attrs would have it."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import attrs
import pytest

import laminar_codegen
from laminar_codegen.ir.expressions import Input, Ref
from laminar_codegen.ir.structs import Struct
from laminar_runtime.variables import Variable


@attrs.frozen(eq=False, repr=False)
class Point(Struct):
    x: Any
    y: Any = attrs.field(default=0, repr=False)


@attrs.frozen(eq=False, repr=False)
class Other(Struct):
    x: Any
    y: Any = 0


@attrs.frozen(eq=False, repr=False)
class Nothing(Struct):
    """Without fields."""


def test_values_are_equal_by_their_fields() -> None:
    assert Point(1) == Point(1, 0)
    assert Point(1) != Point(1, 2)
    assert Nothing() == Nothing()
    assert len({Point(1), Point(1, 0), Point(2), Nothing(), Nothing()}) == 3


def test_values_of_different_classes_differ() -> None:
    assert Point(1) != Other(1)
    assert Ref("var.x") != Input.of(Variable("x"))
    assert Point(1) != 1
    assert len({Point(1), Other(1)}) == 2


@attrs.frozen(eq=False, repr=False)
class Sized(Struct):
    size: int
    parts: list[int] = attrs.field(hash=False)


def test_a_field_without_a_hash_is_compared_all_the_same() -> None:
    assert hash(Sized(1, [2])) == hash(Sized(1, [3]))
    assert Sized(1, [2]) != Sized(1, [3])
    assert Sized(1, [2]) == Sized(1, [2])


def test_a_value_with_a_mutable_field_has_no_hash() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Point([]))


def test_a_value_prints_its_fields() -> None:
    assert (repr(Point("a", 2)), repr(Nothing())) == ("Point(x='a')", "Nothing()")


def test_each_struct_leaves_these_methods_to_its_base() -> None:
    """A class that forgets ``eq=False`` pays for generated code, and hides the methods of its base."""
    for module in pkgutil.walk_packages(laminar_codegen.__path__, "laminar_codegen."):
        if ".rehearsal" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    todo, own = Struct.__subclasses__(), []
    while todo:
        cls = todo.pop()
        todo += cls.__subclasses__()
        if cls.__module__.startswith("laminar_codegen."):
            own += [f"{cls.__qualname__}.{name}" for name in ("__eq__", "__hash__", "__repr__") if name in vars(cls)]
    assert own == []

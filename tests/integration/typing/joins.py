"""What type checkers know of values that are read from layers: the declaration is right on both sides of a fan-out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_type

from laminar_runtime import Flow, Layer, Parameters, each
from laminar_runtime.configurations.layers import ForEach, Parameter


class Joins(Flow): ...


@Joins.register
class Numbers(Layer):
    n: int
    rows = 0

    def __call__(self, parameters: Parameters) -> None:
        self.shard(n=parameters.numbers)


@Joins.register(foreach=ForEach(parameters=[Parameter(layer=Numbers, attribute="n")]))
class Square(Layer):
    def __call__(self, numbers: Numbers) -> None:
        assert_type(numbers.n, int)
        self.y: int = numbers.n**2
        self.text = str(self.y)


@Joins.register
class Total(Layer):
    def __call__(self, square: Square, numbers: Numbers) -> None:
        values = each(square, lambda square: square.y)
        assert_type(values[0], int)
        assert_type(list(values), list[int])
        assert_type(values.missing, tuple[int, ...])
        assert_type(list(each(square, lambda square: square.text)), list[str])
        names: Sequence[int] = each(numbers, lambda numbers: numbers.n)
        assert_type(names[1:], Sequence[int])
        self.total = sum(values)
        self.pairs = dict(zip(values.indexes, values, strict=True))
        self.rows = numbers.rows


def results(flow: Joins) -> list[int]:
    """Results have the types that layers declare; those of a layer that is given by name are of any type."""
    execution = flow(numbers=[1, 2])
    assert_type(execution.layer(Total), Total)
    assert_type(execution.layer(Total).total, int)
    assert_type(execution.layer(Total).pairs, dict[int, int])
    untyped: Any = execution.layer("Total").total
    assert_type(list(each(execution.layer("Square"), lambda square: square.y)), list[Any])
    return [untyped, *each(execution.layer(Square), lambda square: square.y)]


def tested() -> list[int]:
    """Layers are plain classes for tests."""
    numbers = Numbers(n=3)
    numbers.shard(n=[1, 2, 3])
    square = Square()
    square(Numbers(n=3))
    total = Total()
    total(square, numbers)
    return list(each(square, lambda square: square.y))

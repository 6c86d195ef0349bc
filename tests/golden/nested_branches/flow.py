"""Branches within branches, and one that stands alone."""

from laminar_runtime import Flow, Layer


class Nested(Flow):
    """Series and parallel, nested."""


@Nested.register
class Load(Layer):
    def __call__(self) -> None: ...


@Nested.register
class Left(Layer):
    def __call__(self, load: Load) -> None: ...


@Nested.register
class LeftOne(Layer):
    def __call__(self, left: Left) -> None: ...


@Nested.register
class LeftTwo(Layer):
    def __call__(self, left: Left) -> None: ...


@Nested.register
class LeftEnd(Layer):
    def __call__(self, leftone: LeftOne, lefttwo: LeftTwo) -> None: ...


@Nested.register
class Right(Layer):
    def __call__(self, load: Load) -> None: ...


@Nested.register
class Join(Layer):
    def __call__(self, leftend: LeftEnd, right: Right) -> None: ...


@Nested.register
class Alone(Layer):
    def __call__(self) -> None: ...


if flow := Nested():
    flow()

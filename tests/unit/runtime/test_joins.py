"""`each`: what the splits of a layer assigned, always as a sequence."""

from __future__ import annotations

import operator
import pickle
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from laminar_runtime import Flow, Layer, Parameters, each
from laminar_runtime.configurations.layers import Catch, ForEach, Parameter
from laminar_runtime.exceptions import ExecutionError, LayerError, MissingError, UnsetError
from tests.support.harness import failure, in_memory, objects_of


class Joins(Flow): ...


@Joins.register
class Numbers(Layer):
    n: int
    plain: str
    rows = 0

    def __call__(self, parameters: Parameters) -> None:
        self.shard(n=parameters.numbers)
        self.plain = "plain"
        self.read_back = (list(each(self, lambda own: own.n)), list(each(self, lambda own: own.plain)))


@Joins.register(foreach=ForEach(parameters=[Parameter(Numbers, "n")]), catch=Catch(ZeroDivisionError))
class Inverse(Layer):
    value: float
    digits: str
    rows = 0
    kind: str

    @property
    def doubled(self) -> float:
        return self.value * 2

    def __call__(self, numbers: Numbers) -> None:
        self.all = list(each(numbers, lambda layer: layer.n))
        self.kind = "inverse"
        self.value = 1 / numbers.n
        self.rows = numbers.n
        self.shard(digits=str(numbers.n))


@Joins.register
class Total(Layer):
    def __call__(self, inverse: Inverse, numbers: Numbers, parameters: Parameters) -> None:
        values = each(inverse, lambda inverse: inverse.value)
        self.values, self.missing, self.indexes = list(values), values.missing, values.indexes
        self.names = list(each(parameters, lambda layer: layer.numbers))
        self.plain = list(each(numbers, lambda layer: layer.plain))
        self.stored = values


@pytest.mark.parametrize(
    ("numbers", "values", "missing"),
    [
        ([], [], ()),
        ([4], [0.25], ()),
        ([1, 2], [1.0, 0.5], ()),
        ([1, 0, 2], [1.0, 0.5], (1,)),
        ([0], [], (0,)),
        ([0, 0], [], (0, 1)),
    ],
)
def test_values_of_all_splits(numbers: list[int], values: list[float], missing: tuple[int, ...]) -> None:
    """Of 0, 1 or n splits there is a sequence, of those that assigned the attribute, and what is missing is named."""
    execution = in_memory(Joins)(numbers=numbers)
    total, inverse = execution.layer(Total), execution.layer(Inverse)
    assert (total.values, total.missing) == (values, missing)
    assert total.indexes == tuple(index for index in range(len(numbers)) if index not in missing)
    assert (total.names, total.plain) == ([numbers], ["plain"])
    assert execution.layer(Numbers).read_back == (numbers, ["plain"])
    assert list(each(execution.layer(Numbers), lambda layer: layer.n)) == numbers
    assert list(each(inverse, operator.attrgetter("all"))) == [numbers] * len(numbers)
    assert list(each(inverse, lambda layer: layer.digits)) == [*"".join(str(number) for number in numbers if number)]
    assert list(each(inverse, lambda layer: layer.rows)) == [number for number in numbers if number]
    assert (list(total.stored), total.stored.missing) == (values, missing)


def test_sequence() -> None:
    """It has a length, negative indexes and slices, and reads what is asked for."""
    inverse = in_memory(Joins)(numbers=[1, 2, 4, 0]).layer(Inverse)
    values = each(inverse, lambda inverse: inverse.value)
    assert (len(values), values[0], values[-1], values[1:], 0.5 in values) == (3, 1.0, 0.25, [0.5, 0.25], True)
    assert repr(values) == "Each(3 values, 1 of 4 splits missing)"
    assert repr(each(inverse, lambda inverse: inverse.kind)) == "Each(4 values)"
    with pytest.raises(IndexError):
        _ = values[3]
    assert list(pickle.loads(pickle.dumps(each(Inverse(value=1.5), lambda layer: layer.value)))) == [1.5]  # noqa: S301


def test_reads_that_miss_splits_name_them() -> None:
    """What is read as if all splits had assigned it says which did not, also where the class has a default."""
    flow = in_memory(Joins)
    inverse = flow("e1", numbers=[1, 0, 2]).layer(Inverse)
    for name in ("value", "rows"):
        error = failure(lambda name=name: getattr(inverse, name))  # type: ignore[misc]
        assert isinstance(error, UnsetError)
        assert str(error) == (
            f"in execution e1 '{name}' of layer 'Inverse' was not assigned by split 1 of 0 to 2: "
            f"each(layer, lambda layer: layer.{name}) reads what the others assigned"
        )
    many = flow("e2", numbers=[*[0] * 30, 1]).layer(Inverse)
    assert "by splits 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ... of 0 to 30" in str(failure(lambda: many.value))
    none = flow("e3", numbers=[0, 0]).layer(Inverse)
    assert none.rows == 0
    with pytest.raises(UnsetError, match=r"'value' in execution e3\. It finished, but did not assign it"):
        _ = none.value


def test_a_fan_out_over_splits_of_which_some_are_missing() -> None:
    """It fails with their names."""

    class More(Joins): ...

    @More.register(foreach=ForEach(parameters=[Parameter(Inverse, "value", index=None)]))
    class Next(Layer):
        def __call__(self, inverse: Inverse) -> None: ...

    with pytest.raises(ExecutionError, match=r"'Next'.*cannot fan out over 'value' of layer 'Inv.* by split 1 of 0 to"):
        in_memory(More)(numbers=[1, 0, 2])


def test_joins_are_kept() -> None:
    """What some splits assigned is looked for once."""
    flow = in_memory(Joins)
    inverse = flow("e1", numbers=[1, 0, 2]).layer(Inverse)
    path = "Joins/.cache/e1/Inverse/.some/value.json"
    assert path in objects_of(flow)
    for key in [key for key in objects_of(flow) if key.startswith("Joins/archives/e1/Inverse/")]:
        del objects_of(flow)[key]
    assert list(each(inverse, lambda inverse: inverse.value)) == [1.0, 0.5]


def test_one_split() -> None:
    """A split that is asked for gives its own value."""
    execution = in_memory(Joins)(numbers=[1, 0, 2])
    assert list(each(execution.layer(Inverse, index=2), lambda layer: layer.value)) == [0.5]
    assert each(execution.layer(Inverse, index=1), lambda layer: layer.value).missing == (1,)


def test_instances_made_for_tests() -> None:
    """An attribute is one value, and what was sharded is its items."""
    numbers = Numbers(plain=["one", "list"])
    assert list(each(numbers, lambda layer: layer.plain)) == [["one", "list"]]
    assert list(each(numbers, lambda layer: layer.rows)) == [0]
    numbers.shard(n=(number for number in range(3)))
    assert list(each(numbers, lambda layer: layer.n)) == [0, 1, 2]
    numbers.n = 7
    assert list(each(numbers, lambda layer: layer.n)) == [7]
    with pytest.raises(AttributeError, match="'Numbers' has no attribute 'other': it belongs to no execution"):
        each(Numbers(), operator.attrgetter("other"))


def test_layers_that_did_not_finish() -> None:
    """They have no values yet, like a layer that finished without any."""
    flow = in_memory(Joins)
    with pytest.raises(UnsetError, match="has no execution e1"):
        each(flow.execution("e1").layer(Inverse), lambda layer: layer.value)

    class Fails(Flow): ...

    @Fails.register
    class Wrong(Layer):
        x: int

        def __call__(self) -> None:
            self.x = 1
            each(self.execution.layer(Wrong), lambda layer: layer.x)  # type: ignore[attr-defined]

    assert re.search("'Wrong' has no attribute 'x'.* It did not finish", str(failure(in_memory(Fails))))


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (lambda layer: layer.value + 1, "but the function raises TypeError"),
        (lambda layer: layer.value.real, "but the function raises AttributeError"),
        (lambda layer: [layer.value], "but the function returns a list"),
        (lambda layer: layer.name, "but 'name' is reserved on layers"),
        (lambda layer: layer.doubled, "but 'doubled' is a property of Inverse without a setter"),
        (lambda layer: layer.__len__, "but '__len__' begins with two underscores, which Python reserves"),
    ],
)
def test_what_does_more_than_to_read(read: Callable[[Any], Any], said: str) -> None:
    """The function reads one attribute that can be assigned; the error shows how that is spelt."""
    with pytest.raises(
        LayerError, match=re.escape(f"each reads one artifact of layer 'Inverse', {said}: use for example each(")
    ):
        each(Inverse(value=1.0), read)


def test_missing_errors_know_the_splits() -> None:
    """Whoever joins gets them as numbers."""
    flow = in_memory(Joins)
    execution = flow("e1", numbers=[1, 0])
    with pytest.raises(MissingError) as caught:
        flow.datastore.ledger.join(execution.key("Inverse"), name="value", splits=2)
    assert caught.value.splits == (1,)


def typed(inverse: Inverse) -> Sequence[float]:
    """Type checkers know of what `each` gives a sequence: mypy reads this."""
    return each(inverse, lambda inverse: inverse.value)

"""Read the values that the splits of a fan-out assigned, for any number of splits.

Of a fan-out of one split, a layer reads the plain value. If a split did not assign an attribute, reading it is an
error. `each` always returns a sequence, and type checkers know the type of its items.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, overload

from laminar_runtime import _records, stored_attributes
from laminar_runtime.configurations.datastores import Accessor
from laminar_runtime.exceptions import ExecutionError, LayerError
from laminar_runtime.introspection import attributes
from laminar_runtime.layer import Layer, sharded_items
from laminar_runtime.splits import fanout

__all__ = ["Each", "each"]

T_co = TypeVar("T_co", covariant=True)
Value = TypeVar("Value")
LayerT = TypeVar("LayerT", bound=Layer)


@_records.frozen(eq=False)
class Each(Sequence[T_co]):
    """The values that splits assigned, in the order of the splits. Each is read on access.

    Args:
        items: The values.
        splits: The number of splits of the layer; 1 for a layer that is not a fan-out.
        missing: The indexes of the splits that did not assign the attribute.
    """

    items: Sequence[T_co]
    splits: int = 1
    missing: tuple[int, ...] = ()

    @property
    def indexes(self) -> tuple[int, ...]:
        """The indexes of the splits that assigned the attribute: one for each value, unless values were sharded."""
        missing = set(self.missing)
        return tuple(index for index in range(self.splits) if index not in missing)

    def __repr__(self) -> str:
        missing = f", {len(self.missing)} of {self.splits} splits missing" if self.missing else ""
        return f"Each({len(self)} values{missing})"

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, key: int) -> T_co: ...
    @overload
    def __getitem__(self, key: slice) -> Sequence[T_co]: ...
    def __getitem__(self, key: int | slice) -> T_co | Sequence[T_co]:
        return self.items[key]

    def __iter__(self) -> Iterator[T_co]:
        return iter(self.items)


def each(layer: LayerT, read: Callable[[LayerT], Value]) -> Each[Value]:
    """Return the values of an attribute in all splits that assigned it: always a sequence, for 0, 1 or n splits.

    Each item of a sharded attribute is a value. The items of all splits follow each other. So the type of an attribute
    can be declared as a split sees it, or assigns it.

    Args:
        layer: The layer: an argument of ``__call__``, one of an execution, or an instance made for a test.
        read: Reads the attribute of a layer, and nothing else. Type checkers infer the type of the values from it.

    Returns:
        The values, which are read on access. `Each.missing` has the splits that did not assign any.

    Raises:
        UnsetError: If the layer did not finish.
        LayerError: If `read` does anything else than read an attribute that a layer can assign.

    Example:
        >>> class Greet(Layer):
        ...     greeting: str
        >>> class Book(Layer):
        ...     pages: list[str]
        ...     def __call__(self, greet: Greet) -> None:
        ...         self.pages = list(each(greet, lambda greet: greet.greeting))
        >>> book = Book()
        >>> book(Greet(greeting="hello Ada"))
        >>> book.pages
        ['hello Ada']
    """
    name = _attribute(layer, read)
    if (items := sharded_items(layer, name)) is not None:
        return Each(items)
    if "execution" not in vars(layer) or (layer.index is not None and layer.state.running):
        return Each([read(layer)])
    key, store = layer.execution.key(layer, read=name), layer.execution.datastore
    try:
        # This stores the parameters of a state machine's input, if nobody has read them before.
        if not layer.state.finished:
            raise ExecutionError(f"layer '{layer.name}' has not finished")
        archive, splits = fanout.some_of(store, key, name, index=layer.index)
    except ExecutionError as error:
        raise stored_attributes.unset_error(layer, name, error) from None  # it says everything that a reader needs
    return Each(Accessor(archive, key.flow, store), splits, archive.missing)


class _Asked:
    """The value of an attribute of `_Probe`: its name."""

    def __init__(self, name: str) -> None:
        self.attribute = name


class _Probe:
    """Stands for a layer, to find the attribute that a function reads."""

    def __getattr__(self, name: str) -> _Asked:
        return _Asked(name)


def _attribute(layer: Layer, read: Callable[[Any], Any]) -> str:
    """Return the name of the attribute that a function reads."""
    try:
        found = read(_Probe())
    except Exception as error:
        raise _misread(layer, f"but the function raises {type(error).__name__}") from error
    if not isinstance(found, _Asked):
        raise _misread(layer, f"but the function returns a {type(found).__name__}")
    reason = attributes.refusal(type(layer), found.attribute)
    known = attributes.find(type(layer), found.attribute)
    if reason is None and known is not None and isinstance(known[1], property):
        reason = f"is a property of {known[0].__name__}"
    if reason is not None:
        raise _misread(layer, f"but '{found.attribute}' {reason}")
    return found.attribute


def _misread(layer: Layer, why: str) -> LayerError:
    name = layer.name.lower()
    fix = f"use for example each({name}, lambda {name}: {name}.value), and compute with the values after that"
    return LayerError(f"each reads one artifact of layer '{layer.name}', {why}: {fix}")

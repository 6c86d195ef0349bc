"""Pickles of values with classes and functions that have no name: lambdas, closures, classes in functions.

cloudpickle writes their code. It also writes facts of its own process: the name and the file of the flow's module and,
for a class, a random identity. Here they are replaced by values that are equal in all processes. The identity of a
class becomes a hash of its code. So all processes make the same pickle of a value::

    before   {"__name__": "report", "__file__": "/app/report.py"}   identity "5f2c...", random
    after    {"__name__": module_of_flow("__name__"), ...}          identity "91ab...", a hash of the class's pickle
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from enum import Enum
from types import FunctionType
from typing import Any

import cloudpickle

from laminar_runtime.pickling import digests
from laminar_runtime.pickling.by_name import Names
from laminar_runtime.pickling.scopes import module_of_flow

__all__ = ["dump_by_value"]

#: It tracks the classes that were written or read by value, so that a class is restored only once.
_known = cloudpickle.cloudpickle
#: The number of parts of cloudpickle's reduction of a function or a class.
_PARTS = 6
#: The positions of the module's name in the arguments of an enumeration, and of the identity in those of a class.
_ENUM_MODULE, _IDENTITY = 4, -2


class _OfModule:
    """An attribute of the flow's module, in the process that reads it."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        return module_of_flow, (self._key,)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc] # cloudpickle has no types
    """Pickles classes and functions by name or, if they have none, by value.

    Args:
        file: The file for the pickle.
        names: The names of classes and functions.
        keep: Is called with each buffer of the value, and returns whether it stays inside the pickle.
    """

    def __init__(
        self, file: io.BytesIO, names: Names, keep: Callable[[pickle.PickleBuffer], bool] | None = None
    ) -> None:
        # It is read for each instance, and a dict is faster than cloudpickle's ChainMap.
        self.dispatch_table = dict(cloudpickle.Pickler.dispatch_table)
        super().__init__(file, protocol=5, buffer_callback=keep)
        self._names = names
        self._module = {key: _OfModule(key) for key in ("__name__", "__file__", "__package__")}

    def reducer_override(self, value: Any) -> Any:
        reduced = self._names.reduce(value)
        if reduced is not None:
            return reduced
        if isinstance(value, type):
            self._identify(value)
        reduced = super().reducer_override(value)
        if not (isinstance(reduced, tuple) and len(reduced) == _PARTS):
            return reduced
        make, arguments, state, *rest = reduced
        if self._names.are_of(value.__module__):
            make_it = _function if isinstance(value, FunctionType) else _class
            arguments, state = make_it(value, arguments, state, self._module)
        return make, arguments, state, *rest

    def _identify(self, cls: type) -> None:
        """Register a class with cloudpickle under an identity that is the same in all processes."""
        known = _known._DYNAMIC_CLASS_TRACKER_BY_CLASS  # noqa: SLF001 - it has no public name
        if cls in known:
            return
        file = io.BytesIO()
        sketch = _Sketch(file, self._names)
        sketch.dump(cls)
        identity = digests.sha256(file.getvalue())[:32]
        with _known._DYNAMIC_CLASS_TRACKER_LOCK:  # noqa: SLF001 - the same
            for new in sketch.new:
                known.pop(new, None)
            taken = _known._DYNAMIC_CLASS_TRACKER_BY_ID  # noqa: SLF001 - the same
            # A function may make two classes with the same code.
            while taken.get(identity, cls) is not cls:
                identity += "'"
            known[cls], taken[identity] = identity, cls


class _Sketch(_Pickler):
    """Pickles a class without identities. The identity of the class is a hash of that pickle."""

    def __init__(self, file: io.BytesIO, names: Names) -> None:
        super().__init__(file, names)
        self.new: list[type] = []
        self._order: list[type] = []

    def _identify(self, cls: type) -> None:
        self._order.append(cls)
        if cls not in _known._DYNAMIC_CLASS_TRACKER_BY_CLASS:  # noqa: SLF001 - as above
            self.new.append(cls)

    def reducer_override(self, value: Any) -> Any:
        reduced = super().reducer_override(value)
        if not (isinstance(value, type) and isinstance(reduced, tuple) and len(reduced) == _PARTS):
            return reduced
        make, arguments, *rest = reduced
        place = str(self._order.index(value))
        return make, (*arguments[:_IDENTITY], place, *arguments[_IDENTITY + 1 :]), *rest


_Parts = tuple[tuple[Any, ...], Any]


def _function(_: Any, arguments: tuple[Any, ...], state: Any, module: dict[str, _OfModule]) -> _Parts:
    """Return the parts of a function of the flow's module, without the names of the module in this process."""
    # All functions of the module share these globals, so they are changed in place.
    arguments[1].update({key: mark for key, mark in module.items() if key in arguments[1]})
    own, slots = state
    return arguments, (own, {**slots, "__module__": module["__name__"]})


def _class(cls: type, arguments: tuple[Any, ...], state: Any, module: dict[str, _OfModule]) -> _Parts:
    """Return the parts of a class of the flow's module, without the names of the module in this process."""
    changed = [_replace_module(one, module) for one in arguments]
    if issubclass(cls, Enum):
        changed[_ENUM_MODULE] = module["__name__"]
    own, slots = state
    return tuple(changed), (_replace_module(own, module), slots)


def _replace_module(part: Any, module: dict[str, _OfModule]) -> Any:
    return {**part, "__module__": module["__name__"]} if isinstance(part, dict) and "__module__" in part else part


def dump_by_value(value: Any, names: Names, keep: Callable[[pickle.PickleBuffer], bool]) -> bytes:
    """Pickle a value. Classes and functions without a name are pickled by value.

    Args:
        value: The value.
        names: The names of classes and functions.
        keep: Is called with each buffer of the value, and returns whether it stays inside the pickle.
    """
    file = io.BytesIO()
    _Pickler(file, names, keep).dump(value)
    return file.getvalue()

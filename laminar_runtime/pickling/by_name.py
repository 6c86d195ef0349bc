"""Pickles values by the names of the classes and functions that they are made of.

What the module of a flow defines is named as that: see `laminar_runtime.pickling.scopes`. What other modules define is
named by the module, as pickle does. What has no name in another process is for `laminar_runtime.pickling.by_value`,
which takes longer to load: most values need nothing of it.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable, Iterable, Sequence
from types import FunctionType, MethodType, ModuleType
from typing import Any

from laminar_runtime.pickling.homes import Home, defines
from laminar_runtime.pickling.scopes import of_flow, scope

__all__ = ["Names", "dump_by_name", "fresh", "load"]

Buffer = bytes | bytearray | memoryview

#: Modules whose classes have instances that are pickled by a name in another module: TypeVar, caches of functions.
_OF_OTHERS = frozenset({"__main__", "functools", "typing", "typing_extensions"})
#: Classes that pickle knows by itself.
_SINGLETONS = (type(None), type(Ellipsis), type(NotImplemented))


class _NamelessError(Exception):
    """A value is made of something that other processes have no name for."""


class Names:
    """Says how what has a name is pickled, for one pickle.

    Args:
        home: The home of the flow that the pickle is of, None if it is of none.
    """

    def __init__(self, home: Home | None) -> None:
        self._home = home
        self._watched = _OF_OTHERS | {home.module} if home else _OF_OTHERS
        #: Types whose instances pickle takes by itself.
        self._left: set[type] = set()
        cloudpickle = sys.modules.get("cloudpickle")
        self._copied: set[str] = cloudpickle.list_registry_pickle_by_value() if cloudpickle else set()

    def reduce(self, value: Any) -> Any:
        """How a value is pickled.

        Args:
            value: The value.

        Returns:
            What pickle takes from ``__reduce__``; NotImplemented if pickle takes the value as it is; None if it has no
            name in another process.
        """
        kind = type(value)
        return NotImplemented if kind in self._left else self._looked_at(value, kind)

    def _looked_at(self, value: Any, kind: type) -> Any:
        if issubclass(kind, type) or kind is FunctionType:
            return self._named(value, value.__qualname__)
        if kind is ModuleType and self._home and self._home.is_module(value):
            return of_flow, ("",)
        if kind is MethodType:
            return _method(value)
        if kind.__module__ == "dataclasses":
            return None  # the marks of kinds of fields are compared by identity
        if kind.__module__ in self._watched and _reduces_itself(kind):
            reduced = value.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
            return self._named(value, reduced) if isinstance(reduced, str) else reduced
        self._left.add(kind)
        return NotImplemented

    def _named(self, value: Any, said: str) -> Any:
        """Return the reduction to a name of a class, a function, or a value that reduces itself to a name."""
        if any(value is known for known in _SINGLETONS):
            return NotImplemented
        module = value.__module__
        if not isinstance(module, str) or self._is_copied(module):
            return None
        name = self._home.name_of(value, said) if self._home else None
        if name is not None:
            return of_flow, (fresh(name),)
        return said if module != "__main__" and defines(module, said, value) else None

    def are_of(self, module: str) -> bool:
        """Whether a module is the one that defines the flow."""
        return self._home is not None and self._home.module == module

    def _is_copied(self, module: str) -> bool:
        """Whether the user has a module pickled by value, with ``cloudpickle.register_pickle_by_value``."""
        return bool(self._copied) and any(module == name or module.startswith(f"{name}.") for name in self._copied)


def fresh(text: str) -> str:
    """Return a text of its own: pickles refer to a text that they had before, and equal values may share it or not."""
    return "".join(list(text))


def _method(value: MethodType) -> Any:
    """How a method is pickled: that of a class by the class, of which its function is no attribute.

    Others are pickled by their function, which has a name where methods of private names have none.
    """
    owner, name = value.__self__, value.__func__.__name__
    return (getattr, (owner, fresh(name))) if isinstance(owner, type) and getattr(owner, name, None) == value else None


def _reduces_itself(kind: type) -> bool:
    return any(getattr(kind, name) is not getattr(object, name) for name in ("__reduce__", "__reduce_ex__"))


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, names: Names, keep: Callable[[pickle.PickleBuffer], bool]) -> None:
        super().__init__(file, protocol=5, buffer_callback=keep)
        self._names = names

    def reducer_override(self, value: Any) -> Any:
        reduced = self._names.reduce(value)
        if reduced is None:
            raise _NamelessError
        return reduced


class _Unpickler(pickle.Unpickler):
    """Finds the modules beside the flow's file by the names that they have here."""

    def __init__(self, content: Buffer, home: Home, buffers: Iterable[Buffer]) -> None:
        super().__init__(io.BytesIO(content), buffers=buffers)
        self._home = home

    def find_class(self, module: str, name: str) -> Any:
        try:
            return super().find_class(module, name)
        except ModuleNotFoundError:
            for other in self._home.beside(module):
                return super().find_class(other, name)
            raise


def load(content: Buffer, buffers: Sequence[Buffer] = ()) -> Any:
    """Load a pickle.

    Args:
        content: The pickle.
        buffers: What was left out of it.

    Returns:
        The value.
    """
    try:
        return pickle.loads(content, buffers=buffers)  # noqa: S301 - artifacts are pickles by default, as documented
    except ModuleNotFoundError:
        current = scope()
        if current is None or current.home is None:
            raise
        return _Unpickler(content, current.home, buffers).load()


def dump_by_name(value: Any, names: Names, keep: Callable[[pickle.PickleBuffer], bool]) -> bytes | None:
    """Pickle a value.

    Args:
        value: The value.
        names: What has which name.
        keep: Takes each buffer of the value, and says whether it stays inside the pickle.

    Returns:
        The pickle; None if the value is made of something that has no name.
    """
    file = io.BytesIO()
    try:
        _Pickler(file, names, keep).dump(value)
    except _NamelessError:
        return None
    except (AttributeError, TypeError, pickle.PicklingError):
        return None  # cloudpickle takes more, and says it if it does not
    return file.getvalue()

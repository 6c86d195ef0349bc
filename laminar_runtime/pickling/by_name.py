"""Pickles of values by the names of their classes and functions.

For the names of a flow's module see `laminar_runtime.pickling.scopes`. Names of other modules are as in pickle. If a
class or function has no name in another process, `laminar_runtime.pickling.by_value` pickles the value. That module is
slow to load, and most values do not need it.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Sequence
from types import FunctionType, MethodType, ModuleType
from typing import Any

from laminar_runtime.pickling.homes import Home, defines
from laminar_runtime.pickling.scopes import of_flow, scope

try:
    # What `pickle` takes from there, too. The rest of it is the same in Python: to load it takes a thirtieth of a task.
    import _pickle as pickle
except ImportError:  # Python may be built without it
    import pickle  # type: ignore[no-redef]

__all__ = ["Buffered", "Names", "copy_text", "dump_by_name", "dump_plain", "load"]

#: A buffer of a value, as a pickler passes it on.
Buffered = pickle.PickleBuffer
#: The version of the format.
_PROTOCOL = 5

Buffer = bytes | bytearray | memoryview

#: Modules with classes whose instances have names in other modules: type variables, cached functions.
_OF_OTHERS = frozenset({"__main__", "functools", "typing", "typing_extensions"})
#: Classes whose pickling is built into pickle.
_SINGLETONS = (type(None), type(Ellipsis), type(NotImplemented))


class _NamelessError(Exception):
    """A class or function of a value has no name in other processes."""


class Names:
    """The names of classes and functions in one pickle.

    Args:
        home: The home of the pickle's flow; None if it has no flow.
    """

    def __init__(self, home: Home | None) -> None:
        self._home = home
        self._watched = _OF_OTHERS | {home.module} if home else _OF_OTHERS
        #: Types whose instances need nothing special.
        self._plain: set[type] = set()
        cloudpickle = sys.modules.get("cloudpickle")
        self._by_value: set[str] = cloudpickle.list_registry_pickle_by_value() if cloudpickle else set()

    def reduce(self, value: Any) -> Any:
        """Return the reduction of a value.

        Args:
            value: The value.

        Returns:
            The reduction, as of ``__reduce__``; NotImplemented if pickle can handle the value by itself; None if the
            value has no name in another process.
        """
        kind = type(value)
        return NotImplemented if kind in self._plain else self._reduce(value, kind)

    def _reduce(self, value: Any, kind: type) -> Any:
        if issubclass(kind, type) or kind is FunctionType:
            return self._reduce_to_name(value, value.__qualname__)
        if kind is ModuleType and self._home and self._home.is_module(value):
            return of_flow, ("",)
        if kind is MethodType:
            return _method(value)
        if kind.__module__ == "dataclasses":
            return None  # dataclasses compares the kinds of fields by identity
        if kind.__module__ in self._watched and _reduces_itself(kind):
            reduced = value.__reduce_ex__(_PROTOCOL)
            return self._reduce_to_name(value, reduced) if isinstance(reduced, str) else reduced
        self._plain.add(kind)
        return NotImplemented

    def _reduce_to_name(self, value: Any, own_name: str) -> Any:
        """Return the reduction of a class, a function, or a value that reduces itself to a name."""
        if any(value is known for known in _SINGLETONS):
            return NotImplemented
        module = value.__module__
        if not isinstance(module, str) or self._is_by_value(module):
            return None
        name = self._home.name_of(value, own_name) if self._home else None
        if name is not None:
            return of_flow, (copy_text(name),)
        return own_name if module != "__main__" and defines(module, own_name, value) else None

    def are_of(self, module: str) -> bool:
        """Return whether a module is the one that defines the flow."""
        return self._home is not None and self._home.module == module

    def _is_by_value(self, module: str) -> bool:
        """Return whether the user called ``cloudpickle.register_pickle_by_value`` for a module or its package."""
        return bool(self._by_value) and any(module == name or module.startswith(f"{name}.") for name in self._by_value)


def copy_text(text: str) -> str:
    """Return a new object with the same text.

    A pickle refers to an object that it contains already. Equal values may or may not share a text object, but their
    pickles must be equal.
    """
    return "".join(list(text))


def _method(value: MethodType) -> Any:
    """Return the reduction of a method: a class method is an attribute of its class.

    Other methods are reduced to their function. A method with a private name has no name, but its function does.
    """
    owner, name = value.__self__, value.__func__.__name__
    return (
        (getattr, (owner, copy_text(name))) if isinstance(owner, type) and getattr(owner, name, None) == value else None
    )


def _reduces_itself(kind: type) -> bool:
    return any(getattr(kind, name) is not getattr(object, name) for name in ("__reduce__", "__reduce_ex__"))


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, names: Names, keep: Callable[[Buffered], bool]) -> None:
        super().__init__(file, protocol=_PROTOCOL, buffer_callback=keep)
        self._names = names

    def reducer_override(self, value: Any) -> Any:
        reduced = self._names.reduce(value)
        if reduced is None:
            raise _NamelessError
        return reduced


class _Unpickler(pickle.Unpickler):
    """Finds modules in the folder of the flow's file by their names in this process."""

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


def dump_plain(value: object) -> bytes:
    """Pickle a value that contains neither classes nor functions.

    Args:
        value: The value.
    """
    return pickle.dumps(value, protocol=_PROTOCOL)


def load(content: Buffer, buffers: Sequence[Buffer] = ()) -> Any:
    """Load a pickle.

    Args:
        content: The pickle.
        buffers: The buffers that were left out of it.

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


def dump_by_name(value: Any, names: Names, keep: Callable[[Buffered], bool]) -> bytes | None:
    """Pickle a value.

    Args:
        value: The value.
        names: The names of classes and functions.
        keep: Is called with each buffer of the value, and returns whether it stays inside the pickle.

    Returns:
        The pickle; None if a class or function of the value has no name.
    """
    file = io.BytesIO()
    try:
        _Pickler(file, names, keep).dump(value)
    except _NamelessError:
        return None
    except (AttributeError, TypeError, pickle.PicklingError):
        return None  # cloudpickle can pickle more, and raises if it cannot
    return file.getvalue()

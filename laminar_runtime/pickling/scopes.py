"""Scopes: the flow whose artifact is being pickled or read. Names in an artifact are looked up by its reader.

The reader of an artifact knows its flow, the module that defines the flow, and the datastore::

    before   class Point: ...            in the module of flow Report
    pickle   of_flow("Point")            read as an artifact of flow Report
    after    Point                       of the module that defines Report here

Layers, flows and datastores in an artifact become those of the reader, too.
"""

from __future__ import annotations

import copyreg
from contextvars import ContextVar
from typing import Any, Self

from laminar_runtime.pickling.homes import Home, UnknownNameError, add_instance, find_flow, home_of

__all__ = [
    "Scope",
    "datastore_of_reader",
    "flow_of_reader",
    "module_of_flow",
    "of_flow",
    "reduce_datastore",
    "reduce_flow",
    "scope",
    "scope_of",
    "settle",
    "within_artifact",
]


class Scope:
    """The flow whose artifact the ``with`` block pickles or reads.

    Each artifact has its own scope, so a scope must be fast to make.

    Args:
        flow: The flow's name.
        home: The flow's home; None if this process does not define the flow.
        datastore: The datastore of the artifact.
        user: The flow that uses the datastore; None if the datastore is used without a flow.
    """

    __slots__ = ("_before", "datastore", "flow", "home", "user")

    def __init__(self, flow: str, home: Home | None, datastore: Any, user: Any = None) -> None:
        self.flow, self.home, self.datastore, self.user = flow, home, datastore, user

    def __enter__(self) -> Self:
        self._before = _scope.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _scope.reset(self._before)


_scope: ContextVar[Scope | None] = ContextVar("laminar_scope", default=None)


def settle(flow: Any, datastore: Any) -> None:
    """Register a flow with the datastore that it uses.

    Args:
        flow: The flow.
        datastore: The datastore.
    """
    datastore.flows[type(flow).__name__] = flow
    add_instance(type(flow))


def scope_of(flow: str, datastore: Any) -> Scope:
    """Return the scope of the artifacts of a flow in a datastore.

    If no flow of that name uses the datastore, it is the flow with the latest instance or the latest definition.

    Args:
        flow: The flow's name.
        datastore: The datastore.
    """
    user = datastore.flows.get(flow)
    if user is not None:
        return Scope(flow, home_of(type(user)), datastore, user)
    kind = find_flow(flow)
    return Scope(flow, None if kind is None else home_of(kind), datastore)


def scope() -> Scope | None:
    """Return the scope of the artifact that is being pickled or read; None outside of that."""
    return _scope.get()


def of_flow(name: str) -> Any:
    """Return a value of the module that defines the flow. Pickles of artifacts call this function.

    Args:
        name: The name, for example ``Point.Inner``.

    Raises:
        UnknownNameError: If the module is not loaded, or does not define the name.
    """
    return _home(f"whose file defines '{name}'").find(name)


def module_of_flow(key: str) -> Any:
    """Return an attribute of the flow's module, for example ``__file__``. Pickles of artifacts call this function.

    Code that was pickled by value does not need the module. It can be loaded without it.

    Args:
        key: The name.
    """
    current = _scope.get()
    return "__main__" if current is None or current.home is None else current.home.own(key)


def reduce_datastore(datastore: Any) -> tuple[Any, ...]:
    """Return the reduction of a datastore. In one of its own artifacts it becomes the datastore of the reader.

    Args:
        datastore: The datastore.
    """
    current = _scope.get()
    if current is not None and _one_place(current.datastore, datastore):
        return datastore_of_reader, ()
    return copyreg.__newobj__, (type(datastore),), datastore.__getstate__()  # type: ignore[attr-defined] # of pickle


def reduce_flow(flow: Any) -> tuple[Any, ...]:
    """Return the reduction of a flow. In one of its own artifacts it becomes the flow of the reader.

    Args:
        flow: The flow.
    """
    current = _scope.get()
    if current is not None and type(current.user) is type(flow) and _one_place(current.datastore, flow.datastore):
        return flow_of_reader, ()
    return copyreg.__newobj__, (type(flow),), flow.__getstate__()  # type: ignore[attr-defined] # of pickle


def _one_place(one: Any, other: Any) -> bool:
    return one is other or (type(one), one.root) == (type(other), other.root)


def within_artifact() -> bool:
    """Return whether an artifact of a flow is being pickled or read."""
    return _scope.get() is not None


def datastore_of_reader() -> Any:
    """Return the datastore that an artifact is read from. Pickles of artifacts call this function."""
    return _current().datastore


def flow_of_reader() -> Any:
    """Return the flow that reads an artifact. Pickles of artifacts call this function."""
    current = _current()
    if current.user is None:
        raise UnknownNameError(f"the artifact contains flow '{current.flow}': read it with the flow")
    return current.user


def _current() -> Scope:
    current = _scope.get()
    if current is None:
        raise UnknownNameError("this pickle is an artifact of a flow: read it with the flow's datastore")
    return current


def _home(what: str) -> Home:
    current = _current()
    if current.home is None:
        raise UnknownNameError(f"this process does not define flow '{current.flow}', {what}: import its module")
    return current.home

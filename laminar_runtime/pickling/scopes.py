"""Whose artifact is being pickled or read: what an artifact names is found in the process that reads it.

Whoever reads an artifact knows its flow, and so the module that defines the flow, and the datastore::

    before   class Point: ...            in the module of flow Report
    pickle   of_flow("Point")            read as an artifact of flow Report
    after    Point                       of the module that defines Report here

The same goes for layers, flows and datastores that an artifact is made of: they are those of the reader.
"""

from __future__ import annotations

import copyreg
from contextvars import ContextVar
from typing import Any, Self

from laminar_runtime.pickling.homes import Home, UnknownNameError, find_flow, home_of, made

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
    """Whose artifact is being pickled or read: what a ``with`` block pickles or reads is such an artifact.

    Each artifact has a scope of its own, so that making one is quick.

    Args:
        flow: The flow's name.
        home: The flow's home, None if nothing here defines the flow.
        datastore: The datastore that it is written to or read from.
        user: The flow itself, None if the datastore is used without it.
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
    """Have a datastore know that a flow uses it, and so which module defines the flow.

    Args:
        flow: The flow.
        datastore: The datastore.
    """
    datastore.flows[type(flow).__name__] = flow
    made(type(flow))


def scope_of(flow: str, datastore: Any) -> Scope:
    """Whose artifacts those of a flow in a datastore are.

    A datastore that no flow of that name uses has the flow that was made last, or else defined last.

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
    """Whose artifact this code pickles or reads, None where it does neither."""
    return _scope.get()


def of_flow(name: str) -> Any:
    """Return a value of the module that defines the flow: pickles of artifacts call this.

    Args:
        name: The name, such as ``Point.Inner``.

    Raises:
        UnknownNameError: If the module is not here, or does not define it.
    """
    return _home(f"whose file defines '{name}'").find(name)


def module_of_flow(key: str) -> Any:
    """Return an attribute such as ``__file__`` of the flow's module: pickles of artifacts call this.

    Code that is pickled by value needs nothing of the module, and is loaded also where the module is not.

    Args:
        key: The name.
    """
    current = _scope.get()
    return "__main__" if current is None or current.home is None else current.home.own(key)


def reduce_datastore(datastore: Any) -> tuple[Any, ...]:
    """How a datastore is pickled: within an artifact of its own, as the datastore of whoever reads that.

    Args:
        datastore: The datastore.
    """
    current = _scope.get()
    if current is not None and _one_place(current.datastore, datastore):
        return datastore_of_reader, ()
    return copyreg.__newobj__, (type(datastore),), datastore.__getstate__()  # type: ignore[attr-defined] # of pickle


def reduce_flow(flow: Any) -> tuple[Any, ...]:
    """How a flow is pickled: within an artifact of its own, as the flow of whoever reads that.

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
    """Whether this code runs while an artifact of a flow is pickled."""
    return _scope.get() is not None


def datastore_of_reader() -> Any:
    """Return the datastore that an artifact is read from: pickles of artifacts call this."""
    return _current().datastore


def flow_of_reader() -> Any:
    """Return the flow that an artifact is read through: pickles of artifacts call this."""
    current = _current()
    if current.user is None:
        raise UnknownNameError(f"it is a part of flow '{current.flow}': read it through the flow")
    return current.user


def _current() -> Scope:
    current = _scope.get()
    if current is None:
        raise UnknownNameError("this pickle is of an artifact of a flow, and only the flow's datastore can read it")
    return current


def _home(what: str) -> Home:
    current = _current()
    if current.home is None:
        raise UnknownNameError(f"nothing in this process defines flow '{current.flow}', {what}: import its module")
    return current.home

"""Fields of containers that this machine does not apply. A run names them once, in one line for each executor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from laminar_runtime import _records
from laminar_runtime.configurations.containers import Container

if TYPE_CHECKING:
    from laminar_runtime.configurations.executors import Executor
    from laminar_runtime.flow import Flow

__all__ = ["notes"]


def notes(flow: Flow) -> Iterator[str]:
    """Yield a line for each kind of executor that does not apply some fields of the containers of a flow.

    Args:
        flow: The flow.
    """
    usual = _records.plain(Container())
    found: dict[type[Executor], dict[str, list[str]]] = {}
    for name, definition in flow.registry.items():
        executor = definition.configuration.executor or flow.configuration.executor
        # A runner of the user's own need not be an `Executor`.
        for field in sorted(getattr(executor, "ignores", frozenset[str])()):
            if getattr(definition.configuration.container, field) != usual[field]:
                found.setdefault(type(executor), {}).setdefault(field, []).append(name)
    for kind, fields in found.items():
        named = "; ".join(f"{field} ({', '.join(layers)})" for field, layers in fields.items())
        yield f"{kind.__name__} does not apply some fields of containers here: {named}"

"""Hooks: methods that a scheduler or a task calls in addition to ``__call__``.

Decorate a method of a layer, or of a flow for each of its layers, with `entry`, `submission`, `execution` or `retry`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from laminar_runtime.configurations.hooks import annotation, condition, event
    from laminar_runtime.configurations.hooks.condition import entry
    from laminar_runtime.configurations.hooks.event import execution, retry, submission

__all__ = ["annotation", "condition", "entry", "event", "execution", "retry", "submission"]

#: The modules of the decorators.
_MODULES = {"entry": "condition", "execution": "event", "retry": "event", "submission": "event"}


def __getattr__(name: str) -> Any:
    """Load hooks on use: most flows have none."""
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from importlib import import_module

    module = import_module(f"{__name__}.{_MODULES.get(name, name)}")
    found = globals()[name] = getattr(module, name) if name in _MODULES else module
    return found

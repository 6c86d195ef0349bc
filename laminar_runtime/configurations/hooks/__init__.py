"""Hooks: methods that a scheduler or a task calls in addition to ``__call__``.

Decorate a method of a layer, or of a flow for each of its layers, with `entry`, `submission`, `execution` or `retry`.
"""

from laminar_runtime.configurations.hooks import annotation, condition, event
from laminar_runtime.configurations.hooks.condition import entry
from laminar_runtime.configurations.hooks.event import execution, retry, submission

__all__ = ["annotation", "condition", "entry", "event", "execution", "retry", "submission"]

"""Hooks of a layer: which there are, and how they are called."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from laminar_runtime import types
from laminar_runtime.configurations.hooks import annotation, event
from laminar_runtime.exceptions import FlowError
from laminar_runtime.layer import Layer

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution

__all__ = ["calling", "of_kind"]


def of_kind(layer: Layer, kind: annotation.Kind) -> list[Callable[..., Any]]:
    """Return the hooks of a kind that a layer has, in the order in which they are called.

    Args:
        layer: The layer.
        kind: The kind of hook.
    """
    return [hook for hook in layer.definition.hooks if annotation.kind_of(hook) == kind]


def calling(execution: Execution, layer: Layer, kind: annotation.Kind) -> contextlib.ExitStack:
    """Call the hooks of a kind, and those that are generators around the ``with`` block.

    Args:
        execution: The execution.
        layer: The layer that they are called on.
        kind: The kind of hook.

    Raises:
        FlowError: If a submission hook changes how the layer is retried.
    """
    return event.around(_with_arguments(execution, layer, kind))


def _with_arguments(
    execution: Execution, layer: Layer, kind: annotation.Kind
) -> Iterator[tuple[Callable[..., Any], tuple[Any, ...]]]:
    """Yield each hook with its arguments; it has been called when the next one is taken."""
    for hook in of_kind(layer, kind):
        retry = layer.configuration.retry
        yield hook, (layer, *types.dependencies(execution, hook))
        if kind == "submission" and layer.configuration.retry != retry:
            raise FlowError(
                f"submission hook '{hook.__name__}' of layer '{layer.name}' sets configuration.retry, which is "
                "used before a task is submitted: set it in register(retry=...), or in a retry hook"
            )

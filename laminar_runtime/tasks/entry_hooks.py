"""Entry hooks: they decide whether a layer runs. The local scheduler, the planner and packed jobs call them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from laminar_runtime import types
from laminar_runtime.exceptions import ExecutionError
from laminar_runtime.layer import Layer, Parameters
from laminar_runtime.tasks import layer_hooks, upstream

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution

__all__ = ["check_and_enter", "enters"]


def check_and_enter(execution: Execution, layer: Layer) -> bool:
    """Return whether a layer of a deployed flow runs. All that it depends on must have finished or have been skipped.

    Args:
        execution: The execution.
        layer: The layer.

    Raises:
        UnfinishedError: If a layer that it depends on has not finished, and cannot be skipped.
        ExecutionError: If a hook fails.
    """
    if layer_hooks.of_kind(layer, "entry"):
        upstream.check(execution, layer)
    if enters(execution, layer):
        return True
    upstream.check(execution, layer)
    return False


def enters(execution: Execution, layer: Layer) -> bool:
    """Return whether a layer runs. All layers that it depends on have ended.

    Args:
        execution: The execution.
        layer: The layer.

    Returns:
        If the layer has entry hooks, whether each of them returns a true value. Otherwise, whether all layers that it
        depends on have finished.

    Raises:
        ExecutionError: If a hook fails.
    """
    hooks = layer_hooks.of_kind(layer, "entry")
    if hooks:
        layer._private.itself = True  # noqa: SLF001 - one unit
        return all(_ask(execution, layer, hook) for hook in hooks)
    parents = execution.flow.dependencies_of(layer.name) - {Parameters.__name__}
    return all(execution.layer(name).state.finished for name in sorted(parents))


def _ask(execution: Execution, layer: Layer, hook: Callable[..., Any]) -> bool:
    dependencies = types.dependencies(execution, hook)
    try:
        return bool(hook(layer, *dependencies))
    except Exception as error:
        msg = (
            f"entry hook '{hook.__name__}' of layer '{layer.name}' of flow '{execution.flow_name}' failed in execution "
            f"{execution.id}: {type(error).__name__}: {error}"
        )
        raise ExecutionError(msg) from error

"""Check that the dependencies of a layer finished, where AWS only says that their jobs ended.

AWS Batch goes by exit codes. A job whose process became another one, as by ``exec``, succeeds although its layer did
not end. What counts is the record of the layer. The planner of a layer looks for the records of its dependencies;
without a planner, the task does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from laminar_runtime.configurations.hooks import annotation
from laminar_runtime.exceptions import UnfinishedError
from laminar_runtime.layer import Layer, Parameters
from laminar_runtime.tasks import pipelines

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution
    from laminar_runtime.flow import Flow

__all__ = ["check", "find_optional"]


def check(execution: Execution, layer: Layer, known: Mapping[str, Layer] | None = None) -> None:
    """Refuse to go on with a layer if a dependency has not finished.

    Args:
        execution: The execution.
        layer: The layer.
        known: Layers of the execution that the caller has, by name. They keep the records that are read here.

    Raises:
        UnfinishedError: If a dependency has not finished and cannot have been skipped.
    """
    known, flow = known or {}, execution.flow
    parents = [
        known.get(name) or execution.layer(name)
        for name in sorted(flow.dependencies_of(layer.name) - {Parameters.__name__})
    ]
    left = [
        parent.name
        for parent, finished in zip(parents, _have_finished(execution, parents), strict=True)
        if not finished
    ]
    # Which layers can be skipped depends on all layers, so this is asked only if one has not finished.
    excused = {*pipelines.ahead(flow, layer.name), *find_optional(flow)} if left else set()
    for name in left:
        if name not in excused:
            raise UnfinishedError(
                f"layer '{layer.name}' depends on layer '{name}', which has not finished in execution {execution.id}: "
                "its process ended with exit code 0 before its code ended. Possible causes are exec, exit(0) in a C "
                f"library, or a command that hides the exit code of its task. Fix layer '{name}', and resume the "
                "execution"
            )


def _have_finished(execution: Execution, layers: list[Layer]) -> Iterable[bool]:
    def has_finished(layer: Layer) -> bool:
        return layer.state.finished

    return map(has_finished, layers) if len(layers) < 2 else execution.datastore.map(has_finished, layers)  # noqa: PLR2004


def find_optional(flow: Flow) -> set[str]:
    """Return the layers that may be skipped: those with an entry hook, and all that depend on them.

    Args:
        flow: The flow.
    """
    dependents: dict[str, set[str]] = flow.dependents
    todo = [
        name
        for name, definition in flow.registry.items()
        if any(annotation.kind_of(hook) == "entry" for hook in definition.hooks)
    ]
    found: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += dependents[name]
    return found

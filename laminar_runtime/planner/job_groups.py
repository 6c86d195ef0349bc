"""The jobs of a deployed layer: their number, their splits, and their container overrides.

They are the groups in the plan of the layer, which the state machine follows: see `laminar_runtime.planner.LayerPlan`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records, indexes
from laminar_runtime.configurations.datastores import DataStore
from laminar_runtime.configurations.executors import Executor
from laminar_runtime.configurations.layers import Container
from laminar_runtime.exceptions import ExecutionError, LayerError
from laminar_runtime.layer import Layer
from laminar_runtime.limits import ARRAY_CHILDREN
from laminar_runtime.storage.layout import LayerKey

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution

__all__ = ["arrays", "executor_of", "groups_of", "overrides_of", "splits_of"]

#: The most characters of a list of indexes in a job's environment. All overrides together may have `OVERRIDES_LENGTH`.
_SPELLED = 1_000


def arrays(members: Sequence[int]) -> Iterator[Sequence[int]]:
    """Divide splits into the fewest possible array jobs of about equal size.

    Args:
        members: The indexes of the splits.

    Yields:
        The splits of each job.
    """
    jobs = math.ceil(len(members) / ARRAY_CHILDREN[1])
    for place in range(jobs):
        yield members[len(members) * place // jobs : len(members) * (place + 1) // jobs]


def groups_of(
    layer: Layer, splits: int, attempt: int, parts: Iterable[tuple[dict[str, Any], list[int]]]
) -> tuple[dict[str, Any], ...]:
    """Return the jobs of some splits, as groups of a plan.

    Lists of indexes that are too long for a job's environment are stored.

    Args:
        layer: The layer of the execution, with its fan-out.
        splits: The number of its splits.
        attempt: The attempt, from 1.
        parts: The indexes of splits with equal containers, each with the overrides of these.
    """
    store, key = layer.execution.datastore, layer.execution.key(layer)
    groups: list[dict[str, Any]] = []
    for details, members in parts:
        for children in arrays(members):
            spelled = indexes.spell(children)
            if len(spelled) > _SPELLED:
                listed = f"{attempt}-{len(groups)}"
                store.transport.put(key.index_list(listed), spelled.encode())
                spelled = f"@{listed}"
            groups.append({"size": len(children), "indexes": spelled, "splits": splits, "attempt": attempt, **details})
    return tuple(groups)


def splits_of(store: DataStore, key: LayerKey, plan: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Yield the splits of a plan, each with its group.

    Args:
        store: The flow's datastore.
        key: The layer.
        plan: Its plan, as plain values.
    """
    for group in plan["groups"]:
        spelled: str = group["indexes"]
        if spelled.startswith("@"):
            spelled = store.transport.get(key.index_list(spelled[1:])).decode()
        for index in indexes.parse(spelled):
            yield group, index


def executor_of(execution: Execution, name: str) -> Executor:
    """Return the executor of a layer.

    Args:
        execution: The execution.
        name: The layer.
    """
    flow = execution.flow
    return flow.registry[name].configuration.executor or flow.configuration.executor


def overrides_of(execution: Execution, name: str, container: Container, registered: Container) -> dict[str, Any]:
    """Return the overrides of a split's task, as the executor of its layer says.

    Args:
        execution: The execution.
        name: The layer.
        container: The container after the hooks.
        registered: The container that the layer was registered with.

    Raises:
        ExecutionError: If hooks changed a field that a task cannot override, or the size does not exist.
    """
    executor = executor_of(execution, name)
    fixed = [
        field
        for field, value in _records.plain(container).items()
        if field not in executor.overridable and value != getattr(registered, field)
    ]
    if fixed:
        changes = f"a hook of layer '{name}' changes {', '.join(fixed)} of its container, which"
        raise ExecutionError(f"{changes} {executor.fixed}")
    try:
        return executor.overrides(container)
    except LayerError as error:
        raise ExecutionError(f"a hook of layer '{name}' {error}") from None

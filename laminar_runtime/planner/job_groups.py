"""The jobs of a deployed layer: their number, their splits, and their container overrides.

They are the groups in the plan of the layer, which the state machine follows: see `laminar_runtime.planner.LayerPlan`.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records, indexes
from laminar_runtime.configurations.datastores import DataStore
from laminar_runtime.configurations.executors import Executor
from laminar_runtime.configurations.layers import Container, ForEach
from laminar_runtime.exceptions import ExecutionError, LayerError
from laminar_runtime.layer import Layer
from laminar_runtime.limits import ARRAY_CHILDREN
from laminar_runtime.splits.packing import splits_per_job
from laminar_runtime.storage.layout import LayerKey

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution

__all__ = ["arrays", "executor_of", "groups_of", "overrides_of", "shares_of", "splits_of"]

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


def shares_of(limit: int, sizes: Sequence[int]) -> list[int]:
    """Divide the splits that may run at once among jobs, in proportion to the splits of each.

    Args:
        limit: The maximum number of splits that run at once.
        sizes: The number of splits of each job.

    Returns:
        The number of children of each job, at least 1: if there are more jobs than the limit, all of them cannot run at
        once.

    Example:
        >>> shares_of(4, [10, 2]), shares_of(4, [1, 1]), shares_of(1, [5, 5])
        ([3, 1], [1, 1], [1, 1])
    """
    shares = [1] * len(sizes)
    waiting = [(-size / 2, place) for place, size in enumerate(sizes) if size > 1]
    heapq.heapify(waiting)
    for _ in range(min(limit, sum(sizes)) - len(sizes)):
        _, place = heapq.heappop(waiting)
        shares[place] += 1
        if shares[place] < sizes[place]:
            heapq.heappush(waiting, (-sizes[place] / (shares[place] + 1), place))
    return shares


def groups_of(
    layer: Layer,
    splits: int,
    attempt: int,
    parts: Iterable[tuple[dict[str, Any], list[int]]],
    seconds: float | None = None,
) -> tuple[dict[str, Any], ...]:
    """Return the jobs of some splits, as groups of a plan.

    Lists of indexes that are too long for a job's environment are stored. If the layer limits the splits that run at
    once, or says how many of them a job runs, the children of a job claim the splits.

    Args:
        layer: The layer of the execution, with its fan-out.
        splits: The number of its splits.
        attempt: The attempt, from 1.
        parts: The indexes of splits with equal containers, each with the overrides of these.
        seconds: The seconds of a split, if its jobs run as many splits as is good.
    """
    foreach = layer.configuration.foreach
    if seconds is not None and not foreach.shares_splits:
        foreach = _records.copy(foreach, splits_per_job=splits_per_job(seconds, splits))
    jobs: list[tuple[dict[str, Any], Sequence[int]]]
    if foreach.shares_splits and executor_of(layer.execution, layer.name).claims_splits:
        jobs = list(_claiming_jobs(foreach, attempt, [part for part in parts if part[1]]))
    else:
        jobs = [({"size": len(job), **details}, job) for details, members in parts for job in arrays(members)]
    store, key = layer.execution.datastore, layer.execution.key(layer)
    groups: list[dict[str, Any]] = []
    for details, members in jobs:
        spelled = indexes.spell(members)
        if len(spelled) > _SPELLED:
            listed = f"{attempt}-{len(groups)}"
            store.transport.put(key.index_list(listed), spelled.encode())
            spelled = f"@{listed}"
        groups.append({"indexes": spelled, "splits": splits, "attempt": attempt, **details})
    return tuple(groups)


def _claiming_jobs(
    foreach: ForEach, attempt: int, parts: Sequence[tuple[dict[str, Any], list[int]]]
) -> Iterator[tuple[dict[str, Any], Sequence[int]]]:
    """Yield jobs whose children claim the splits, one for each container: its size, and the name of its claims."""
    at_once, most = foreach.splits_at_once, ARRAY_CHILDREN[1]
    needed = [math.ceil(len(members) / (foreach.splits_per_job or at_once)) for _, members in parts]
    limit = most if foreach.max_concurrency is None else foreach.max_concurrency // at_once
    shares = shares_of(min(limit, most), needed)
    for number, (share, (details, members)) in enumerate(zip(shares, parts, strict=True)):
        yield {"size": share, "claims": f"{attempt}-{number}.{share}", **details}, members


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
    times = execution.flow.registry[name].configuration.foreach.splits_at_once
    larger = _records.evolve(container, cpu=container.cpu * times, memory=container.memory * times)
    try:
        return executor.overrides(container if times == 1 else larger)
    except LayerError as error:
        raise ExecutionError(f"a hook of layer '{name}' {error}") from None

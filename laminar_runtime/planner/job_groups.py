"""The jobs of the splits of a deployed layer: how many there are, and what each is told of splits and container.

They stand as groups in the plan of the layer, which the state machine goes by: see `laminar_runtime.planner.LayerPlan`.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records, indexes
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.datastores import DataStore
from laminar_runtime.configurations.layers import DEFAULT_WORKDIR, Container
from laminar_runtime.exceptions import ExecutionError
from laminar_runtime.limits import ARRAY_CHILDREN
from laminar_runtime.splits import job_container
from laminar_runtime.storage.layout import LayerKey

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution

__all__ = ["arrays", "executor_of", "groups_of", "splits_of", "told_of"]

#: The longest list of indexes that a job is told in its environment, which may have `OVERRIDES_LENGTH` in all.
_SPELLED = 1_000
#: What may differ from split to split: a job's overrides say these, and its job definition the rest.
_CHOSEN = ("command", "cpu", "memory", "workdir")


def arrays(members: Sequence[int]) -> Iterator[Sequence[int]]:
    """The children of each array job of some splits: of as few jobs as can be, and as even: none is left with one.

    Args:
        members: The indexes of the splits.
    """
    jobs = math.ceil(len(members) / ARRAY_CHILDREN[1])
    for place in range(jobs):
        yield members[len(members) * place // jobs : len(members) * (place + 1) // jobs]


def groups_of(
    store: DataStore, key: LayerKey, splits: int, attempt: int, parts: Iterable[tuple[dict[str, Any], list[int]]]
) -> tuple[dict[str, Any], ...]:
    """The jobs of some splits, as groups of a plan.

    Args:
        store: The flow's datastore, where lists of indexes are kept that a job cannot be told otherwise.
        key: The layer.
        splits: The number of its splits.
        attempt: The attempt, from 1.
        parts: The indexes of splits in equal containers, each with what is told of these.
    """
    groups: list[dict[str, Any]] = []
    for details, members in parts:
        for children in arrays(members):
            spelled = indexes.spell(children)
            if len(spelled) > _SPELLED:
                listed = f"{attempt}-{len(groups)}"
                store.transport.put(key.listed(listed), spelled.encode())
                spelled = f"@{listed}"
            groups.append({"size": len(children), "indexes": spelled, "splits": splits, "attempt": attempt, **details})
    return tuple(groups)


def splits_of(store: DataStore, key: LayerKey, plan: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], int]]:
    """The splits of a plan, each with its group.

    Args:
        store: The flow's datastore.
        key: The layer.
        plan: Its plan, as plain values.
    """
    for group in plan["groups"]:
        spelled: str = group["indexes"]
        if spelled.startswith("@"):
            spelled = store.transport.get(key.listed(spelled[1:])).decode()
        for index in indexes.parse(spelled):
            yield group, index


def executor_of(execution: Execution, name: str) -> object:
    """What runs a layer.

    Args:
        execution: The execution.
        name: The layer.
    """
    flow = execution.flow
    return flow.registry[name].configuration.executor or flow.configuration.executor


def told_of(execution: Execution, name: str, container: Container, registered: Container) -> dict[str, Any]:
    """What the job of a split is told of its container. The function of one is told nothing: it has its own.

    Args:
        execution: The execution.
        name: The layer.
        container: The container, as hooks left it.
        registered: The container that the layer was registered with.

    Raises:
        ExecutionError: If they differ in what jobs cannot differ in, or there is no such size.
    """
    invoked = isinstance(executor_of(execution, name), executors.AWS.Lambda)
    _check_chosen(name, container, registered, () if invoked else _CHOSEN)
    if invoked:
        return {}
    cpu, memory = _size(execution, name, container)
    workdir = None if container.workdir == DEFAULT_WORKDIR else container.workdir
    resources = job_container.job_resources(cpu, memory, container.gpu)
    return {
        "command": job_container.job_command(shlex.split(container.command), workdir),
        "resources": [{"Type": kind, "Value": value} for kind, value in resources.items()],
    }


def _check_chosen(name: str, container: Container, registered: Container, chosen: Sequence[str]) -> None:
    fixed = [
        field
        for field, value in _records.plain(container).items()
        if field not in chosen and value != getattr(registered, field)
    ]
    if not fixed:
        return
    changes = f"a hook of layer '{name}' changes {', '.join(fixed)} of its container, which"
    if not chosen:
        msg = f"{changes} AWS Lambda cannot change from one invocation to the next: run the layer on AWS Batch"
        raise ExecutionError(msg)
    msg = f"{changes} a job cannot differ in from its job definition: let hooks change {', '.join(chosen)}"
    raise ExecutionError(msg)


def _size(execution: Execution, name: str, container: Container) -> tuple[float, int]:
    """The size of a job's container on the platform of its layer."""
    match executor_of(execution, name):
        case executors.AWS.Batch(platform="EC2"):
            size, lack = job_container.ec2_size(container.cpu, container.memory), "EC2 has whole vCPUs"
        case _:
            size, lack = job_container.fargate_size(container.cpu, container.memory), "no size of Fargate has them"
    if size is None:
        wanted = f"{container.cpu:g} vCPU and {container.memory} MiB"
        raise ExecutionError(f"a hook of layer '{name}' wants {wanted}, and {lack}")
    return size

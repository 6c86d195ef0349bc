"""All kinds of targets. To add one, write its folder and name its value here: see the recipes in the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from laminar_codegen.ir.deployment import Planner, TaskResource
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.placement import Target
from laminar_codegen.policies.calls import Calls
from laminar_codegen.targets.aws_lambda.kind import LAMBDA
from laminar_codegen.targets.batch.kind import BATCH
from laminar_codegen.targets.companions.companion import Companion
from laminar_codegen.targets.kind import TargetKind
from laminar_runtime import Flow
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.executors import Executor

__all__ = [
    "TARGETS",
    "alternative_of",
    "calls_of_kinds",
    "companions_of",
    "functions_of",
    "kind_of",
    "kinds",
    "kinds_by_role",
    "kinds_of",
    "target_of",
]

#: All kinds, in the order of their resources in documents.
TARGETS: tuple[TargetKind, ...] = (LAMBDA, BATCH)
#: The kind that an executor stands for which no other kind accepts.
DEFAULT = BATCH


def kinds() -> tuple[TargetKind, ...]:
    """Return all kinds of targets."""
    return TARGETS


def kind_of(target: Target) -> TargetKind:
    """Return the kind of a target.

    Args:
        target: The target.
    """
    return next(kind for kind in kinds() if isinstance(target, kind.target))


def target_of(own: Executor | None, flow: Flow) -> Target:
    """Return the target of a layer: that of its own executor, or of its flow's.

    The executors of this machine stand for the default target, AWS Batch on Fargate. So does `AWS.Auto`, whose other
    target is that of `alternative_of`.

    Args:
        own: The layer's own executor, None if it has none.
        flow: Its flow.
    """
    executor = own or flow.configuration.executor
    return _target_of(executor.batch if isinstance(executor, executors.AWS.Auto) else executor, flow)


def alternative_of(own: Executor | None, flow: Flow) -> Target | None:
    """Return the target that a layer has in the place of its own if a profile is in favour of it, None without one.

    Args:
        own: The layer's own executor, None if it has none.
        flow: Its flow.
    """
    executor = own or flow.configuration.executor
    return _target_of(executor.function, flow) if isinstance(executor, executors.AWS.Auto) else None


def _target_of(executor: Executor, flow: Flow) -> Target:
    usual = flow.configuration.executor
    timeout = None if executor.timeout == usual.timeout else executor.timeout
    # The default is asked last: it accepts any executor.
    asked = sorted(kinds(), key=lambda kind: kind is DEFAULT)
    found = (kind.of_executor(executor, timeout) for kind in asked)
    return next(target for target in found if target is not None)


def calls_of_kinds() -> dict[str, tuple[Calls, ...]]:
    """Return the calls that Terraform makes for the types of resources of all kinds, by type."""
    return {name: rows for kind in kinds() for name, rows in kind.calls.items()}


def companions_of(graphs: Sequence[Graph]) -> tuple[Companion, ...]:
    """Return the state machines that are needed besides those of some flows: by kinds of targets, and for reports.

    Args:
        graphs: The graphs of the flows.
    """
    found = [kind.companion for kind in kinds()]
    if graphs[0].settings.notices is not None:
        # Imported here, so that the compile of other flows does not load it.
        from laminar_codegen.targets.companions.notifier import NOTIFIER

        found.append(NOTIFIER)
    return tuple(companion for companion in found if companion is not None and companion.needed(graphs))


def kinds_of(resources: Iterable[Planner | TaskResource]) -> tuple[TargetKind, ...]:
    """Return the kinds of the targets that some resources run layers on.

    Args:
        resources: The resources.
    """
    used = {type(item.placement.target) for item in resources if isinstance(item, TaskResource)}
    return tuple(kind for kind in kinds() if any(issubclass(target, kind.target) for target in used))


def kinds_by_role(resources: Iterable[Planner | TaskResource]) -> dict[str, TargetKind]:
    """Return the kind of the targets of the roles that layers name, by the label of the role, sorted.

    Args:
        resources: The resources.
    """
    targets = [item.placement.target for item in resources if isinstance(item, TaskResource)]
    found = {target.role: target for target in targets if target.role is not None}
    return {role: kind_of(found[role]) for role in sorted(found)}


def functions_of(resources: Iterable[Planner | TaskResource]) -> tuple[Planner | TaskResource, ...]:
    """Return the resources that are functions of AWS Lambda: planners, and those of some kinds of targets.

    Args:
        resources: The resources.
    """
    return tuple(item for item in resources if isinstance(item, Planner) or kind_of(item.placement.target).functions)

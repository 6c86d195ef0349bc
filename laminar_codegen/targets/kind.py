"""The interface of a kind of target."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import attrs

from laminar_codegen.ir.asl import Catcher, Map, State, Task
from laminar_codegen.ir.deployment import Deployment, Role, TaskResource
from laminar_codegen.ir.expressions import Ref, Value
from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.placement import Queue, Target
from laminar_codegen.ir.plan import Pack
from laminar_codegen.ir.retriers import Retrier
from laminar_codegen.ir.terraform import Block, Validation, Variable
from laminar_codegen.policies.calls import Calls
from laminar_codegen.policies.datastore import for_layers_with
from laminar_codegen.policies.sizes import Fitted
from laminar_codegen.policies.statement import Statement
from laminar_codegen.problems import Problem
from laminar_codegen.targets.companions.companion import Companion
from laminar_runtime.configurations.executors import Executor

__all__ = ["Attempts", "TargetKind", "TaskStates", "roles_of_layers"]


@attrs.frozen(eq=False, repr=False)
class Attempts:
    """The attempts at a task.

    Args:
        retriers: The retriers of its state.
        attempt: An expression for the number of the attempt, None if the task counts its attempts itself.
        catchers: The catchers of its state.
    """

    retriers: tuple[Retrier, ...]
    attempt: str | None
    catchers: tuple[Catcher, ...] = ()


class TaskStates(abc.ABC):
    """The states that run layers on one kind of target.

    Attributes:
        error_field: The field with the reason in the cause of a failed task.
        together: The end of a comment on the state that runs all splits of a layer.
        groups_share_limit: Whether the groups of splits in a plan have their shares of the layer's ``max_concurrency``.
            If not, a group keeps to the whole of it.
    """

    error_field: ClassVar[str]
    together: ClassVar[str] = ""
    groups_share_limit: ClassVar[bool] = True

    @abc.abstractmethod
    def once(self, layer: LayerNode, after: str | None, attempts: Attempts) -> Task:
        """Return the state that runs a layer that does not fan out.

        Args:
            layer: The layer.
            after: The state that follows, None at the end.
            attempts: The attempts at it.
        """

    @abc.abstractmethod
    def group(self, layer: LayerNode, name: str, attempts: Attempts) -> Task | Map:
        """Return the state that runs a group of splits, which is its input.

        Args:
            layer: The layer.
            name: The name of the state.
            attempts: The attempts at a split.
        """

    def pipeline(self, layers: Sequence[LayerNode]) -> Iterator[State]:
        """Return the states that run a group of splits of several layers item by item.

        A kind whose targets have `pipelines` overrides this. The checks refuse pipelines on any other.

        Args:
            layers: The layers, in their order.

        Raises:
            TypeError: If the kind has no pipelines.
        """
        raise TypeError(f"{layers[0].executor.service} has no pipelines")

    def pack(self, pack: Pack, layers: Sequence[LayerNode], name: str, after: str | None) -> Task:  # noqa: ARG002
        """Return the state that runs layers in one job.

        A kind whose layers may share jobs overrides this.

        Args:
            pack: The layers, and the size of the job.
            layers: The layers. Their containers differ in their sizes only.
            name: The name of the state.
            after: The state that follows, None at the end.

        Raises:
            TypeError: If the kind has no jobs.
        """
        raise TypeError(f"layers on {layers[0].executor.service} share no jobs")


def _none(*_: Any) -> tuple[()]:
    return ()


def _no_locals(_: Deployment) -> Mapping[str, Value]:
    return {}


def _no_validations(_: Deployment) -> Mapping[Ref, tuple[Validation, ...]]:
    return {}


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TargetKind:
    """A kind of target, with all that the compiler needs to know about it.

    Args:
        target: The class of its targets.
        of_executor: Returns the target for an executor of the runtime and a timeout, None if it is of another kind.
        states: Returns the states of the layers of a graph.
        resources: Returns the resources of a graph that run layers.
        emit: Returns the blocks of such a resource.
        rules: The rules that a flow with layers on such a target must keep.
        queues: The job queues that the layers may need, in the order of their variables.
        local_values: Returns the local values of a document.
        variables: Returns the variables of a document, besides those of queues and roles.
        validations: Returns the validations of variables of the flow, by their references.
        roles: Returns the roles that the resources need, given the flows, as in "flow Report".
        permissions: The statements of each of these roles, by the role's label, except those that layers name.
        permissions_of: Returns the statements of a role that layers name, by the role's label.
        statements: Returns the statements of the state machine, or shorter ones if these are too long.
        log_groups: Returns the labels of the log groups that the resources need. Kinds may share one.
        calls: The calls that Terraform makes for its types of resources, by type: for ``--emit deployer-policy``.
        task_role: The label of the role that tasks have, and a name for the tasks.
        functions: Whether the resources are functions of AWS Lambda, which follow the planners of their flow.
        jobs_note: The meaning of ``jobs(L)`` in what ``laminar-codegen check`` prints.
        companion: The state machine that it needs besides those of the flows.
    """

    target: type[Target]
    of_executor: Callable[[Executor, float | None], Target | None]
    states: Callable[[Graph], TaskStates]
    resources: Callable[[Graph], Iterable[TaskResource]]
    emit: Callable[[Any], Iterable[Block]]
    rules: tuple[Callable[[Graph], Iterable[Problem]], ...] = ()
    queues: tuple[Queue, ...] = ()
    local_values: Callable[[Deployment], Mapping[str, Value]] = _no_locals
    variables: Callable[[Deployment], Iterable[Variable]] = _none
    validations: Callable[[Deployment], Mapping[Ref, tuple[Validation, ...]]] = _no_validations
    roles: Callable[[str, Sequence[TaskResource]], Iterable[Role]] = _none
    permissions: Mapping[str, Callable[[Deployment], Fitted]] = attrs.field(factory=dict)
    permissions_of: Callable[[Deployment, str], Fitted] = for_layers_with
    statements: Callable[[Deployment, bool], Iterable[Statement]] = _none
    log_groups: Callable[[Sequence[TaskResource]], Iterable[str]] = _none
    calls: Mapping[str, tuple[Calls, ...]] = attrs.field(factory=dict)
    task_role: tuple[str, str] | None = None
    functions: bool = False
    jobs_note: str = ""
    companion: Companion | None = None


def roles_of_layers(principal: str, resources: Iterable[TaskResource]) -> Iterator[Role]:
    """Yield the roles that layers name, sorted by label.

    Args:
        principal: The principal that assumes them.
        resources: The resources that run the layers.
    """
    for label in sorted({item.placement.target.role for item in resources} - {None}, key=str):
        yield Role(
            str(label), principal, f"What layers with the role {label} may do", f"tasks with the role {label} have"
        )

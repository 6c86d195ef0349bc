"""The resources of a deployment: frozen values, one for each resource that the document declares or refers to.

`laminar_codegen.allocate` makes them. The emitters of `laminar_codegen.lower_terraform` turn each value into a block::

    Deployment
      resources         JobDefinition  fargate, ec2_gpu_1, ...
                        TaskFunction   run_score, ...
                        Planner        planner, ...
      queues            Queue          job_queue_arn, ...
      roles             Role           state_machine, task, execution, ...
      log_groups        LogGroup       state_machine, tasks, planner, ...
      alarms            Alarm          failed, timed_out, throttled, ...
      triggers          Trigger        schedule: rate(1 day), ...
      machines          StateMachine   flow, part_1, ...
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TypeVar

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.graph import Graph, Trigger
from laminar_codegen.ir.placement import USUAL_PLANNER, Container, Network, Placement, PlannerSettings, Queue
from laminar_codegen.ir.settings import Settings
from laminar_runtime.configurations.datastores.s3_encryption import NO_ENCRYPTION, Encryption

__all__ = ["Alarm", "Deployment", "LogGroup", "Planner", "Role", "TaskResource"]


Resource = TypeVar("Resource", bound="Planner | TaskResource")


@attrs.frozen(eq=False, repr=False)
class TaskResource:
    """A resource that runs layers. `laminar_codegen.targets` has a subclass for each kind of target.

    Args:
        label: Its label.
        flow: The name of the flow whose layers it runs.
        placement: The container of these layers, and their target.
        timeout: Seconds after which a task is stopped.
    """

    label: str
    flow: Ref
    placement: Placement
    timeout: float

    @property
    def container(self) -> Container:
        """The container of the layers."""
        return self.placement.container

    @property
    def network(self) -> Network | None:
        """The network of the function that runs the layers; None if it is in no VPC, or there is no function."""
        return self.placement.target.network


@attrs.frozen(eq=False, repr=False)
class Planner:
    """A function of AWS Lambda that answers the questions of a state machine about layers.

    Args:
        label: Its label.
        flow: The name of the flow.
        container: The container of the layers, whose image and command it has.
        encryption: The encryption that writes to the datastore request from S3.
        settings: Its size, its network and its image.
    """

    label: str
    flow: Ref
    container: Container
    encryption: Encryption = NO_ENCRYPTION
    settings: PlannerSettings = USUAL_PLANNER

    @property
    def network(self) -> Network | None:
        """The network of the function, None if it is in no VPC."""
        return self.settings.network


@attrs.frozen(eq=False, repr=False)
class LogGroup:
    """A log group of CloudWatch Logs.

    Args:
        label: Its label.
        name: Its name in the account.
    """

    label: str
    name: Joined


@attrs.frozen(eq=False, repr=False)
class Role:
    """A role of IAM. `laminar_codegen.lower_terraform.iam_roles` has its permissions.

    Args:
        label: Its label.
        service: The principal that may assume it.
        description: Its description in the account.
        use: What it does, to follow "the role that" in a sentence.
    """

    label: str
    service: str
    description: str
    use: str

    @property
    def arn(self) -> Ref:
        """Its ARN, given by a variable or made by the document."""
        return labels.role(self.label)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Alarm:
    """An alarm of CloudWatch.

    Args:
        label: Its label.
        description: Its description in the account.
        namespace: The namespace of its metric.
        metric: The name of its metric.
        statistic: The statistic of its metric.
        dimensions: The dimensions of its metric.
        period: Seconds over which the statistic is taken.
        threshold: The value above which it goes off.
        periods: The number of periods in which that must be so.
        missing: Whether it goes off at values up to the threshold, and without values.
        switches: The variables of which one must be true for the alarm to exist, none if it always exists.
    """

    label: str
    description: Joined
    namespace: str
    metric: str
    statistic: str
    dimensions: Mapping[str, Value]
    period: int = 300
    threshold: int = 0
    periods: int = 1
    missing: bool = False
    switches: tuple[str, ...] = ()


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Deployment:
    """All resources that one document deploys.

    Args:
        graphs: The graphs of its flows. Flows that follow others come after these.
        machines: All state machines. The first is the one that applications start.
        resources: The resources that run its layers, and its planners, in the order of the document.
        queues: The job queues that its jobs are submitted to. They are inputs of the document.
        roles: Its roles.
        log_groups: Its log groups.
        alarms: Its alarms.
        triggers: What starts it without a caller: the triggers of its first flow.
        longest_name: The greatest length of its name, in characters.
    """

    graphs: tuple[Graph, ...]
    machines: tuple[StateMachine, ...]
    resources: tuple[Planner | TaskResource, ...]
    queues: tuple[Queue, ...]
    roles: tuple[Role, ...]
    log_groups: tuple[LogGroup, ...]
    alarms: tuple[Alarm, ...]
    triggers: tuple[Trigger, ...]
    longest_name: int

    @functools.cached_property
    def flows(self) -> tuple[str, ...]:
        """The names of its flows."""
        return tuple(graph.flow for graph in self.graphs)

    @property
    def settings(self) -> Settings:
        """How it is operated: what the scheduler of its first flow says."""
        return self.graphs[0].settings

    @functools.cached_property
    def flow_names(self) -> tuple[Ref, ...]:
        """The local values that hold the names of its flows."""
        return tuple(map(labels.flow, self.graphs))

    @functools.cached_property
    def planners(self) -> tuple[Planner, ...]:
        """Its planners, sorted by label."""
        return self.of_type(Planner)

    def of_type(self, kind: type[Resource]) -> tuple[Resource, ...]:
        """Return its resources of one class, sorted by label.

        Args:
            kind: The class.
        """
        found = (item for item in self.resources if isinstance(item, kind))
        return tuple(sorted(found, key=lambda item: item.label))

    @property
    def companions(self) -> tuple[StateMachine, ...]:
        """The state machines that run beside those of its flows."""
        return tuple(machine for machine in self.machines if machine.companion)

    def parts(self, *, short: bool) -> tuple[str, ...]:
        """Return the names, or prefixes of names, of the machines that other machines start.

        Args:
            short: Whether prefixes are enough.
        """
        found = tuple(item.name for item in self.machines if item.name != labels.MAIN and not item.companion)
        if not short or len(found) <= 1:
            return found
        return ("part_*",) if len(self.graphs) == 1 else ("*",)

    def has_role(self, label: str) -> bool:
        """Return whether it has a role.

        Args:
            label: The label of the role.
        """
        return any(role.label == label for role in self.roles)

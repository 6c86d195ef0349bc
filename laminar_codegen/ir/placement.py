"""The placement of a layer: its container, its service, and its job queue.

Before: the container and the executor that a flow configures. After: frozen values, from which the compiler emits the
jobs or invocations of a layer.
"""

from __future__ import annotations

import abc
import functools
import json
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import attrs

from laminar_codegen.ir.expressions import Input, Ref, Value
from laminar_codegen.ir.structs import Struct
from laminar_runtime import _records
from laminar_runtime.configurations import container_texts, networks
from laminar_runtime.configurations import containers as configured
from laminar_runtime.variables import ListVariable, Variable

__all__ = [
    "USUAL",
    "USUAL_PLANNER",
    "Container",
    "Network",
    "Placement",
    "PlannerSettings",
    "Queue",
    "Target",
    "container_of",
    "network_of",
    "place",
    "properties_of",
    "secret_options",
]


@attrs.frozen(cache_hash=True)
class Container:
    """The container of a layer.

    Args:
        command: Its command, word by word; none if its quotes are not closed.
        cpu: Virtual CPUs.
        memory: Memory in MiB.
        image: The image, None for the deployment's.
        workdir: The working directory, None for the image's own.
        gpu: GPUs.
        spot: Whether it runs on spot capacity.
        architecture: The processors that the image is built for.
        secrets: Variables with the ARNs of their values, sorted.
        ephemeral_storage: Disk in GiB, None for the default of the platform.
        log_driver: The log driver for its output.
        log_options: Options of the log driver, sorted.
        environment: Variables with their values, sorted.
        more: The other fields that are set, by name. Only targets know what they mean.
    """

    command: tuple[str, ...]
    cpu: float
    memory: int
    image: str | Ref | None
    workdir: str | None
    gpu: int = 0
    spot: bool = False
    architecture: configured.Architecture = "x86_64"
    secrets: tuple[tuple[str, str | Ref], ...] = ()
    ephemeral_storage: int | None = None
    log_driver: str = "awslogs"
    log_options: tuple[tuple[str, str | Ref], ...] = ()
    environment: tuple[tuple[str, str | Ref], ...] = ()
    more: tuple[tuple[str, Any], ...] = ()

    @functools.cached_property
    def requested(self) -> Mapping[str, Any]:
        """The fields with another value than that of a usual container, by name. Maps are sorted pairs."""
        named = {name: getattr(self, name) for name in _NAMED}
        found = {name: value for name, value in named.items() if value != getattr(USUAL, name)}
        return {**found, **dict(self.more)}

    @property
    def secret_log_options(self) -> tuple[tuple[str, str | Ref], ...]:
        """The options of the log driver that are secrets."""
        return secret_options(self.log_options)


def secret_options(options: Iterable[tuple[str, str | Ref]]) -> tuple[tuple[str, str | Ref], ...]:
    """Return the options of a log driver that are secrets. A variable is one if the option never is plain text.

    Args:
        options: The options.
    """
    return tuple(
        (name, value)
        for name, value in options
        if (container_texts.is_secret(value) if isinstance(value, str) else name in container_texts.SECRET_OPTIONS)
    )


#: A list of texts, or a variable that stands for it.
Ids = tuple[str | Ref, ...] | Ref


@attrs.frozen(eq=False, repr=False)
class Network(Struct):
    """The network of a function of AWS Lambda.

    Args:
        subnets: The ids of its subnets.
        security_groups: The ids of its security groups.
    """

    subnets: Ids
    security_groups: Ids


@attrs.frozen(eq=False, repr=False)
class PlannerSettings(Struct):
    """The settings of the planners of a flow.

    Args:
        memory: Memory in MiB.
        timeout: Seconds after which an answer is late.
        network: The network of their functions, None if they are in no VPC. Jobs are not in it.
        image: Their image, None for that of the layers that they plan. A variable without a default may be null, which
            means the same.
        cpu: Virtual CPUs of jobs.
        target: The target of their jobs, None if they are functions of AWS Lambda.
    """

    memory: int = 1024
    timeout: float = 300
    network: Network | None = None
    image: str | Ref | None = None
    cpu: float = 1
    target: Target | None = None


#: The settings of a flow that asks for none.
USUAL_PLANNER = PlannerSettings()


class Target(Struct, abc.ABC):
    """A target, which runs layers. `laminar_codegen.targets` has a subclass for each kind, all of frozen values.

    Attributes:
        service: The name of the service, for people.
        pipelines: Whether a split can wait for one split of another layer.
        limits_splits: Whether a layer can limit how many of its splits run at once.
        shares_splits: Whether a task of it can run several splits of a layer.
        timeout: Seconds after which a task is stopped, None for the flow's.
        role: The label of the role of its tasks, None for the one that all tasks without another have.
        overridable: The fields of a container that hooks may change: a task overrides them.
        network: The network of the function that runs its tasks; None if it is in no VPC, or there is no function.
    """

    service: ClassVar[str]
    role: str | None = None
    network: Network | None = None
    pipelines: ClassVar[bool] = False
    limits_splits: ClassVar[bool] = False
    shares_splits: ClassVar[bool] = False
    timeout: float | None
    overridable: ClassVar[tuple[str, ...]] = ()

    @abc.abstractmethod
    def describe(self, container: Container) -> str:
        """Return where a layer runs, as in "on EC2", or '' on the default target.

        Args:
            container: The container of the layer.
        """

    @abc.abstractmethod
    def facts(self, container: Container) -> dict[str, Value]:
        """Return the facts that a plan of Terraform shows of a layer on this target: where it runs, and its size.

        Args:
            container: The container of the layer.
        """

    def in_network(self, network: Network | None) -> Target:  # noqa: ARG002 - for those with functions
        """Return the target with a network for its function, unless it has one of its own, or no function.

        Args:
            network: The network, None for none.
        """
        return self

    def queue(self, container: Container) -> Queue | None:  # noqa: ARG002 - for those that have one
        """Return the job queue of a layer, None if it has none.

        Args:
            container: The container of the layer.
        """
        return None


@attrs.frozen(eq=False, repr=False)
class Queue(Struct):
    """A job queue, which is an input of a deployment.

    Args:
        variable: The variable of its ARN.
        capacity: The capacity that it must have.
        tasks: The tasks that are submitted to it.
    """

    variable: str
    capacity: str
    tasks: str


@attrs.frozen(cache_hash=True)
class Placement:
    """A container and its target: layers of the same placement share a job definition, or a function."""

    container: Container
    target: Target

    @property
    def queue(self) -> Queue | None:
        """The job queue, None without one."""
        return self.target.queue(self.container)


@functools.cache
def place(container: Container, target: Target) -> Placement:
    """Return the placement of a container on a target. Equal placements are one value, which makes lookups fast.

    Args:
        container: The layer's container.
        target: Its target.
    """
    return Placement(container, target)


@functools.cache
def _words(command: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(command))
    except ValueError:  # a quote is not closed: `check_commands` reports it
        return ()


def _value(value: Any) -> Any:
    """Return a value that does not change: a map as its sorted pairs, a list as a tuple, a variable as a reference."""
    match value:
        case Variable() | ListVariable():
            return Input.of(value)
        case _ if _records.has_fields(type(value)):
            # What is unset is left out, so that a further field changes no label.
            fields = _records.plain(value)
            return tuple((name, _value(fields[name])) for name in sorted(fields) if fields[name] not in {None, False})
        case Mapping():
            return tuple((name, _value(value[name])) for name in sorted(value))
        case list() | tuple():
            return tuple(map(_value, value))
        case _:
            return value


def network_of(network: networks.Network | None) -> Network | None:
    """Return a configured network as a frozen value.

    Args:
        network: The network, as configured.
    """
    if network is None:
        return None
    return Network(_value(network.subnets), _value(network.security_groups))


#: The fields that passes know by name.
_NAMED = tuple(field.name for field in attrs.fields(Container)[:-1])


@functools.cache
def _defaults(cls: type[Any]) -> Mapping[str, Any]:
    # A subclass may give fields of `Container` other defaults: these are settings.
    return {**_records.defaults(cls), **_records.defaults(configured.Container)}


def container_of(container: configured.Container) -> Container:
    """Return a configured container as a frozen value. A field that no pass knows by name is among its further ones.

    Args:
        container: The container, as configured.
    """
    kind: Any = type(container)
    fields = _records.plain(container)
    if fields == _records.defaults(kind):
        return _default(kind)  # as that of most layers
    return _freeze(container, fields, _defaults(kind))


@functools.cache
def _default(kind: Any) -> Container:
    container = kind()
    return _freeze(container, _records.plain(container), _defaults(kind))


def _freeze(container: configured.Container, fields: Mapping[str, Any], defaults: Mapping[str, Any]) -> Container:
    further = ((name, value) for name, value in fields.items() if name not in _NAMED)
    more = {name: value for name, value in further if name not in defaults or value != defaults[name]}
    if "properties" in more:
        more["properties"] = _properties(more["properties"])
    return Container(
        command=_words(container.command),
        cpu=container.cpu,
        memory=container.memory,
        image=_value(container.image),
        workdir=None if container.workdir == configured.DEFAULT_WORKDIR else container.workdir,
        gpu=container.gpu,
        spot=container.spot,
        architecture=container.architecture,
        secrets=_value(container.secrets),
        ephemeral_storage=container.ephemeral_storage,
        log_driver=container.log_driver,
        log_options=_value(container.log_options),
        environment=_value(container.environment),
        more=_value(more),
    )


#: The key of a map that stands for a variable in properties as text: no member of a container has this name.
_VARIABLE = "Variable"


def _properties(value: Any) -> str | tuple[str | Variable, ...]:
    """Return properties as text, with the variables in them behind it if there are some.

    Their maps and lists have any depth. As text they keep their structure, and do not change.
    """
    found: dict[Variable, None] = {}

    def mark(variable: Variable) -> dict[str, str]:
        found[variable] = None
        return {_VARIABLE: variable.name}

    text = json.dumps(value, sort_keys=True, default=mark)
    return (text, *found) if found else text


def properties_of(given: str | tuple[Any, ...], text: Callable[[Input], Any]) -> dict[str, Any]:
    """Return the further properties of a container.

    Args:
        given: What the container has of them: their text, and the variables behind it.
        text: Returns what stands in the place of a variable.
    """
    plain, *variables = (given,) if isinstance(given, str) else given
    named = {item.variable.name: item for item in variables}

    def fill(found: dict[str, Any]) -> Any:
        name = found.get(_VARIABLE) if len(found) == 1 else None
        return text(named[name]) if isinstance(name, str) and name in named else found

    properties: dict[str, Any] = json.loads(plain, object_hook=fill)
    return properties


#: The container of layers that ask for no other.
USUAL = container_of(configured.Container())

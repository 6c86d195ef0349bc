"""How a layer runs: in which container, how often, with what errors forgiven."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from laminar_runtime import _records
from laminar_runtime.exceptions import LayerError

if TYPE_CHECKING:
    from laminar_runtime.configurations.executors import Executor

__all__ = ["Catch", "Configuration", "Container", "ForEach", "Parameter", "Retry", "State"]

Architecture = Literal["x86_64", "arm64"]

#: The command of a container that is not told otherwise: the image holds the flow's file under this name.
DEFAULT_COMMAND = "python main.py"
#: The working directory of a container that is not told otherwise.
DEFAULT_WORKDIR = "/laminar"
#: What names a secret: the ARN of a secret of Secrets Manager, of a key or version of one too, or of an SSM parameter:
#: https://docs.aws.amazon.com/batch/latest/userguide/specifying-sensitive-data.html
_ARN = (
    r"arn:aws[a-z-]*:(secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+(:[^:\s]*){0,3}"
    r"|ssm:[a-z0-9-]+:\d{12}:parameter/[\w./-]+)"
)
_VARIABLE = r"(?!AWS_BATCH|LAMINAR_)[A-Za-z_][A-Za-z0-9_]*"


def is_secret(text: str) -> bool:
    """Whether a text names a secret."""
    return re.fullmatch(_ARN, text, re.ASCII) is not None


def _folder(path: Any) -> Any:
    return path.rstrip("/") or "/" if isinstance(path, str) else path


def _copied(mapping: Any) -> Any:
    """A copy of a mapping, so that two containers never share one."""
    return dict(mapping) if isinstance(mapping, Mapping) else mapping


def _is(*kinds: type, least: float | None = None, empty: bool = False) -> Callable[[Any, _records.Field, Any], None]:
    """A validator: a value is of one of some types, not below a bound, and not empty. A bool is no number."""
    wanted = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)

    def validate(instance: object, attribute: _records.Field, value: Any) -> None:
        what = f"{attribute.name} of a {type(instance).__name__}"
        no_number = isinstance(value, bool) and bool not in kinds
        if not isinstance(value, kinds) or no_number or (value == "" and not empty):
            raise LayerError(f"the {what} must be of type {wanted}, not {value!r}")
        if least is not None and isinstance(value, int | float) and value < least:
            raise LayerError(f"the {what} must be at least {least}, not {value!r}")

    return validate


def _one_of(*choices: str) -> Callable[[Any, _records.Field, Any], None]:
    """A validator: a value is one of some words."""

    def validate(instance: object, attribute: _records.Field, value: Any) -> None:
        if value not in choices:
            wanted = " or ".join(repr(choice) for choice in choices)
            raise LayerError(f"the {attribute.name} of a {type(instance).__name__} must be {wanted}, not {value!r}")

    return validate


def _text_by_name(instance: object, attribute: _records.Field, value: Any) -> None:
    """A validator: a value is a mapping from names to text. The text is not told: it may be a secret."""
    known = isinstance(value, dict) and all(isinstance(word, str) for pair in value.items() for word in pair)
    if not known:
        msg = f"the {attribute.name} of a {type(instance).__name__} must map names to text, as in {{'NAME': 'text'}}"
        raise LayerError(msg)


def _secrets(instance: object, attribute: _records.Field, value: Any) -> None:
    """A validator: variables of the environment are mapped to ARNs of secrets. What is no ARN is not told."""
    _text_by_name(instance, attribute, value)
    for name, arn in value.items():
        if not re.fullmatch(_VARIABLE, name):
            msg = (
                f"the secrets of a Container name {name!r}, which is no variable that a task can be given: take "
                "letters, digits and underscores, no digit first, and not AWS_BATCH or LAMINAR_ at its beginning"
            )
            raise LayerError(msg)
        if not is_secret(arn):
            msg = (
                f"the secret {name!r} of a Container must be given by the ARN of a Secrets Manager secret or of an SSM "
                f"parameter, such as arn:aws:ssm:eu-west-1:123456789012:parameter/{name.lower()}: its value does not "
                "belong in code, and what was given is not shown here"
            )
            raise LayerError(msg)


@_records.define
class Container:
    """The container that a layer's tasks run in.

    The arguments from `gpu` on are for deployed flows: a task on this machine has the machine's processors and disk,
    prints what it prints, and takes the variables that `secrets` names from the environment of the launching process.

    Args:
        command: What starts a task; words are split as by a shell, but no shell runs it. On a plain machine, without
            containers, ``python`` is the running interpreter and ``main.py`` the flow's own file.
        cpu: Virtual CPUs, whole or a fraction such as 0.25.
        image: The image, None for the one that the deployment is given.
        memory: Memory in MiB.
        workdir: The working directory in the image.
        gpu: GPUs, which AWS Batch on EC2 has: ``executors.AWS.Batch(platform="EC2")``.
        spot: Whether it runs on spot capacity, which is cheaper, and which AWS may take back at any time. Such a task
            is run again, up to ten times in all, apart from the layer's own `Retry`. For the splits of a fan-out with a
            `Retry` of more than one attempt AWS Batch counts both together: there are ten attempts for either reason.
        architecture: The processors that the image is built for. On EC2 the instances of the job queue decide, and must
            be of this kind.
        secrets: Variables of the environment, each with the ARN of the Secrets Manager secret or the SSM parameter that
            holds its value. The tasks' execution role may read just these. If one is encrypted with a KMS key of your
            own, let that role decrypt with it.
        ephemeral_storage: Disk in GiB: 21 to 200 on Fargate, which has 20 unless told otherwise, and 1 to 10 on Lambda.
            On EC2 the disks of the instances decide.
        log_driver: Where the output goes: ``awslogs``, to CloudWatch Logs, or ``splunk``; on EC2 also ``fluentd``,
            ``gelf``, ``journald``, ``json-file``, ``logentries`` or ``syslog``.
        log_options: Options of the log driver. A value that is the ARN of a secret, as for ``splunk-token``, is read as
            those of `secrets` are.

    Raises:
        LayerError: If one of them is of a wrong type, or a secret is not given by its ARN.

    Example:
        >>> Container(cpu=4, memory=8192).command
        'python main.py'
        >>> Container(secrets={"TOKEN": "arn:aws:ssm:eu-west-1:123456789012:parameter/token"}, spot=True).gpu
        0
    """

    command: str = _records.field(default=DEFAULT_COMMAND, validator=_is(str, empty=True))
    cpu: float = _records.field(default=1, validator=_is(int, float))
    image: str | None = _records.field(default=None, validator=_is(str, type(None)))
    memory: int = _records.field(default=1500, validator=_is(int))
    workdir: str = _records.field(default=DEFAULT_WORKDIR, converter=_folder, validator=_is(str))
    gpu: int = _records.field(default=0, validator=_is(int, least=0), kw_only=True)
    spot: bool = _records.field(default=False, validator=_is(bool), kw_only=True)
    architecture: Architecture = _records.field(default="x86_64", validator=_one_of("x86_64", "arm64"), kw_only=True)
    secrets: Mapping[str, str] = _records.field(factory=dict, converter=_copied, validator=_secrets, kw_only=True)
    ephemeral_storage: int | None = _records.field(default=None, validator=_is(int, type(None), least=1), kw_only=True)
    log_driver: str = _records.field(default="awslogs", validator=_is(str), kw_only=True)
    log_options: Mapping[str, str] = _records.field(
        factory=dict, converter=_copied, validator=_text_by_name, kw_only=True
    )


@_records.frozen
class Parameter:
    """One dimension of a fan-out.

    Args:
        layer: The layer that wrote the attribute, as a class or by name.
        attribute: The attribute. Each item of a sharded one is an element; what was not sharded is one element.
        index: The split of `layer` whose attribute it is, None for the attributes of all its splits, joined.
    """

    layer: type[object] | str = _records.field(validator=_is(type, str))
    attribute: str = _records.field(validator=_is(str))
    index: int | None = _records.field(default=0, validator=_is(int, type(None), least=0))

    @property
    def name(self) -> str:
        """The name of the layer."""
        return self.layer if isinstance(self.layer, str) else self.layer.__name__


@_records.frozen
class ForEach:
    """Runs a layer once for each element of the Cartesian product of some attributes, the last varying fastest.

    Args:
        parameters: The dimensions; none for a layer that runs once.
        pipelined: Whether split i goes on where split i of another fan-out ends, instead of waiting for all of that
            layer. It sees the one element that this split stored of the attribute, which must be one of each split;
            to read anything else of the layer, or of what comes after it, is a `LayerError`. Here, on this machine, the
            layer begins when the other one has finished; what it may read is the same. For one `Parameter` with
            ``index=None``, of a layer that fans out.

    Raises:
        LayerError: If a parameter is none, or there is not one with ``index=None`` where it is pipelined.

    Example:
        >>> ForEach(parameters=[Parameter(layer="A", attribute="foo")]).parameters[0].name
        'A'
        >>> ForEach(parameters=[Parameter(layer="A", attribute="foo", index=None)], pipelined=True).pipelined
        True
    """

    parameters: tuple[Parameter, ...]
    pipelined: bool

    def __init__(self, parameters: Iterable[Parameter] = (), *, pipelined: bool = False) -> None:
        given: tuple[object, ...] = tuple(parameters)
        wrong = [item for item in given if not isinstance(item, Parameter)]
        if wrong:
            raise LayerError(f"the parameters of a ForEach must be of type Parameter, not {wrong[0]!r}")
        if not isinstance(pipelined, bool):
            raise LayerError(f"the pipelined of a ForEach must be of type bool, not {pipelined!r}")
        _records.assign(self, given, pipelined)
        if pipelined and [item.index for item in self.parameters] != [None]:
            msg = (
                "a pipelined ForEach has one Parameter, of all splits of a fan-out, as in "
                'ForEach(parameters=[Parameter(layer=Fetch, attribute="text", index=None)], pipelined=True): '
                "drop pipelined=True where a layer needs more"
            )
            raise LayerError(msg)

    def __bool__(self) -> bool:
        return bool(self.parameters)


@_records.frozen
class Retry:
    """Runs a failed task again: attempt k waits ``delay * backoff ** (k - 1)`` seconds, and up to `jitter` of it more.

    Args:
        attempts: How often it is run at most, at least 1.
        delay: Seconds before the second attempt.
        backoff: What the wait is multiplied with from attempt to attempt, at least 1.
        jitter: The part of the wait that chance may add, from 0 to 1.

    Raises:
        LayerError: If a number is out of its range.
    """

    attempts: int = _records.field(default=1, validator=_is(int))
    delay: float = _records.field(default=0.1, validator=_is(int, float))
    backoff: float = _records.field(default=2.0, validator=_is(int, float))
    jitter: float = _records.field(default=0.1, validator=_is(int, float))

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.delay < 0 or self.backoff < 1 or not 0 <= self.jitter <= 1:
            msg = f"{self} is out of range: attempts >= 1, delay >= 0, backoff >= 1 and 0 <= jitter <= 1 are needed"
            raise LayerError(msg)

    def wait(self, attempt: int) -> float:
        """Seconds to wait after a failed attempt.

        Args:
            attempt: The attempt that failed, from 1.
        """
        import random

        wait = self.delay * self.backoff ** (attempt - 1)
        return wait + random.uniform(0, wait * self.jitter)  # noqa: S311 - spreads load, hides nothing


@_records.frozen
class Catch:
    """Errors that end a layer early, but as finished, with the artifacts that it set so far.

    What such splits of a fan-out did not assign is missing: `laminar_runtime.each` reads what the others did.

    Args:
        *exceptions: The classes of such errors. Their subclasses are caught too.
    """

    exceptions: tuple[type[BaseException], ...]

    def __init__(self, *exceptions: type[BaseException]) -> None:
        given: tuple[object, ...] = exceptions
        for item in given:
            if not (isinstance(item, type) and issubclass(item, BaseException)):
                raise LayerError(f"Catch takes classes of exceptions, not {item!r}")
        _records.assign(self, exceptions)


def _runner(_: object, __: _records.Field, value: Any) -> None:
    """A validator: a value runs tasks. A class does not: it must be called."""
    if value is not None and (isinstance(value, type) or not callable(getattr(value, "submit", None))):
        msg = f"the executor of a Configuration must be one such as executors.AWS.Lambda() or None, not {value!r}"
        raise LayerError(msg)


@_records.define
class Configuration:
    """All of the above for one layer.

    Args:
        container: The container that it runs in.
        foreach: What it fans out over.
        retry: How often a failed task is run again.
        catch: Errors that end it early, but as finished.
        executor: What runs its tasks, None for the flow's executor.
    """

    container: Container = _records.field(factory=Container, validator=_is(Container))
    foreach: ForEach = _records.field(default=ForEach(), validator=_is(ForEach))
    retry: Retry = _records.field(default=Retry(), validator=_is(Retry))
    catch: Catch = _records.field(default=Catch(), validator=_is(Catch))
    executor: Executor | None = _records.field(default=None, validator=_runner)

    def copy(self) -> Configuration:
        """A copy that may be changed without changing this one."""
        own = {"secrets": dict(self.container.secrets), "log_options": dict(self.container.log_options)}
        return _records.copy(self, container=_records.copy(self.container, **own))


@_records.frozen
class State:
    """How far a layer is. Each question is answered when it is asked."""

    _finished: Callable[[], bool]
    _running: Callable[[], bool]

    @property
    def finished(self) -> bool:
        """Whether the layer ran to its end in this execution."""
        return self._finished()

    @property
    def running(self) -> bool:
        """Whether the layer is the one running here."""
        return self._running()

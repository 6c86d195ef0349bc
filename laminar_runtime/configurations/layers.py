"""The configuration of a layer: its container, its fan-out, its retries, and the errors that it tolerates."""

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

#: The default command of a container. The image holds the flow's file under this name.
DEFAULT_COMMAND = "python main.py"
#: The default working directory of a container.
DEFAULT_WORKDIR = "/laminar"
#: The ARNs that name a secret: of a Secrets Manager secret, of one key or version of it, or of an SSM parameter:
#: https://docs.aws.amazon.com/batch/latest/userguide/specifying-sensitive-data.html
_ARN = (
    r"arn:aws[a-z-]*:(secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+(:[^:\s]*){0,3}"
    r"|ssm:[a-z0-9-]+:\d{12}:parameter/[\w./-]+)"
)
_VARIABLE = r"(?!AWS_BATCH|LAMINAR_)[A-Za-z_][A-Za-z0-9_]*"


def is_secret(text: str) -> bool:
    """Return whether a text is the ARN of a secret."""
    return re.fullmatch(_ARN, text, re.ASCII) is not None


def _folder(path: Any) -> Any:
    return path.rstrip("/") or "/" if isinstance(path, str) else path


def _copy(mapping: Any) -> Any:
    """Return a copy of a mapping, so that two containers never share one."""
    return dict(mapping) if isinstance(mapping, Mapping) else mapping


def _is(*kinds: type, least: float | None = None, empty: bool = False) -> Callable[[Any, _records.Field, Any], None]:
    """Return a validator of a value's type. It refuses values below a bound, empty text, and a bool for a number."""
    wanted = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)

    def validate(instance: object, attribute: _records.Field, value: Any) -> None:
        what = f"{attribute.name} of a {type(instance).__name__}"
        bool_for_number = isinstance(value, bool) and bool not in kinds
        if not isinstance(value, kinds) or bool_for_number or (value == "" and not empty):
            raise LayerError(f"the {what} must be of type {wanted}, not {value!r}")
        if least is not None and isinstance(value, int | float) and value < least:
            raise LayerError(f"the {what} must be at least {least}, not {value!r}")

    return validate


def _one_of(*choices: str) -> Callable[[Any, _records.Field, Any], None]:
    """Return a validator that accepts some words only."""

    def validate(instance: object, attribute: _records.Field, value: Any) -> None:
        if value not in choices:
            wanted = " or ".join(repr(choice) for choice in choices)
            raise LayerError(f"the {attribute.name} of a {type(instance).__name__} must be {wanted}, not {value!r}")

    return validate


def _text_by_name(instance: object, attribute: _records.Field, value: Any) -> None:
    """Validate that a value maps names to text. The error does not show the text: it may be a secret."""
    valid = isinstance(value, dict) and all(isinstance(word, str) for pair in value.items() for word in pair)
    if not valid:
        msg = f"the {attribute.name} of a {type(instance).__name__} must map names to text, as in {{'NAME': 'text'}}"
        raise LayerError(msg)


def _secrets(instance: object, attribute: _records.Field, value: Any) -> None:
    """Validate that a value maps environment variables to ARNs of secrets. The error does not show another value."""
    _text_by_name(instance, attribute, value)
    for name, arn in value.items():
        if not re.fullmatch(_VARIABLE, name):
            msg = (
                f"a secret of a Container cannot have the name {name!r}: use the name of an environment variable, of "
                "letters, digits and underscores, which does not begin with a digit, AWS_BATCH or LAMINAR_"
            )
            raise LayerError(msg)
        if not is_secret(arn):
            msg = (
                f"the secret {name!r} of a Container must be the ARN of a Secrets Manager secret or of an SSM "
                f"parameter, for example arn:aws:ssm:eu-west-1:123456789012:parameter/{name.lower()}. Do not write a "
                "secret's value in code. This message does not show the value"
            )
            raise LayerError(msg)


@_records.define
class Container:
    """The container that a layer's tasks run in.

    The arguments from `gpu` on apply to deployed flows only. On this machine a task uses the machine's processors and
    disk, its output is printed, and it reads the variables of `secrets` from the environment of the launching process.

    Args:
        command: The command that starts a task. Words are split as in a shell, but no shell runs it. If the task runs
            on this machine without a container, ``python`` is the running interpreter and ``main.py`` the flow's file.
        cpu: Virtual CPUs, a whole number or a fraction, for example 0.25.
        image: The image. The default is the image of the deployment.
        memory: Memory in MiB.
        workdir: The working directory in the image.
        gpu: The number of GPUs. Only AWS Batch on EC2 has GPUs: ``executors.AWS.Batch(platform="EC2")``.
        spot: Whether to use spot capacity. It is cheaper, but AWS may reclaim it at any time. AWS Batch then runs the
            task again, up to ten times in total. These attempts do not count for the layer's `Retry`, with one
            exception: for a fan-out with a `Retry` of more than one attempt, AWS Batch counts both together, and
            makes at most ten attempts.
        architecture: The processor architecture of the image. On EC2 the instances of the job queue must have it.
        secrets: Environment variables, each with the ARN of the Secrets Manager secret or the SSM parameter that holds
            its value. The execution role of the tasks may read only these. If a customer managed KMS key encrypts a
            secret, allow this role to decrypt with the key.
        ephemeral_storage: Disk in GiB: 21 to 200 on Fargate, whose default is 20, and 1 to 10 on Lambda. On EC2 the
            disks of the instances decide.
        log_driver: The driver of the output: ``awslogs`` (CloudWatch Logs) or ``splunk``. On EC2 also ``fluentd``,
            ``gelf``, ``journald``, ``json-file``, ``logentries`` or ``syslog``.
        log_options: Options of the log driver. A value may be the ARN of a secret, as for ``splunk-token``. It is then
            read in the same way as `secrets`.

    Raises:
        LayerError: If an argument has a wrong type, or a secret is not an ARN.

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
    secrets: Mapping[str, str] = _records.field(factory=dict, converter=_copy, validator=_secrets, kw_only=True)
    ephemeral_storage: int | None = _records.field(default=None, validator=_is(int, type(None), least=1), kw_only=True)
    log_driver: str = _records.field(default="awslogs", validator=_is(str), kw_only=True)
    log_options: Mapping[str, str] = _records.field(
        factory=dict, converter=_copy, validator=_text_by_name, kw_only=True
    )


def docker_options(container: Container) -> list[str]:
    """Return the options of ``docker run`` for a container.

    Args:
        container: The container.

    Example:
        >>> docker_options(Container(cpu=0.5, memory=512))
        ['--cpus=0.5', '--memory=512m', '--workdir=/laminar']
    """
    return [f"--cpus={container.cpu:g}", f"--memory={container.memory}m", f"--workdir={container.workdir}"]


def local_variables(container: Container, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the environment of a task on this machine, as far as its container has a say in them.

    Args:
        container: The container.
        environment: The variables of the launching process, which has the values of secrets under their names.
    """
    return {name: environment[name] for name in container.secrets if name in environment}


@_records.frozen
class Parameter:
    """One dimension of a fan-out.

    Args:
        layer: The layer that wrote the attribute, as a class or by name.
        attribute: The attribute. Each item of a sharded attribute is an element. Another value is one element.
        index: The split of `layer` that wrote the attribute. None joins the attributes of all its splits.

    Raises:
        LayerError: If an argument has a wrong type, or `index` is negative.

    Example:
        >>> Parameter(layer="Load", attribute="rows").name
        'Load'
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
    """Runs a layer once for each element of the Cartesian product of some attributes. The last varies fastest.

    Args:
        parameters: The dimensions. Without dimensions the layer runs once.
        pipelined: Whether split i starts as soon as split i of another fan-out ends, instead of when all splits of that
            layer end. It reads the one element that split i stored in the attribute. To read anything else of that
            layer, or of the layers after it, raises `LayerError`. On this machine the layer starts when the other layer
            has finished, but may read only the same. It needs exactly one `Parameter`, with ``index=None``, of a layer
            that fans out.

    Raises:
        LayerError: If an item is not a `Parameter`, or a pipelined fan-out does not have exactly one with
            ``index=None``.

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
            raise LayerError(f"the argument pipelined of a ForEach must be of type bool, not {pipelined!r}")
        _records.assign(self, given, pipelined)
        if pipelined and [item.index for item in self.parameters] != [None]:
            msg = (
                "a pipelined ForEach must have exactly one Parameter, with index=None, for example "
                'ForEach(parameters=[Parameter(layer=Fetch, attribute="text", index=None)], pipelined=True). '
                "If the layer needs more, remove pipelined=True"
            )
            raise LayerError(msg)

    def __bool__(self) -> bool:
        return bool(self.parameters)


@_records.frozen
class Retry:
    """Runs a failed task again.

    After failed attempt k the wait is ``delay * backoff ** (k - 1)`` seconds, plus a random part of it up to `jitter`.

    Args:
        attempts: The maximum number of attempts, at least 1.
        delay: Seconds before the second attempt.
        backoff: The factor by which the wait grows from attempt to attempt, at least 1.
        jitter: The largest random part of the wait, from 0 to 1.

    Raises:
        LayerError: If a number is out of its range.

    Example:
        >>> Retry(attempts=3, delay=1, jitter=0).wait(2)
        2.0
    """

    attempts: int = _records.field(default=1, validator=_is(int))
    delay: float = _records.field(default=0.1, validator=_is(int, float))
    backoff: float = _records.field(default=2.0, validator=_is(int, float))
    jitter: float = _records.field(default=0.1, validator=_is(int, float))

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.delay < 0 or self.backoff < 1 or not 0 <= self.jitter <= 1:
            msg = f"{self} is out of range: use attempts >= 1, delay >= 0, backoff >= 1 and 0 <= jitter <= 1"
            raise LayerError(msg)

    def wait(self, attempt: int) -> float:
        """Return how long to wait after a failed attempt.

        Args:
            attempt: The attempt that failed, from 1.

        Returns:
            Seconds.
        """
        import random

        wait = self.delay * self.backoff ** (attempt - 1)
        return wait + random.uniform(0, wait * self.jitter)  # noqa: S311 - spreads load, hides nothing


@_records.frozen
class Catch:
    """Errors that do not fail a layer: it ends early, as finished, with the artifacts that it assigned so far.

    A split of a fan-out that ends so may lack attributes. `laminar_runtime.each` reads the attributes of the others.

    Args:
        *exceptions: The classes of the errors. Their subclasses are caught too.

    Raises:
        LayerError: If an argument is not a class of exceptions.

    Example:
        >>> Catch(KeyError, TimeoutError).exceptions
        (<class 'KeyError'>, <class 'TimeoutError'>)
    """

    exceptions: tuple[type[BaseException], ...]

    def __init__(self, *exceptions: type[BaseException]) -> None:
        given: tuple[object, ...] = exceptions
        for item in given:
            if not (isinstance(item, type) and issubclass(item, BaseException)):
                raise LayerError(f"Catch takes classes of exceptions, not {item!r}")
        _records.assign(self, exceptions)


def _runner(_: object, __: _records.Field, value: Any) -> None:
    """Validate that a value is an executor: an instance, not a class."""
    if value is not None and (isinstance(value, type) or not callable(getattr(value, "submit", None))):
        msg = (
            "the executor of a Configuration must be an instance, for example executors.AWS.Lambda(), or None, "
            f"not {value!r}"
        )
        raise LayerError(msg)


@_records.define
class Configuration:
    """The configuration of one layer.

    Args:
        container: The container that it runs in.
        foreach: The attributes that it fans out over.
        retry: How often a failed task runs again.
        catch: The errors that do not fail it.
        executor: Runs its tasks. None means the flow's executor.

    Raises:
        LayerError: If an argument has a wrong type.

    Example:
        >>> Configuration(container=Container(memory=4096)).container.memory
        4096
    """

    container: Container = _records.field(factory=Container, validator=_is(Container))
    foreach: ForEach = _records.field(default=ForEach(), validator=_is(ForEach))
    retry: Retry = _records.field(default=Retry(), validator=_is(Retry))
    catch: Catch = _records.field(default=Catch(), validator=_is(Catch))
    executor: Executor | None = _records.field(default=None, validator=_runner)

    def copy(self) -> Configuration:
        """Return a copy: changes to it do not change this configuration."""
        values = _records.plain(self.container).items()
        own = {name: value.copy() for name, value in values if isinstance(value, (dict, list))}
        return _records.copy(self, container=_records.copy(self.container, **own))


@_records.frozen
class State:
    """The progress of a layer. Each property is computed on each read."""

    _finished: Callable[[], bool]
    _running: Callable[[], bool]

    @property
    def finished(self) -> bool:
        """Whether the layer finished in this execution."""
        return self._finished()

    @property
    def running(self) -> bool:
        """Whether this code runs in a task of the layer."""
        return self._running()

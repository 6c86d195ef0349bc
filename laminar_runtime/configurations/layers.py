"""The configuration of a layer: its container, its fan-out, its retries, and the errors that it tolerates."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records
from laminar_runtime.configurations.containers import Container
from laminar_runtime.configurations.failures import check_failures
from laminar_runtime.configurations.validators import is_of
from laminar_runtime.exceptions import LayerError

if TYPE_CHECKING:
    from laminar_runtime.configurations.executors import Executor
    from laminar_runtime.configurations.volumes import EFS, Host

__all__ = ["EFS", "Catch", "Configuration", "Container", "ForEach", "Host", "Parameter", "Retry", "State"]


def __getattr__(name: str) -> Any:
    """Load the volumes, which most flows do not have."""
    if name not in {"EFS", "Host"}:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from laminar_runtime.configurations import volumes

    found = globals()[name] = getattr(volumes, name)
    return found


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

    layer: type[object] | str = _records.field(validator=is_of(type, str))
    attribute: str = _records.field(validator=is_of(str))
    index: int | None = _records.field(default=0, validator=is_of(int, type(None), least=0))

    @property
    def name(self) -> str:
        """The name of the layer."""
        if isinstance(self.layer, str):
            return self.layer
        # Subclasses of `Parameters` are one layer.
        name: str = getattr(self.layer, "__laminar_parameters__", self.layer.__name__)
        return name


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
        max_concurrency: The maximum number of splits that run at once, on this machine and deployed: for example the
            connections that a database accepts. A split that waits for its next attempt counts. None means no limit
            but that of the executor. (`concurrency` of an executor is the maximum number of tasks of all layers that
            run at once on this machine.)
        splits_per_job: How many splits a job of AWS Batch runs, on average: one after the other, each in a process of
            its own that is forked from one that has imported the flow. Use it for short splits, so that a job takes
            some minutes: to start one costs about as much as a minute of work. A job that is done takes splits of
            others. Failures, retries, timeouts and results are those of each split. None means one split for each job,
            or as many as `max_concurrency` makes. On this machine each split is a task, as ever.
        splits_at_once: How many splits a job runs beside each other: it has as many times the processors and the memory
            of the layer's container. It needs `splits_per_job` or `max_concurrency`.
        tolerated_failures: How many splits may fail for good without failing the layer: a number such as 3, or a share
            of all splits such as 0.05. `laminar_runtime.each` leaves out what failed, and lists it in `Each.missing`;
            so does a fan-out over an attribute of all splits. To read the attribute itself is an error that names the
            splits. ``state.failed`` of the layer has their indexes.

    Raises:
        LayerError: If an item is not a `Parameter`, a limit is not a positive number or there is nothing to limit,
            `splits_at_once` is more than `splits_per_job` or `max_concurrency`, `tolerated_failures` is neither a
            number nor a share, or a pipelined fan-out does not have exactly one `Parameter` with ``index=None``.

    Example:
        >>> ForEach(parameters=[Parameter(layer="A", attribute="foo")]).parameters[0].name
        'A'
        >>> ForEach(parameters=[Parameter(layer="A", attribute="foo", index=None)], pipelined=True).pipelined
        True
        >>> ForEach(parameters=[Parameter(layer="A", attribute="foo")], max_concurrency=4).max_concurrency
        4
        >>> ForEach(parameters=[Parameter(layer="A", attribute="foo")], splits_per_job=20).splits_per_job
        20
    """

    parameters: tuple[Parameter, ...]
    pipelined: bool
    max_concurrency: int | None
    tolerated_failures: float | None
    splits_per_job: int | None
    splits_at_once: int

    def __init__(  # noqa: PLR0913 - by name
        self,
        parameters: Iterable[Parameter] = (),
        *,
        pipelined: bool = False,
        max_concurrency: int | None = None,
        tolerated_failures: float | None = None,
        splits_per_job: int | None = None,
        splits_at_once: int = 1,
    ) -> None:
        given: tuple[object, ...] = tuple(parameters)
        wrong = [item for item in given if not isinstance(item, Parameter)]
        if wrong:
            raise LayerError(f"the parameters of a ForEach must be of type Parameter, not {wrong[0]!r}")
        if not isinstance(pipelined, bool):
            raise LayerError(f"the argument pipelined of a ForEach must be of type bool, not {pipelined!r}")
        _check_limit("max_concurrency", max_concurrency, given)
        _check_limit("splits_per_job", splits_per_job, given)
        _check_at_once(splits_at_once, splits_per_job, max_concurrency)
        _check_tolerance(tolerated_failures, given)
        _records.assign(self, given, pipelined, max_concurrency, tolerated_failures, splits_per_job, splits_at_once)
        if pipelined and [item.index for item in self.parameters] != [None]:
            msg = (
                "a pipelined ForEach must have exactly one Parameter, with index=None, for example "
                'ForEach(parameters=[Parameter(layer=Fetch, attribute="text", index=None)], pipelined=True). '
                "If the layer needs more, remove pipelined=True"
            )
            raise LayerError(msg)

    def __bool__(self) -> bool:
        return bool(self.parameters)

    @property
    def shares_splits(self) -> bool:
        """Whether jobs of a deployed layer share its splits, and each runs several of them."""
        return self.max_concurrency is not None or self.splits_per_job is not None


def _check_limit(name: str, value: object, parameters: tuple[object, ...]) -> None:
    """Validate a number of splits: of those that run at once, or of those that a job runs."""
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise LayerError(f"the {name} of a ForEach must be a whole number from 1 on, not {value!r}")
    if not parameters:
        raise LayerError(f"a ForEach without parameters runs once: remove {name}={value}")


def _check_at_once(value: object, splits_per_job: int | None, max_concurrency: int | None) -> None:
    """Validate the number of splits that a job runs beside each other."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise LayerError(f"the splits_at_once of a ForEach must be a whole number from 1 on, not {value!r}")
    known = {"splits_per_job": splits_per_job, "max_concurrency": max_concurrency}
    limits = {name: limit for name, limit in known.items() if limit is not None}
    if value > 1 and not limits:
        raise LayerError(f"splits_at_once={value} is of jobs that run several splits: add splits_per_job=...")
    for name, limit in limits.items():
        if value > limit:
            raise LayerError(f"splits_at_once={value} is more than {name}={limit}")


def _check_tolerance(value: object, parameters: tuple[object, ...]) -> None:
    """Validate the number, or the share, of the splits that may fail."""
    if value is None:
        return
    share = isinstance(value, float) and 0 < value < 1
    if not share and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        msg = "the tolerated_failures of a ForEach must be a number of splits, or a share between 0.0 and 1.0"
        raise LayerError(f"{msg}, not {value!r}")
    if not parameters:
        raise LayerError(f"a ForEach without parameters runs once: remove tolerated_failures={value}")


@_records.frozen
class Retry:
    """Runs a failed task again.

    After failed attempt k the wait is ``delay * backoff ** (k - 1)`` seconds, plus a random part of it up to `jitter`.

    Args:
        attempts: The maximum number of attempts, at least 1.
        delay: Seconds before the second attempt.
        backoff: The factor by which the wait grows from attempt to attempt, at least 1.
        jitter: The largest random part of the wait, from 0 to 1.
        on: The failures after which it runs again: classes of exceptions (with their subclasses), exit codes of the
            task's process, and the reasons ``"out of memory"``, ``"reclaimed"`` and ``"timed out"``. After any other
            failure it does not run again. Empty means all failures. On this machine a process that was killed
            (SIGKILL) counts as out of memory, and nothing is reclaimed.

    Raises:
        LayerError: If a number is out of its range, or `on` has anything else.

    Example:
        >>> Retry(attempts=3, delay=1, jitter=0).wait(2)
        2.0
        >>> Retry(attempts=3, on=(TimeoutError, 75, "out of memory")).repeats(KeyError("x"))
        False
    """

    attempts: int = _records.field(default=1, validator=is_of(int))
    delay: float = _records.field(default=0.1, validator=is_of(int, float))
    backoff: float = _records.field(default=2.0, validator=is_of(int, float))
    jitter: float = _records.field(default=0.1, validator=is_of(int, float))
    on: tuple[type[BaseException] | int | str, ...] = _records.field(default=(), validator=check_failures)

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.delay < 0 or self.backoff < 1 or not 0 <= self.jitter <= 1:
            msg = f"{self} is out of range: use attempts >= 1, delay >= 0, backoff >= 1 and 0 <= jitter <= 1"
            raise LayerError(msg)

    def repeats(self, error: BaseException) -> bool:
        """Return whether a task runs again after an error of its layer, if there is an attempt left.

        Args:
            error: The error.
        """
        classes = tuple(item for item in self.on if isinstance(item, type))
        return not self.on or self.exit_code(error) is not None or isinstance(error, classes)

    def exit_code(self, error: BaseException) -> int | None:
        """Return the exit code in `on` by which a layer left its process, None if it did not.

        Args:
            error: The error of the layer. An error by which a call of ``sys.exit`` is reported has that as its cause.
        """
        left = error if isinstance(error, SystemExit) else error.__cause__
        code = left.code if isinstance(left, SystemExit) else None
        return code if isinstance(code, int) and code in self.on else None

    def numbers(self) -> dict[str, Any]:
        """Return its fields but `on`, for JSON: a deployed layer whose hooks choose its container has no `on`."""
        return {name: value for name, value in _records.plain(self).items() if name != "on"}

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
        pack: Whether it may share its job with other layers, if the compiler is asked to pack them.

    Raises:
        LayerError: If an argument has a wrong type.

    Example:
        >>> Configuration(container=Container(memory=4096)).container.memory
        4096
    """

    container: Container = _records.field(factory=Container, validator=is_of(Container))
    foreach: ForEach = _records.field(default=ForEach(), validator=is_of(ForEach))
    retry: Retry = _records.field(default=Retry(), validator=is_of(Retry))
    catch: Catch = _records.field(default=Catch(), validator=is_of(Catch))
    executor: Executor | None = _records.field(default=None, validator=_runner)
    pack: bool = _records.field(default=True, validator=is_of(bool))

    def copy(self) -> Configuration:
        """Return a copy: changes to it do not change this configuration."""
        values = _records.plain(self.container).items()
        own = {name: value.copy() for name, value in values if isinstance(value, (dict, list))}
        return _records.copy(self, container=_records.copy(self.container, **own))


@_records.frozen
class State:
    """The progress of a layer. Each property is computed on each read.

    Example:
        Whether a layer of an execution finished::

            if execution.layer(Train).state.finished:
                print(execution.layer(Train).score)
    """

    _finished: Callable[[], bool]
    _running: Callable[[], bool]
    _failed: Callable[[], tuple[int, ...]] = tuple

    @property
    def finished(self) -> bool:
        """Whether the layer finished in this execution."""
        return self._finished()

    @property
    def running(self) -> bool:
        """Whether this code runs in a task of the layer."""
        return self._running()

    @property
    def failed(self) -> tuple[int, ...]:
        """The indexes of the splits that failed, of a layer that finished because its fan-out tolerates failures."""
        return self._failed()

"""How a layer runs: in which container, how often, with what errors forgiven."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import attrs

from laminar_runtime.exceptions import LayerError

__all__ = ["Catch", "Configuration", "Container", "ForEach", "Parameter", "Retry", "State"]

#: The command of a container that is not told otherwise: the image holds the flow's file under this name.
DEFAULT_COMMAND = "python main.py"
#: The working directory of a container that is not told otherwise.
DEFAULT_WORKDIR = "/laminar"


def _folder(path: Any) -> Any:
    return path.rstrip("/") or "/" if isinstance(path, str) else path


def _is(
    *kinds: type, least: float | None = None, empty: bool = False
) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    """A validator: a value is of one of some types, not below a bound, and not empty. A bool is no number."""
    wanted = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)

    def validate(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        what = f"{attribute.name} of a {type(instance).__name__}"
        if not isinstance(value, kinds) or isinstance(value, bool) or (value == "" and not empty):
            raise LayerError(f"the {what} must be of type {wanted}, not {value!r}")
        if least is not None and isinstance(value, int | float) and value < least:
            raise LayerError(f"the {what} must be at least {least}, not {value!r}")

    return validate


@attrs.define
class Container:
    """The container that a layer's tasks run in.

    Args:
        command: What starts a task; words are split as by a shell, but no shell runs it. On a plain machine, without
            containers, ``python`` is the running interpreter and ``main.py`` the flow's own file.
        cpu: Virtual CPUs, whole or a fraction such as 0.25.
        image: The image, None for the one that the deployment is given.
        memory: Memory in MiB.
        workdir: The working directory in the image.

    Raises:
        LayerError: If one of them is of a wrong type.

    Example:
        >>> Container(cpu=4, memory=8192).command
        'python main.py'
    """

    command: str = attrs.field(default=DEFAULT_COMMAND, validator=_is(str, empty=True))
    cpu: float = attrs.field(default=1, validator=_is(int, float))
    image: str | None = attrs.field(default=None, validator=_is(str, type(None)))
    memory: int = attrs.field(default=1500, validator=_is(int))
    workdir: str = attrs.field(default=DEFAULT_WORKDIR, converter=_folder, validator=_is(str))


@attrs.frozen
class Parameter:
    """One dimension of a fan-out.

    Args:
        layer: The layer that wrote the attribute, as a class or by name.
        attribute: The attribute. Each item of a sharded one is an element; what was not sharded is one element.
        index: The split of `layer` whose attribute it is, None for the attributes of all its splits, joined.
    """

    layer: type[object] | str = attrs.field(validator=_is(type, str))
    attribute: str = attrs.field(validator=_is(str))
    index: int | None = attrs.field(default=0, validator=_is(int, type(None), least=0))

    @property
    def name(self) -> str:
        """The name of the layer."""
        return self.layer if isinstance(self.layer, str) else self.layer.__name__


@attrs.frozen
class ForEach:
    """Runs a layer once for each element of the Cartesian product of some attributes, the last varying fastest.

    Args:
        parameters: The dimensions; none for a layer that runs once.

    Example:
        >>> ForEach(parameters=[Parameter(layer="A", attribute="foo")]).parameters[0].name
        'A'
    """

    parameters: tuple[Parameter, ...] = attrs.field(default=(), converter=tuple)

    def __attrs_post_init__(self) -> None:
        given: tuple[object, ...] = self.parameters
        wrong = [item for item in given if not isinstance(item, Parameter)]
        if wrong:
            raise LayerError(f"the parameters of a ForEach must be of type Parameter, not {wrong[0]!r}")

    def __bool__(self) -> bool:
        return bool(self.parameters)


@attrs.frozen
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

    attempts: int = attrs.field(default=1, validator=_is(int))
    delay: float = attrs.field(default=0.1, validator=_is(int, float))
    backoff: float = attrs.field(default=2.0, validator=_is(int, float))
    jitter: float = attrs.field(default=0.1, validator=_is(int, float))

    def __attrs_post_init__(self) -> None:
        if self.attempts < 1 or self.delay < 0 or self.backoff < 1 or not 0 <= self.jitter <= 1:
            msg = f"{self} is out of range: attempts >= 1, delay >= 0, backoff >= 1 and 0 <= jitter <= 1 are needed"
            raise LayerError(msg)

    def wait(self, attempt: int) -> float:
        """Seconds to wait after a failed attempt.

        Args:
            attempt: The attempt that failed, from 1.
        """
        wait = self.delay * self.backoff ** (attempt - 1)
        return wait + random.uniform(0, wait * self.jitter)  # noqa: S311 - spreads load, hides nothing


@attrs.frozen(init=False)
class Catch:
    """Errors that end a layer early, but as finished, with the artifacts that it set so far.

    Args:
        *exceptions: The classes of such errors. Their subclasses are caught too.
    """

    exceptions: tuple[type[BaseException], ...]

    def __init__(self, *exceptions: type[BaseException]) -> None:
        given: tuple[object, ...] = exceptions
        for item in given:
            if not (isinstance(item, type) and issubclass(item, BaseException)):
                raise LayerError(f"Catch takes classes of exceptions, not {item!r}")
        self.__attrs_init__(exceptions)


@attrs.define
class Configuration:
    """All of the above for one layer."""

    container: Container = attrs.field(factory=Container, validator=_is(Container))
    foreach: ForEach = attrs.field(factory=ForEach, validator=_is(ForEach))
    retry: Retry = attrs.field(factory=Retry, validator=_is(Retry))
    catch: Catch = attrs.field(factory=Catch, validator=_is(Catch))

    def copy(self) -> Configuration:
        """A copy that may be changed without changing this one."""
        return attrs.evolve(self, container=attrs.evolve(self.container))


@attrs.frozen
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

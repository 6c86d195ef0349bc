"""When the attempts of an execution were created, started and stopped, and where: the same for every kind of run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Literal, get_args

from laminar_runtime import _records
from laminar_runtime.exceptions import DamagedError

__all__ = ["OUTCOMES", "PLACES", "VERSION", "Attempt", "Outcome", "Place", "Timings"]

#: The version of the form that this release writes. It reads this version and all earlier ones.
VERSION = 1

Outcome = Literal["waiting", "starting", "running", "succeeded", "failed", "stopped"]
#: How far an attempt is: it waits for a place, its container starts, it runs, or it has ended. It was stopped if the
#: failure of another one, or the end of the execution, has ended it.
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
Place = Literal["batch", "lambda", "process", "thread"]
#: What ran an attempt: a job of AWS Batch, a function of AWS Lambda, or a process or thread of this machine.
PLACES: tuple[Place, ...] = get_args(Place)


@_records.frozen(kw_only=True)
class Attempt:
    """One attempt at a layer, or at one split of it.

    Args:
        layer: The layer's name.
        index: The split's index, from 0; None if the attempt is not of one split, as a job that claims splits is not.
        attempt: Which attempt it is, from 1.
        created: When it was submitted, in milliseconds since 1970; None if unknown.
        started: When its code began to run; None if it has not, or that is unknown.
        stopped: When it ended; None if it has not, or that is unknown.
        outcome: How far it is, or how it ended.
        where: What ran it.
        platform: ``FARGATE``, ``FARGATE_SPOT``, ``EC2``, ``SPOT`` or ``LAMBDA``; empty if unknown, or this machine.
        architecture: ``X86_64`` or ``ARM64``; empty if unknown.
        vcpus: Its vCPUs; 0 if unknown.
        memory_mib: Its memory in MiB; 0 if unknown.
        gpus: Its GPUs.
        image: Its image; empty if unknown.
        flow: The flow's name; empty if unknown.
        job: The id of its job; attempts of layers that run in one job share it. Empty if there is none.
        stream: The log stream of its output; empty if unknown.
        group: The log group of that stream; empty if unknown.
        link: The address of its output, or of its job, in the console of AWS; empty if there is none.

    Example:
        >>> attempt = Attempt(layer="Train", created=1_000, started=61_000, stopped=181_000)
        >>> attempt.waited, attempt.ran
        (60.0, 120.0)
    """

    layer: str
    index: int | None = None
    attempt: int = 1
    created: int | None = None
    started: int | None = None
    stopped: int | None = None
    outcome: Outcome = "waiting"
    where: Place = "batch"
    platform: str = ""
    architecture: str = ""
    vcpus: float = 0.0
    memory_mib: int = 0
    gpus: int = 0
    image: str = ""
    flow: str = ""
    job: str = ""
    stream: str = ""
    group: str = ""
    link: str = ""

    @property
    def waited(self) -> float | None:
        """The seconds from its submission to its start; None if one of them is unknown."""
        return _seconds(self.created, self.started)

    @property
    def ran(self) -> float | None:
        """The seconds from its start to its end; None if one of them is unknown."""
        return _seconds(self.started, self.stopped)


@_records.frozen(kw_only=True)
class Timings:
    """The times of an execution and of its attempts.

    Args:
        flow: The flow's name, or that of the deployment.
        execution: The execution's id.
        status: How far it is: ``RUNNING``, ``SUCCEEDED``, ``FAILED``, ``TIMED_OUT`` or ``ABORTED``.
        created: When it was started, in milliseconds since 1970; None if unknown.
        stopped: When it ended; None if it has not, or that is unknown.
        attempts: The attempts, in the order in which they were submitted.
        notes: What could not be read, a line for each.

    Example:
        >>> timings = Timings(flow="Report", execution="e1", status="SUCCEEDED", attempts=[Attempt(layer="Load")])
        >>> Timings.from_json(timings.to_json()) == timings
        True
        >>> [one.layer for one in timings.of("Load")]
        ['Load']
    """

    flow: str
    execution: str
    status: str = ""
    created: int | None = None
    stopped: int | None = None
    attempts: tuple[Attempt, ...] = _records.field(default=(), converter=tuple)
    notes: tuple[str, ...] = _records.field(default=(), converter=tuple)

    @property
    def lasted(self) -> float | None:
        """The seconds from the start of the execution to its end; None if it has not ended, or that is unknown."""
        return _seconds(self.created, self.stopped)

    def of(self, layer: str, index: int | None = None) -> tuple[Attempt, ...]:
        """Return the attempts at a layer.

        Args:
            layer: The layer's name.
            index: The index of one of its splits; None for all.
        """
        return tuple(one for one in self.attempts if one.layer == layer and index in {None, one.index})

    def to_json(self) -> bytes:
        """Return the times as JSON. Fields with their defaults are left out."""
        return json.dumps({"version": VERSION, **_fields_of(self), "attempts": _fields_of_all(self.attempts)}).encode()

    @classmethod
    def from_json(cls, content: bytes | str, *, key: str = "the times of an execution") -> Timings:
        """Read times. Anyone may have written them, so all of them are checked.

        Args:
            content: The JSON.
            key: Its address, for the error.

        Raises:
            DamagedError: If they are not times, or have a newer form.
        """
        try:
            found = json.loads(content)
            version = found["version"] if isinstance(found, dict) else None
            if type(version) is not int:
                raise TypeError("it has no version")
            if version > VERSION:
                raise ValueError(f"it has form {version}: a newer release wrote it")
            attempts = [Attempt(**_read(Attempt, one)) for one in _list_of(found, "attempts")]
            notes = [str(one) for one in _list_of(found, "notes")]
            return cls(**{**_read(cls, found), "attempts": attempts, "notes": notes})
        except (KeyError, RecursionError, TypeError, ValueError) as error:
            raise DamagedError(f"{key} is damaged: {error}") from error


def _seconds(begin: int | None, end: int | None) -> float | None:
    return None if begin is None or end is None else (end - begin) / 1000


def _fields_of(value: Attempt | Timings) -> dict[str, Any]:
    """Return the fields of a record without those that have their defaults."""
    known = _records.defaults(type(value))
    return {name: item for name, item in _records.plain(value).items() if item != known.get(name, known)}


def _fields_of_all(attempts: Iterable[Attempt]) -> list[dict[str, Any]]:
    return [_fields_of(one) for one in attempts]


def _list_of(found: dict[str, Any], name: str) -> list[Any]:
    listed = found.get(name, [])
    if not isinstance(listed, list):
        raise TypeError(f"its {name} are {listed!r}, not a list")
    return listed


#: What the types of fields accept, by their annotations.
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "int | None": (int, type(None)),
    "Outcome": (str,),
    "Place": (str,),
}
_CHOICES: dict[str, tuple[str, ...]] = {"Outcome": OUTCOMES, "Place": PLACES}


def _read(cls: type, found: Any) -> dict[str, Any]:
    """Return the fields of a record, of the types that they must have. Unknown ones, and lists, are left out."""
    if not isinstance(found, dict):
        raise TypeError(f"{found!r} is not an object")
    known: dict[str, Any] = {}
    for name, annotation in cls.__annotations__.items():
        if name not in found or annotation not in _TYPES:
            continue
        value = found[name]
        if type(value) not in _TYPES[annotation] or value not in _CHOICES.get(annotation, (value,)):
            raise TypeError(f"its {name} is {value!r}")
        known[name] = value
    return known

"""Replays a state machine from its start to its end."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import attrs

from laminar_codegen.rehearsal.asl.execution import Execution, Status
from laminar_codegen.rehearsal.asl.parsing import parse
from laminar_codegen.rehearsal.simulated.services import Services
from laminar_codegen.rehearsal.simulated.world import SimulatedWorld

__all__ = ["Definition", "Replayed", "redrive", "replay"]

#: A definition, as JSON text or its value.
Definition = Mapping[str, Any] | str

_ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:replayed"
_NOTHING: Mapping[str, Any] = {}


@attrs.frozen(kw_only=True)
class Replayed:
    """The result of a replay. Except for `seconds`, it covers the whole execution, including the time before a redrive.

    Args:
        arn: The execution's ARN.
        status: ``SUCCEEDED``, ``FAILED``, ``TIMED_OUT``, ``ABORTED``, or ``RUNNING`` if it waits for ever.
        output: Its output, None if it has none.
        error: The name of its error, None if it has none.
        cause: The cause of its error, None if it has none.
        seconds: The virtual time from its start, or its last redrive, to its end.
        transitions: Its state transitions, retries among them.
        events: The events of its history.
        entered: The states that it entered, each with the virtual time.
        nested: The executions that it started.
    """

    arn: str
    status: Status
    output: Any
    error: str | None
    cause: str | None
    seconds: float
    transitions: int
    events: int
    entered: tuple[tuple[float, str], ...] = attrs.field(repr=False)
    nested: tuple[Replayed, ...]
    _world: SimulatedWorld = attrs.field(eq=False, repr=False)

    @property
    def total_transitions(self) -> int:
        """Its state transitions, and those of the executions that it started: what is paid for."""
        return self.transitions + sum(nested.total_transitions for nested in self.nested)

    @property
    def states(self) -> list[str]:
        """The names of the states that it entered, in order."""
        return [name for _, name in self.entered]


def replay(  # noqa: PLR0913 - what an execution depends on, all but the definition by its name
    definition: Definition,
    *,
    services: Services | None = None,
    input: Any = _NOTHING,  # noqa: A002 - the term of Step Functions
    name: str = "execution",
    machines: Mapping[str, Definition] | None = None,
    overhead: float = 0,
    seed: int = 0,
) -> Replayed:
    """Run a state machine in virtual time, in this thread, the same way each time.

    Jobs that no state waits for, and other executions, run to their ends, too.

    Args:
        definition: The definition of a standard workflow: Amazon States Language with JSONata.
        services: The services that its tasks call. By default jobs succeed at once.
        input: The input of the execution.
        name: The execution's name.
        machines: Other state machines by their ARNs, whose executions it may start.
        overhead: Seconds that each state takes in addition to its task.
        seed: The seed of random numbers in expressions.

    Returns:
        The result.

    Raises:
        DefinitionError: If Step Functions would refuse a definition. The error has all problems.
        UnsupportedError: If Step Functions would accept it, but it cannot be replayed.
        NamedError: If Step Functions would refuse to start the execution.
        Exception: The error of a function that runs as a job, a function or a service.

    Example:
        >>> wait = {"Type": "Wait", "Seconds": 60, "End": True}
        >>> replayed = replay({"QueryLanguage": "JSONata", "StartAt": "W", "States": {"W": wait}})
        >>> replayed.status, replayed.seconds, replayed.transitions, replayed.events
        ('SUCCEEDED', 60, 1, 4)
    """
    parsed = {arn: parse(other) for arn, other in (machines or {}).items()}
    world = SimulatedWorld(
        {**parsed, _ARN: parse(definition)},
        services or Services(),
        overhead,
        random.Random(seed),  # noqa: S311 - no secret
    )
    world.check()
    return _run(world, world.start(_ARN, name, input))


def redrive(replayed: Replayed) -> Replayed:
    """Go on with an execution that failed, where it failed, at the time when all that ran beside it had ended.

    https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html. Branches and items that ended are not
    run again; retries and timeouts count anew.

    Args:
        replayed: How it went so far. Its services are used again.

    Returns:
        How it went in the end.

    Raises:
        ValueError: If it did not fail, or has too many events.
    """
    world = replayed._world  # noqa: SLF001 - only this module makes one
    execution = world.world.executions[replayed.arn]
    world.world.redrive(execution)
    return _run(world, execution)


def _run(world: SimulatedWorld, execution: Execution) -> Replayed:
    world.clock.run(until=execution.over)
    world.clock.run()
    return _result(world, execution)


def _result(world: SimulatedWorld, execution: Execution) -> Replayed:
    error = execution.error
    return Replayed(
        arn=execution.arn,
        status=execution.status,
        output=execution.output,
        error=None if error is None else error.name,
        cause=None if error is None else error.cause,
        seconds=(world.clock.now if execution.ended is None else execution.ended) - execution.started,
        transitions=execution.history.transitions,
        events=execution.history.events,
        entered=tuple(execution.history.entered),
        nested=tuple(_result(world, nested) for nested in execution.nested),
        world=world,
    )

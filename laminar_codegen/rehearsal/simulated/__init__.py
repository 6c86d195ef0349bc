"""Replays state machines in virtual time: what an emitted machine does, how long it takes, and what it costs.

The machine is what Step Functions would be given, and nothing is known of it here but its language, so that what is
measured is what would run. Jobs and functions are functions of Python that say how long they take::

    services = profiled_services({"Load": 60, "Train": 900}, splits={"Train": 50})
    replayed = replay_flow(compilation.machines, services=services)
    replayed.seconds, replayed.total_transitions, replayed.events

Branches run beside each other in one thread, so that machines whose branches wait for each other by task tokens run,
and a run is the same each time. See `replay`, `replay_flow`, `redrive`, `validate`, and `Services` for what else can
be said of jobs, functions and objects.

Inside: `services` with `batch`, `jobs`, `functions` and `objects` (what answers states), `world` (executions that start
each other), `replaying` (from start to end), `flows` (what the compiler emits). The interpreter is
`laminar_codegen.rehearsal.asl`.
"""

from __future__ import annotations

from laminar_codegen.rehearsal.asl.clock import AbortedError
from laminar_codegen.rehearsal.asl.errors import DefinitionError, NamedError, UnsupportedError
from laminar_codegen.rehearsal.asl.validation import validate
from laminar_codegen.rehearsal.simulated.flows import profiled_services, replay_flow
from laminar_codegen.rehearsal.simulated.replaying import Definition, Replayed, redrive, replay
from laminar_codegen.rehearsal.simulated.services import (
    Attempt,
    BatchJobs,
    Call,
    Functions,
    Handler,
    Invocation,
    Job,
    JobResult,
    Objects,
    Services,
    TaskTokens,
)

__all__ = [
    "AbortedError",
    "Attempt",
    "BatchJobs",
    "Call",
    "Definition",
    "DefinitionError",
    "Functions",
    "Handler",
    "Invocation",
    "Job",
    "JobResult",
    "NamedError",
    "Objects",
    "Replayed",
    "Services",
    "TaskTokens",
    "UnsupportedError",
    "profiled_services",
    "redrive",
    "replay",
    "replay_flow",
    "validate",
]

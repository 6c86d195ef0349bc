"""Replays of state machines in virtual time: the transitions, the duration and the cost of an emitted machine.

A replay uses only the definition that Step Functions would get, so the measured machine is the deployed machine. Jobs
and functions are Python functions that return their durations::

    services = profiled_services({"Load": 60, "Train": 900}, splits={"Train": 50})
    replayed = replay_flow(compilation.machines, services=services)
    replayed.seconds, replayed.total_transitions, replayed.events

All branches run in one thread, so that branches can wait for each other by task tokens, and each replay has the same
result. See `replay`, `replay_flow`, `redrive`, `validate`; `Services` has the options of jobs, functions and objects.

Modules: `services` with `batch`, `jobs`, `functions` and `objects` (the services that states call), `world` (executions
that start each other), `replaying` (a whole replay), `flows` (state machines of the compiler). The interpreter is
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

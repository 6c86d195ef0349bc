"""Step Functions: moto's interpreter and its API, corrected."""

# ruff: noqa: SLF001 - what is corrected is inside moto

from __future__ import annotations

import time
from typing import Any

from moto.core.config import default_user_config
from moto.stepfunctions.parser import models
from moto.stepfunctions.parser.utils import TMP_THREADS

from laminar_codegen.rehearsal.aws import (
    attempts,
    batch_tasks,
    definitions,
    endings,
    execution_api,
    expressions,
    flow_control,
    integrations,
    maps,
    nested_executions,
    programs,
    redrive,
    status_events,
    task_tokens,
    waiting,
)
from laminar_codegen.rehearsal.aws.batch_jobs import BatchJobs
from laminar_codegen.rehearsal.aws.clients import Clients
from laminar_codegen.rehearsal.aws.patches import Patches

_STOP_SECONDS = 2.0


def install(patches: Patches, clients: Clients, jobs: BatchJobs, *, time_scale: float, token_time_scale: float) -> None:
    """Have moto execute state machines, as Step Functions does."""
    configuration: Any = default_user_config
    patches.item(configuration, "stepfunctions", {"execute_state_machine": True})
    definitions.install(patches)
    expressions.install(patches)
    endings.install(patches)
    flow_control.install(patches, time_scale)
    attempts.install(patches)
    programs.install(patches)
    maps.install(patches)
    integrations.install(patches, clients)
    waiting.install(patches)
    batch_tasks.install(patches, clients, jobs)
    nested_executions.install(patches, clients)
    task_tokens.install(patches, task_tokens.TaskTokens(token_time_scale))
    redrive.install(patches)
    execution_api.install(patches)
    status_events.install(patches, clients)


def stop_all() -> None:
    """Stop all executions and wait until they have let go of what they wait for."""
    running = [
        execution
        for regions in models.stepfunctions_parser_backends.values()
        for backend in regions.values()
        for execution in backend._get_executions()
        if execution.status == "RUNNING"
    ]
    for execution in running:
        execution.exec_worker.stop(stop_date=None, error=None, cause="The embedded AWS ends")
    deadline = time.monotonic() + _STOP_SECONDS
    while time.monotonic() < deadline and any(run.status == "RUNNING" for run in running):
        time.sleep(0.01)
    TMP_THREADS.clear()  # moto keeps every thread that it ever started

"""Step Functions: moto's interpreter, corrected, and its API where it answers unlike AWS."""

# ruff: noqa: SLF001 - what is corrected is inside moto

from __future__ import annotations

import time
import uuid
from typing import Any

from moto.core.config import default_user_config
from moto.core.responses import ActionResult
from moto.stepfunctions.parser import models
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.parser.utils import TMP_THREADS
from moto.stepfunctions.responses import StepFunctionResponse

from laminar_codegen.embedded_aws import (
    attempts,
    batch_tasks,
    definitions,
    expressions,
    flow_control,
    integrations,
    maps,
    nested_executions,
    task_tokens,
    waiting,
)
from laminar_codegen.embedded_aws.batch_jobs import BatchJobs
from laminar_codegen.embedded_aws.clients import Clients
from laminar_codegen.embedded_aws.patches import Patches

_STOP_SECONDS = 2.0

_start_execution_of_backend = StepFunctionsParserBackend.start_execution


def install(patches: Patches, clients: Clients, jobs: BatchJobs, *, time_scale: float, token_time_scale: float) -> None:
    """Have moto execute state machines, as Step Functions does."""
    configuration: Any = default_user_config
    patches.item(configuration, "stepfunctions", {"execute_state_machine": True})
    definitions.install(patches)
    expressions.install(patches)
    flow_control.install(patches, time_scale)
    attempts.install(patches)
    maps.install(patches)
    integrations.install(patches, clients)
    waiting.install(patches)
    batch_tasks.install(patches, jobs)
    nested_executions.install(patches, clients)
    task_tokens.install(patches, task_tokens.TaskTokens(token_time_scale))
    patches.attribute(StepFunctionsParserBackend, "start_execution", _start_execution)
    patches.attribute(StepFunctionResponse, "describe_execution", _describe_execution)


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


def _start_execution(self: StepFunctionsParserBackend, state_machine_arn: str, name: str | None, *args: Any) -> Any:
    """Moto gives an execution without a name the name None."""
    return _start_execution_of_backend(self, state_machine_arn, name or str(uuid.uuid4()), *args)


def _describe_execution(self: StepFunctionResponse) -> ActionResult:
    """Show an execution's output as JSON, and when it stopped.

    moto shows an output that is text without its quotes, an output of null not at all, and no
    stop date after a timeout.
    """
    backend: Any = self.stepfunction_backend
    execution = backend.describe_execution(self._get_param("executionArn"))
    described: dict[str, Any] = dict(execution.to_describe_output())
    described["status"] = execution.status
    described["input"] = execution.execution_input
    return ActionResult({key: value for key, value in described.items() if value is not None})

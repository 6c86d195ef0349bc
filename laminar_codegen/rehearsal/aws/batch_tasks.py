"""Task states that submit Batch jobs: where moto's interpreter deviates from Step Functions.

Each function here replaces one of moto's; its docstring states the deviation that it closes.
"""

# ruff: noqa: SLF001 - what is corrected is inside moto

from __future__ import annotations

import functools
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_batch
from moto.stepfunctions.parser.asl.eval.environment import Environment

from laminar_codegen.rehearsal.aws import payloads
from laminar_codegen.rehearsal.aws.batch_jobs import BatchJobs
from laminar_codegen.rehearsal.aws.clients import Clients
from laminar_codegen.rehearsal.aws.patches import Patches
from laminar_codegen.rehearsal.aws.waiting import STOPPED, SyncCall

BatchTask = state_task_service_batch.StateTaskServiceBatch

_SUBMIT_JOB_FIELDS = frozenset(
    {
        *state_task_service_batch._SUPPORTED_API_PARAM_BINDINGS["submitjob"],
        "PropagateTags",
        "SchedulingPriorityOverride",
        "ShareIdentifier",
    }
)

_resolver_of_batch: Any = BatchTask._build_sync_resolver


def install(patches: Patches, clients: Clients, jobs: BatchJobs) -> None:
    """Put the functions of this module in the place of moto's."""

    def resolver(self: BatchTask, env: Environment, **parts: Any) -> SyncCall:
        """Wait for the job in this process, and end it with the task.

        moto asks every half second through the API; and leaves the job running when the task
        times out or its execution is stopped.
        """
        job_id: str = env.stack[-1]["JobId"]
        role = env.aws_execution_details.role_arn
        client = clients.get("batch", parts["resource_runtime_part"].region, lenient=True, role=role)
        return SyncCall(
            has_ended=functools.partial(jobs.has_ended, job_id),
            when_ended=functools.partial(jobs.when_ended, job_id),
            describe=_resolver_of_batch(self, env=env, **parts),
            cancel=functools.partial(client.terminate_job, jobId=job_id, reason=STOPPED),
        )

    patches.attribute(BatchTask, "_eval_parameters", _parameters)
    patches.attribute(BatchTask, "_attach_aws_environment_variables", staticmethod(_mark_as_managed))
    patches.attribute(BatchTask, "_build_sync_resolver", resolver)
    # The cause of a failure is the job as JSON, which moto writes with white space.
    patches.attribute(state_task_service_batch, "to_json_str", payloads.compact_json)


def _parameters(self: BatchTask, env: Environment) -> dict[str, Any]:
    """Moto drops what it does not know (three fields that AWS knows among them); AWS refuses."""
    if self.parargs is None:
        return {}
    self.parargs.eval(env=env)
    parameters: dict[str, Any] = env.stack.pop()
    payloads.refuse_unknown(parameters, _SUBMIT_JOB_FIELDS)
    return parameters


def _mark_as_managed(parameters: dict[str, Any]) -> None:
    """Moto adds the variable in the API's case, which Arguments do not have."""
    overrides = parameters.setdefault("ContainerOverrides", {})
    overrides.setdefault("Environment", []).append({"Name": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"})

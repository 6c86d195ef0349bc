"""How Map states run their items: where moto's interpreter deviates from Step Functions.

Each function here replaces one of moto's; its docstring states the deviation that it closes.
"""

# ruff: noqa: SLF001 - what is corrected is inside moto

from __future__ import annotations

import uuid
from typing import Any, cast

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval import (
    resource_eval_s3,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
    distributed_iteration_component,
    inline_iteration_component,
    iteration_worker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import (
    distributed_item_processor_worker,
    map_run_record,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.job import Job, JobPool
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded
from moto.stepfunctions.parser.asl.eval.variable_store import VariableStore

from laminar_codegen.limits import MAP_CONCURRENCY
from laminar_codegen.rehearsal.aws.failures import failure
from laminar_codegen.rehearsal.aws.patches import Patches
from laminar_codegen.rehearsal.aws.progress import attach, progress_of

InlineIterationComponent = inline_iteration_component.InlineIterationComponent
DistributedIterationComponent = distributed_iteration_component.DistributedIterationComponent
IterationWorker = iteration_worker.IterationWorker
DistributedWorker = distributed_item_processor_worker.DistributedItemProcessorWorker
MapRunRecord = map_run_record.MapRunRecord
ResourceEvalS3 = resource_eval_s3.ResourceEvalS3

_MAX_DISTRIBUTED = 1000

_read_items_of_s3 = ResourceEvalS3.eval_resource


def install(patches: Patches) -> None:
    """Put the functions of this module in the place of moto's."""
    patches.attribute(InlineIterationComponent, "_eval_body", _run_inline)
    patches.attribute(DistributedIterationComponent, "_map_run", _run_distributed)
    patches.attribute(IterationWorker, "eval", _iterate)
    patches.attribute(DistributedWorker, "eval", _iterate_distributed)
    patches.attribute(DistributedWorker, "_eval_job", _run_child)
    patches.attribute(ResourceEvalS3, "eval_resource", _read_items)


def _run_inline(self: InlineIterationComponent, env: Environment) -> None:
    """Moto runs all iterations at once if MaxConcurrency does not say less: AWS at most 40."""
    given: Any = env.stack.pop()
    _run_iterations(self, env, given, given.input_items, _most(given.max_concurrency, MAP_CONCURRENCY))


def _run_distributed(self: DistributedIterationComponent, env: Environment, eval_input: Any) -> None:
    """Moto starts a thread per child. AWS runs up to 10,000 children at a time, here it is a thousand."""
    most = _most(eval_input.map_run_record.max_concurrency, _MAX_DISTRIBUTED)
    _run_iterations(self, env, eval_input, env.stack.pop(), most)


def _most(wanted: int, allowed: int) -> int:
    return min(wanted, allowed) if wanted else allowed


def _run_iterations(
    component: InlineIterationComponent, env: Environment, given: Any, items: list[Any], concurrency: int
) -> None:
    progress_of(env).begin_attempt()
    pool = JobPool(job_program=component._get_iteration_program(), job_inputs=items)
    for _ in range(min(concurrency, len(items))):
        component._launch_worker(env=env, eval_input=given, job_pool=pool)
    pool.await_jobs()
    if (error := pool.get_worker_exception()) is not None:
        raise error
    env.stack.append([closed.job_output for closed in pool.get_closed_jobs()])


def _iterate(self: IterationWorker) -> None:
    """Moto recurses for every further item of a worker, into Python's limit."""
    frame = self._env.open_frame()
    job = self._job_pool.next_job()
    if job is None:
        self._env.close_frame(frame)
    while job is not None:
        item_frame = frame.open_inner_frame()
        attach(item_frame, progress_of(self._env).part(job.job_index))
        self._eval_job(env=item_frame, job=job)
        frame.close_frame(item_frame)
        following = _following(self, job)
        if following is None:
            frame.event_history_context.source_event_id = item_frame.event_history_context.last_published_event_id
            self._env.close_frame(frame)
        self._job_pool.close_job(job)
        job = following


def _iterate_distributed(self: DistributedWorker) -> None:
    """As `_iterate`: moto recurses for every further item."""
    job = self._job_pool.next_job()
    while job is not None:
        frame = self._env.open_inner_frame()
        attach(frame, progress_of(self._env).part(job.job_index))
        self._eval_job(env=frame, job=job)
        self._env.delete_frame(frame)
        following = _following(self, job)
        self._job_pool.close_job(job)
        job = following


def _following(worker: IterationWorker, job: Job) -> Job | None:
    if isinstance(job.job_output, Exception) or worker._stop_signal_received:
        return None
    following: Job | None = worker._job_pool.next_job()
    return following


def _run_child(self: DistributedWorker, env: Environment, job: Job) -> None:
    """Run a child of a distributed Map as an execution of its own.

    moto ignores that a child failed, lets it read the variables outside, and shows it the
    parent's execution.
    """
    record = self._map_run_record
    for counter in (record.item_counter, record.execution_counter):
        counter.total.count()
        counter.running.count()
    outcome: Any = None
    try:
        outcome = _child_output(self, env, job)
        record.item_counter.succeeded.count()
        record.execution_counter.succeeded.count()
    except Exception:  # noqa: BLE001 - a child ends as failed, whatever happens in it
        record.item_counter.failed.count()
        record.execution_counter.failed.count()
        outcome = _exceeded(self, env)
    finally:
        for counter in (record.item_counter, record.execution_counter):
            counter.running.offset(-1)
        job.job_output = outcome


def _child_output(worker: DistributedWorker, env: Environment, job: Job) -> Any:
    context: Any = env.states.context_object.context_object_data
    context["Map"] = {"Item": {"Index": job.job_index, "Value": job.job_input}}
    env.states.reset(job.job_input)
    env.stack.append(env.states.get_input())
    worker._eval_input(env_frame=env)
    _become_execution(env, worker._map_run_record)
    job.job_program.eval(env)
    if not isinstance(env.program_state(), ProgramEnded):
        raise failure(env, StatesErrorNameType.StatesTaskFailed, "The child execution failed")
    return env.states.get_input()


def _become_execution(env: Environment, record: MapRunRecord) -> None:
    context: Any = env.states.context_object.context_object_data
    del context["Map"]
    progress = progress_of(env)
    progress.name = name = progress.name or str(uuid.uuid4())
    parent: str = context["Execution"]["Id"]
    label = record.map_run_arn.split("/")[-1].split(":")[0]
    machine = parent.rsplit(":", 1)[0]
    context["Execution"] = {
        **context["Execution"],
        "Id": f"{machine}/{label}:{name}",
        "Name": name,
        "Input": env.states.get_input(),
    }
    environment, empty_store = cast(Any, env), cast(Any, VariableStore)
    environment.variable_store = empty_store()


def _exceeded(worker: DistributedWorker, env: Environment) -> FailureEventException | None:
    record = worker._map_run_record
    failed: int = record.item_counter.failed.get()
    share = 100 * failed / worker._job_pool._jobs_number
    count, percentage = record.tolerated_failure_count, record.tolerated_failure_percentage
    # Zero is how moto shows that a tolerance was not given.
    beyond = (count and failed > count) or (percentage and share > percentage)
    if (count or percentage) and not beyond:
        return None
    return failure(
        env,
        StatesErrorNameType.StatesExceedToleratedFailureThreshold,
        "The specified tolerated failure threshold was exceeded",
    )


def _read_items(self: ResourceEvalS3, env: Environment) -> None:
    """Moto fails with States.Runtime when the object with the items cannot be read."""
    try:
        _read_items_of_s3(self, env)
    except ClientError as error:
        raise failure(env, StatesErrorNameType.StatesItemReaderFailed, str(error)) from error

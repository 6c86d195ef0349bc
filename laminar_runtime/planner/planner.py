"""Plans a layer of a deployed flow: the decisions that only Python code can make before the layer starts.

Does the layer run? How many splits does it have? Which containers do its submission hooks choose and, after a failed
attempt, its retry hooks? The local scheduler decides this by itself. A state machine invokes the planner
(`laminar_runtime.plan_layer`), and follows its answer: a `LayerPlan`, in which each group is one job.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records, task_environment
from laminar_runtime.blocks import block
from laminar_runtime.configurations.layers import Configuration, Retry
from laminar_runtime.exceptions import ExecutionError, FlowError, LaminarError, SubmissionError, layer_place
from laminar_runtime.layer import Layer, Parameters
from laminar_runtime.limits import STATE_BYTES
from laminar_runtime.planner import lost_splits, submissions
from laminar_runtime.planner.job_groups import executor_of, groups_of, overrides_of, splits_of
from laminar_runtime.splits import fanout
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.tasks import entry_hooks, layer_hooks, upstream

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution

__all__ = [
    "MAX_ANSWER",
    "LayerPlan",
    "answer",
    "plan_layer",
    "plan_of",
    "read_request",
    "replan_layer",
    "write_empty_answer",
]

#: The most bytes of an answer: the payload quota of Step Functions, less some room for the fields of the state machine.
MAX_ANSWER = STATE_BYTES - 16_384


@_records.frozen
class LayerPlan:
    """The plan of an attempt at a layer.

    Args:
        run: Whether the layer runs; if not, it is skipped.
        splits: The number of its splits, from 0.
        attempt: The number of the plan of this layer, from 1. A split may be at an earlier attempt: the failure of the
            submission hooks of one split is not an attempt of the other splits.
        wait: Whole seconds to wait before it.
        groups: The jobs: array jobs of ``size`` children, or a single job if the size is 1. Each group has the
            ``indexes`` of its splits and their ``attempt``. If the layer has hooks, it also has the overrides
            ``command`` and ``resources`` and, for the next attempt, the ``container`` and ``retry`` after the hooks.
        redrives: How often the execution was redriven before.
    """

    run: bool = True
    splits: int = 0
    attempt: int = 1
    wait: int = 0
    redrives: int = 0
    groups: Sequence[Mapping[str, Any]] = ()


def answer(execution: Execution, layer: str, request: Mapping[str, Any]) -> None:
    """Plan a layer, and write the plan to the file of the environment.

    Args:
        execution: The execution.
        layer: The layer's name.
        request: The request. It is empty for the first attempt. For a later one it is ``{"plan": the plan of the failed
            attempt, "error": {"Error", "Cause"}, "redrives": how often the execution was redriven}``. For a pipeline it
            has the names of its layers as ``"chain"``. If the compiler packs the splits of the layer into jobs, it has
            the seconds of a split as ``"split_seconds"``.

    Raises:
        ExecutionError: If the layer cannot be planned, or has no attempt left.
    """
    plan = plan_of(execution, layer, request)
    text = json.dumps(_records.plain(plan), separators=(",", ":"))
    if len(text) > MAX_ANSWER:
        msg = (
            f"the plan of layer '{layer}' has {len(plan.groups)} groups of splits with different containers and "
            f"{len(text)} bytes, but Step Functions allows {MAX_ANSWER} bytes: its hooks must choose fewer sizes"
        )
        raise ExecutionError(msg)
    Path(os.environ[task_environment.PLAN_FILE]).write_text(text, encoding="utf-8")


def plan_of(execution: Execution, layer: str, request: Mapping[str, Any]) -> LayerPlan:
    """Plan an attempt at a layer.

    Args:
        execution: The execution.
        layer: The layer's name.
        request: The request: see `answer`.

    Raises:
        ExecutionError: If the layer cannot be planned, or has no attempt left.
    """
    failed, redrives = request.get("plan"), request.get("redrives", 0)
    pipeline: Sequence[str] = request.get("chain", ())
    drive: str = request.get("drive", "")
    if failed is None or redrives > failed["redrives"]:
        # A redrive starts with the request that failed: attempts are counted again from 1.
        plan = plan_layer(execution, layer, pipeline=pipeline, drive=drive, seconds=request.get("split_seconds"))
    elif pipeline:
        raise _failed_pipeline(execution, pipeline, failed, request["error"])
    else:
        plan = replan_layer(execution, layer, failed, request["error"], drive=drive)
    return _records.evolve(plan, redrives=redrives)


def read_request() -> dict[str, Any]:
    """Read the planner's request from the file of the environment.

    Raises:
        FlowError: If the environment names none.
    """
    file = os.environ.get(task_environment.PLAN_REQUEST)
    if not file:
        name = task_environment.PLAN_FILE
        raise FlowError(f"the environment variable {name} is there without {task_environment.PLAN_REQUEST}")
    request: dict[str, Any] = json.loads(Path(file).read_text(encoding="utf-8"))
    return request


def write_empty_answer() -> None:
    """Write an empty answer: the parameters of the next flow of a chain are stored."""
    Path(os.environ[task_environment.PLAN_FILE]).write_text("{}", encoding="utf-8")


def plan_layer(
    execution: Execution, name: str, *, pipeline: Sequence[str] = (), drive: str = "", seconds: float | None = None
) -> LayerPlan:
    """Plan the first attempt at a layer whose dependencies have ended.

    Splits that finished before, for example in a resumed execution, are not planned again.

    Args:
        execution: The execution.
        name: The layer.
        pipeline: The layers of the pipeline that this layer starts. A split is planned if it is left in any of them.
        drive: The number of the resume or redrive of the execution.
        seconds: The seconds of a split, if its jobs run as many splits as is good.

    Raises:
        SubmissionError: If a submission hook fails, and the layer has an attempt left.
        UnfinishedError: If a layer that it depends on has not finished, and cannot be skipped.
        ExecutionError: If another hook fails.
    """
    layer = execution.layer(name)
    foreach = layer.configuration.foreach
    if any(parameter.name == Parameters.__name__ for parameter in foreach.parameters):
        execution.take_input()
    if not entry_hooks.check_and_enter(execution, layer):
        return LayerPlan(run=False)
    for follower in pipeline[1:]:
        upstream.check(execution, execution.layer(follower))
    key, store = execution.key(layer), execution.datastore
    splits = fanout.count(store, key, foreach)
    executor = executor_of(execution, name)
    if executor.most_splits is not None and splits > executor.most_splits:
        msg = (
            f"layer '{name}' has {splits} splits, but on {executor.service} at most {executor.most_splits} are "
            "allowed, because of the length of the execution's history: run it on AWS Batch with "
            "register(executor=executors.AWS.Batch())"
        )
        raise ExecutionError(msg)
    done: set[int] = set()
    if foreach:
        done = set.intersection(*(_finished_splits(execution, each, splits) for each in pipeline or [name]))
    left = [index for index in range(splits) if index not in done]
    if not layer_hooks.of_kind(layer, "submission") and not layer_hooks.of_kind(layer, "retry"):
        return LayerPlan(splits=splits, groups=groups_of(layer, splits, 1, [({}, left)], seconds))
    planned = {index: submissions.Split(layer.configuration.copy(), 1) for index in left}
    return _plan_with_hooks(execution, name, splits, 1, planned, drive)


def replan_layer(
    execution: Execution, name: str, failed: Mapping[str, Any], error: Mapping[str, Any], *, drive: str = ""
) -> LayerPlan:
    """Plan the next attempt at a layer after a failed one: of the splits that did not finish.

    Args:
        execution: The execution.
        name: The layer.
        failed: The plan of the failed attempt.
        error: Its error, from Step Functions.
        drive: The number of the resume or redrive of the execution.

    Raises:
        SubmissionError: If a submission hook fails, and the layer has an attempt left.
        ExecutionError: If there is no attempt left, for more splits than the fan-out tolerates, or a hook fails.
    """
    splits, waits = failed["splits"], [0.0]
    again: dict[int, submissions.Split] = {}
    errors: dict[int, ExecutionError] = {}
    unfinished = list(_unfinished_splits(execution, name, failed))
    lost = lost_splits.find_losses(execution, name, splits, [index for index, _, _ in unfinished])
    for index, attempt, configuration in unfinished:
        if attempt >= configuration.retry.attempts:
            lost.add(index)
            if len(lost) <= lost_splits.most(execution, name, splits):
                continue
            cause = error.get("Cause") or error.get("Error") or "unknown cause"
            msg = f"layer '{name}' failed on attempt {attempt} of {configuration.retry.attempts}: {cause}"
            raise ExecutionError(msg)
        layer = execution.layer(name, index=index, splits=splits, attempt=attempt)
        layer.configuration = configuration
        again[index], refused = _call_retry_hooks(execution, layer, attempt, waits)
        if refused is not None:
            errors[index] = refused
    plan = _plan_with_hooks(execution, name, splits, failed["attempt"] + 1, again, drive, errors)
    # Step Functions waits whole seconds.
    return _records.evolve(plan, wait=math.ceil(max(waits)))


def _failed_pipeline(
    execution: Execution, layers: Sequence[str], failed: Mapping[str, Any], error: Mapping[str, Any]
) -> ExecutionError:
    """Return the error of a pipeline. It names the first layer with an unfinished split."""
    store = execution.datastore
    left = {index for _, index in splits_of(store, _key(execution, layers[0]), failed)}
    for name in layers:
        if left - _finished_splits(execution, name, failed["splits"]):
            break
    return ExecutionError(f"layer '{name}' of a pipeline failed: {error.get('Cause') or error['Error']}")


def _key(execution: Execution, name: str) -> LayerKey:
    return execution.key(execution.layer(name))


def _finished_splits(execution: Execution, name: str, splits: int) -> set[int]:
    return execution.datastore.ledger.finished_splits(_key(execution, name), splits=splits)


def _unfinished_splits(
    execution: Execution, name: str, failed: Mapping[str, Any]
) -> Iterator[tuple[int, int, Configuration]]:
    """Yield the unfinished splits of a plan, each with its attempt and the configuration of that attempt."""
    definition = execution.layer(name)
    done = _finished_splits(execution, name, failed["splits"]) if definition.configuration.foreach else set()
    for group, index in splits_of(execution.datastore, execution.key(definition), failed):
        if index not in done:
            configuration = definition.configuration.copy()
            configuration.container = _records.evolve(configuration.container, **group["container"])
            configuration.retry = Retry(**group["retry"])
            yield index, group["attempt"], configuration


def _plan_with_hooks(  # noqa: PLR0913, PLR0917 - the state of an attempt
    execution: Execution,
    name: str,
    splits: int,
    number: int,
    planned: Mapping[int, submissions.Split],
    drive: str,
    errors: Mapping[int, ExecutionError] = MappingProxyType({}),
) -> LayerPlan:
    """Call the submission hooks of splits, and return the plan. Of some splits, the retry hooks failed before."""
    layer = execution.layer(name)
    registered, store, key = layer.configuration.container, execution.datastore, execution.key(layer)
    number, left = submissions.after_failures(store, key, drive, number, planned)
    tried = {index: _call_submission_hooks(execution, name, index, splits, split) for index, split in left.items()}
    failed = {**errors, **{index: error for index, (_, error) in tried.items() if error is not None}}
    after = {index: split for index, (split, _) in tried.items()}
    lost = {index for index, split in after.items() if split.lost}
    if lost & failed.keys():
        everything = lost | lost_splits.find_losses(execution, name, splits, planned)
        of_lost = {index: (after[index].attempt, error) for index, error in failed.items() if index in lost}
        lost_splits.tolerate(execution, name, splits, drive, everything, of_lost)
    failures = [error for index, error in failed.items() if index not in lost]
    if failures:
        submissions.store_failure(store, key, drive, number, after, registered)
        raise SubmissionError(str(failures[0])) from failures[0]
    parts: dict[str, tuple[dict[str, Any], list[int]]] = {}
    for index, split in after.items():
        if split.lost:
            continue
        container, retry = split.configuration.container, split.configuration.retry
        overrides = overrides_of(execution, name, container, registered)
        changed = submissions.changes_of(container, registered)
        chosen = {"container": changed, "retry": retry.numbers(), "attempt": split.attempt}
        same = json.dumps(chosen, sort_keys=True)
        if same not in parts:
            parts[same] = ({**overrides, **chosen}, [])
        parts[same][1].append(index)
    return LayerPlan(splits=splits, attempt=number, groups=groups_of(layer, splits, number, parts.values()))


def _call_submission_hooks(
    execution: Execution, name: str, index: int, splits: int, split: submissions.Split
) -> tuple[submissions.Split, ExecutionError | None]:
    """Call the submission hooks of a split, and return the split after them.

    Returns:
        The split. If a hook fails, its next attempt after its retry hooks, and the error.
    """
    if split.submitted or split.lost:
        return split, None
    layer = execution.layer(name, index=index, splits=splits, attempt=split.attempt)
    layer.configuration = split.configuration
    try:
        with _hook_errors(layer, "submission"), layer_hooks.calling(execution, layer, "submission"):
            # A copy: changes that a generator makes after the submission have no effect.
            wanted = layer.configuration.copy()
    except ExecutionError as error:
        if split.attempt >= split.configuration.retry.attempts:
            return _records.evolve(split, lost=True), error
        following, refused = _call_retry_hooks(execution, layer, split.attempt, [])
        return following, refused or error
    return submissions.Split(wanted, split.attempt, submitted=True), None


def _call_retry_hooks(
    execution: Execution, layer: Layer, attempt: int, waits: list[float]
) -> tuple[submissions.Split, ExecutionError | None]:
    """Call the retry hooks of a split after a failed attempt, and note how long to wait.

    Returns:
        The next attempt; if a hook fails, none: the split is lost, with the error.
    """
    try:
        with _hook_errors(layer, "retry"), layer_hooks.calling(execution, layer, "retry"):
            waits.append(layer.configuration.retry.wait(attempt))
    except ExecutionError as error:
        return submissions.Split(layer.configuration, attempt, lost=True), error
    return submissions.Split(layer.configuration.copy(), attempt + 1), None


@block
def _hook_errors(layer: Layer, kind: str) -> Iterator[None]:
    """Raise errors of a hook as an `ExecutionError` that names the layer."""
    try:
        yield
    except LaminarError:
        raise
    except Exception as error:
        which = layer_place(layer.name, layer.index, layer.splits)
        raise ExecutionError(f"a {kind} hook of {which} failed: {type(error).__name__}: {error}") from error

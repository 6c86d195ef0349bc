"""Answers, before a layer of a deployed flow starts, what only Python can know.

Does it run? Into how many splits does it fan out? What containers do its submission hooks want for them, and, when an
attempt failed, its retry hooks for the next one? The local scheduler finds that out by itself. A state machine asks the
planner (`laminar_runtime.plan_layer`), and goes by the answer: a `LayerPlan`, whose groups are one job each.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records, task_environment
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Configuration, Container, Retry
from laminar_runtime.exceptions import ExecutionError, LaminarError, SubmissionError, layer_place
from laminar_runtime.layer import Layer, Parameters
from laminar_runtime.limits import MAX_INVOCATIONS, STATE_BYTES
from laminar_runtime.planner import entry_hooks, submissions
from laminar_runtime.planner.job_groups import executor_of, groups_of, splits_of, told_of
from laminar_runtime.splits import fanout
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.tasks import layer_hooks, upstream

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution

__all__ = [
    "MAX_ANSWER",
    "MAX_INVOCATIONS",
    "LayerPlan",
    "answer",
    "asked",
    "done",
    "plan_layer",
    "plan_of",
    "replan_layer",
]

#: The most bytes of an answer: what a state hands on, without some room for what the machine adds.
MAX_ANSWER = STATE_BYTES - 16_384


@_records.frozen
class LayerPlan:
    """How a layer is to run.

    Args:
        run: Whether it is to run; if not, it is skipped.
        splits: The number of its splits, from 0.
        attempt: The number of the plan among those of the layer, from 1. Splits are at this attempt, or at an earlier
            one: what failed of others, as their submission hooks, is no attempt of theirs.
        wait: Whole seconds to wait before it.
        groups: The splits that are to run, as jobs: ``size`` children, or a plain job if that is 1, with the
            ``indexes`` of their splits, their ``attempt``, and, if hooks decide on them, the ``command`` and
            ``resources`` of their containers. What a next attempt goes by, the ``container`` and ``retry`` that hooks
            left, stands there too.
        redrives: How often the execution was redriven before.
    """

    run: bool = True
    splits: int = 0
    attempt: int = 1
    wait: int = 0
    redrives: int = 0
    groups: Sequence[Mapping[str, Any]] = ()


def answer(execution: Execution, layer: str, request: Mapping[str, Any]) -> None:
    """Plan a layer, and write the plan to the file that the planner asked for.

    Args:
        execution: The execution.
        layer: The layer's name.
        request: What is asked: of the first attempt nothing more, else ``{"plan": the plan of the attempt that failed,
            "error": {"Error", "Cause"}, "redrives": how often the execution was redriven}``, and, if layers run item
            by item, their names as its ``"chain"``.

    Raises:
        ExecutionError: If it cannot be planned, or has no attempt left.
    """
    plan = plan_of(execution, layer, request)
    text = json.dumps(_records.plain(plan), separators=(",", ":"))
    if len(text) > MAX_ANSWER:
        msg = (
            f"the plan of layer '{layer}' has {len(plan.groups)} groups of splits of different containers, {len(text)} "
            f"bytes, and Step Functions hands on {MAX_ANSWER}: let its hooks choose among fewer sizes"
        )
        raise ExecutionError(msg)
    Path(os.environ[task_environment.PLAN_FILE]).write_text(text, encoding="utf-8")


def plan_of(execution: Execution, layer: str, request: Mapping[str, Any]) -> LayerPlan:
    """Plan an attempt at a layer.

    Args:
        execution: The execution.
        layer: The layer's name.
        request: What is asked: see `answer`.

    Raises:
        ExecutionError: If it cannot be planned, or has no attempt left.
    """
    failed, redrives = request.get("plan"), request.get("redrives", 0)
    pipeline: Sequence[str] = request.get("chain", ())
    drive: str = request.get("drive", "")
    if failed is None or redrives > failed["redrives"]:
        # An execution that is redriven goes on at the question to which there was no answer: attempts count anew.
        plan = plan_layer(execution, layer, pipeline=pipeline, drive=drive)
    elif pipeline:
        raise _failed_pipeline(execution, pipeline, failed, request["error"])
    else:
        plan = replan_layer(execution, layer, failed, request["error"], drive=drive)
    return _records.evolve(plan, redrives=redrives)


def asked() -> dict[str, Any]:
    """What the planner asks, as plain values."""
    request: dict[str, Any] = json.loads(Path(os.environ[task_environment.PLAN_REQUEST]).read_text(encoding="utf-8"))
    return request


def done() -> None:
    """Answer that what was asked for is done: the parameters of a flow that follows another one are made."""
    Path(os.environ[task_environment.PLAN_FILE]).write_text("{}", encoding="utf-8")


def plan_layer(execution: Execution, name: str, *, pipeline: Sequence[str] = (), drive: str = "") -> LayerPlan:
    """Plan the first attempt at a layer whose dependencies have ended.

    Splits that finished before, as in an execution that is resumed, are not planned again.

    Args:
        execution: The execution.
        name: The layer.
        pipeline: The layers that run item by item with it, it being the first: a split is planned that is left of any.
        drive: Which of the resumes and redrives of the execution it is.

    Raises:
        SubmissionError: If a submission hook fails, and the layer has an attempt left.
        UnfinishedError: If a layer that it depends on has not finished, and cannot be skipped.
        ExecutionError: If a hook fails.
    """
    layer = execution.layer(name)
    foreach = layer.configuration.foreach
    if any(parameter.name == Parameters.__name__ for parameter in foreach.parameters):
        execution.take_input()
    if not _enters(execution, layer):
        return LayerPlan(run=False)
    for follower in pipeline[1:]:
        upstream.check(execution, execution.layer(follower))
    key, store = execution.key(layer), execution.datastore
    splits = fanout.count(store, key, foreach)
    if splits > MAX_INVOCATIONS and isinstance(executor_of(execution, name), executors.AWS.Lambda):
        msg = (
            f"layer '{name}' has {splits} splits, and on AWS Lambda there may be {MAX_INVOCATIONS}, so that the "
            "history of the execution holds them: run it on AWS Batch, as in register(executor=executors.AWS.Batch())"
        )
        raise ExecutionError(msg)
    done = set.intersection(*(_finished(execution, each, splits) for each in pipeline or [name])) if foreach else set()
    left = [index for index in range(splits) if index not in done]
    if not layer_hooks.of_kind(layer, "submission") and not layer_hooks.of_kind(layer, "retry"):
        return LayerPlan(splits=splits, groups=groups_of(store, key, splits, 1, [({}, left)]))
    planned = {index: submissions.Split(layer.configuration.copy(), 1) for index in left}
    return _hooked(execution, name, splits, 1, planned, drive)


def _enters(execution: Execution, layer: Layer) -> bool:
    """Whether a layer is to run: what it depends on has finished, or was skipped."""
    if layer_hooks.of_kind(layer, "entry"):
        upstream.check(execution, layer)
    if entry_hooks.enters(execution, layer):
        return True
    upstream.check(execution, layer)
    return False


def replan_layer(
    execution: Execution, name: str, failed: Mapping[str, Any], error: Mapping[str, Any], *, drive: str = ""
) -> LayerPlan:
    """Plan the next attempt at a layer of which an attempt failed: of those splits that did not finish.

    Args:
        execution: The execution.
        name: The layer.
        failed: The plan of the attempt that failed.
        error: The error that it failed with, as Step Functions tells it.
        drive: Which of the resumes and redrives of the execution it is.

    Raises:
        SubmissionError: If a submission hook fails, and the layer has an attempt left.
        ExecutionError: If there is no attempt left, or a hook fails.
    """
    splits, waits, again = failed["splits"], [0.0], {}
    for index, attempt, configuration in _unfinished(execution, name, failed):
        if attempt >= configuration.retry.attempts:
            cause = error.get("Cause") or error.get("Error") or "it failed"
            msg = f"layer '{name}' failed at attempt {attempt} of {configuration.retry.attempts}: {cause}"
            raise ExecutionError(msg)
        layer = execution.layer(name, index=index, splits=splits, attempt=attempt)
        layer.configuration = configuration
        with _told(layer, "retry"), layer_hooks.calling(execution, layer, "retry"):
            waits.append(layer.configuration.retry.wait(attempt))
        again[index] = submissions.Split(layer.configuration, attempt + 1)
    plan = _hooked(execution, name, splits, failed["attempt"] + 1, again, drive)
    # Step Functions waits whole seconds.
    return _records.evolve(plan, wait=math.ceil(max(waits)))


def _failed_pipeline(
    execution: Execution, layers: Sequence[str], failed: Mapping[str, Any], error: Mapping[str, Any]
) -> ExecutionError:
    """The error of layers that run item by item: it names the first of which a split is not done."""
    store = execution.datastore
    left = {index for _, index in splits_of(store, _key(execution, layers[0]), failed)}
    for name in layers:
        if left - _finished(execution, name, failed["splits"]):
            break
    return ExecutionError(f"layer '{name}' failed while it ran item by item: {error.get('Cause') or error['Error']}")


def _key(execution: Execution, name: str) -> LayerKey:
    return execution.key(execution.layer(name))


def _finished(execution: Execution, name: str, splits: int) -> set[int]:
    return execution.datastore.ledger.finished_splits(_key(execution, name), splits=splits)


def _unfinished(execution: Execution, name: str, failed: Mapping[str, Any]) -> Iterator[tuple[int, int, Configuration]]:
    """The splits of a plan that did not finish, each with its attempt, and the configuration that this had."""
    definition = execution.layer(name)
    done = _finished(execution, name, failed["splits"]) if definition.configuration.foreach else set()
    for group, index in splits_of(execution.datastore, execution.key(definition), failed):
        if index not in done:
            configuration = definition.configuration.copy()
            configuration.container = Container(**group["container"])
            configuration.retry = Retry(**group["retry"])
            yield index, group["attempt"], configuration


def _hooked(  # noqa: PLR0913, PLR0917 - what there is to know of an attempt
    execution: Execution, name: str, splits: int, number: int, planned: Mapping[int, submissions.Split], drive: str
) -> LayerPlan:
    """A plan of splits, their containers as their submission hooks want them."""
    layer = execution.layer(name)
    registered, store, key = layer.configuration.container, execution.datastore, execution.key(layer)
    number, left = submissions.after_failures(store, key, drive, number, planned)
    tried = {index: _submitted(execution, name, index, splits, split) for index, split in left.items()}
    failures = [error for _, error in tried.values() if error is not None]
    if failures:
        submissions.note_failure(store, key, drive, number, {index: split for index, (split, _) in tried.items()})
        raise SubmissionError(str(failures[0])) from failures[0]
    parts: dict[str, tuple[dict[str, Any], list[int]]] = {}
    for index, (split, _) in tried.items():
        container, retry = split.configuration.container, split.configuration.retry
        chosen = {"container": _records.plain(container), "retry": _records.plain(retry), "attempt": split.attempt}
        same = json.dumps(chosen, sort_keys=True)
        if same not in parts:
            parts[same] = ({**told_of(execution, name, container, registered), **chosen}, [])
        parts[same][1].append(index)
    return LayerPlan(splits=splits, attempt=number, groups=groups_of(store, key, splits, number, parts.values()))


def _submitted(
    execution: Execution, name: str, index: int, splits: int, split: submissions.Split
) -> tuple[submissions.Split, ExecutionError | None]:
    """A split as its submission hooks leave it, or, if they fail, as its next attempt begins, with the error.

    Raises:
        ExecutionError: If they fail, and no attempt is left.
    """
    if split.submitted:
        return split, None
    layer = execution.layer(name, index=index, splits=splits, attempt=split.attempt)
    layer.configuration = split.configuration
    try:
        with _told(layer, "submission"), layer_hooks.calling(execution, layer, "submission"):
            # What a generator does to it after the submission is for nobody.
            wanted = layer.configuration.copy()
    except ExecutionError as error:
        if split.attempt >= split.configuration.retry.attempts:
            raise
        with _told(layer, "retry"), layer_hooks.calling(execution, layer, "retry"):
            return submissions.Split(layer.configuration.copy(), split.attempt + 1), error
    return submissions.Split(wanted, split.attempt, submitted=True), None


@contextlib.contextmanager
def _told(layer: Layer, kind: str) -> Iterator[None]:
    """Tell errors of a hook with the layer that it is of."""
    try:
        yield
    except LaminarError:
        raise
    except Exception as error:
        which = layer_place(layer.name, layer.index, layer.splits)
        raise ExecutionError(f"a {kind} hook of {which} failed: {type(error).__name__}: {error}") from error

"""The attempts of an execution of a deployed flow: by the histories of its state machines and its jobs.

A history says when tasks were scheduled and ended, and the description of a job says when each of its starts began.
AWS Batch forgets jobs some days after their end; then what the history says of them is all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from laminar_runtime import _records, indexes, task_environment
from laminar_runtime.causes import children, functions, placements
from laminar_runtime.causes.histories import History, StateTask
from laminar_runtime.causes.tasks import place_of, variables_of
from laminar_runtime.exceptions import LaminarError
from laminar_runtime.failures import console, jobs
from laminar_runtime.limits import DESCRIBED_JOBS, HISTORY_EVENTS
from laminar_runtime.storage.failures import Readable
from laminar_runtime.task_environment import TaskContext
from laminar_runtime.timings import Attempt, Outcome

__all__ = ["Attempts"]

#: How deep executions that state machines started are looked into.
_DEPTH = 5
#: The statuses of jobs by how far they are: https://docs.aws.amazon.com/batch/latest/userguide/job_states.html
_OUTCOMES: Mapping[str, Outcome] = {
    "STARTING": "starting",
    "RUNNING": "running",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
}
_ENDED = frozenset({"SUCCEEDED", "FAILED"})
#: How many calls describe the children of an array job at once.
_AT_ONCE = 8


class Attempts:
    """Finds the attempts of an execution.

    Args:
        client: Returns a client of a service of AWS.
        objects: The objects of the datastore, which may have the indexes of an array job.
        region: The region.
        flow: The flow's name, where a task does not name it.
    """

    def __init__(self, client: Callable[[str], Any], objects: Readable, region: str, flow: str = "") -> None:
        self._client, self._objects, self._region, self._flow = client, objects, region, flow
        self._forgotten = 0
        self._known = placements.Placements(client)
        #: The state transitions of all executions that were read.
        self.transitions = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be read, a line for each."""
        forgotten = [f"AWS Batch has forgotten {self._forgotten:,} jobs"] if self._forgotten else []
        return (*forgotten, *self._known.notes)

    def read(self, arns: Iterable[str]) -> tuple[Attempt, ...]:
        """Return the attempts of the starts of an execution, in the order in which they were submitted.

        Args:
            arns: The ARNs of the start and of its resumes.
        """
        found = sorted(
            (one for arn in arns for one in self._of_execution(arn, _DEPTH)), key=lambda one: one.created or 0
        )
        counts: dict[tuple[str, str, int | None, str], int] = {}
        return tuple(_count(one, counts) for one in found)

    def _of_execution(self, arn: str, depth: int) -> Iterator[Attempt]:
        history = History.read(self._client("stepfunctions"), arn, HISTORY_EVENTS)
        self.transitions += history.transitions
        for task in history.tasks():
            stops = None if task.ended else history.end_after(task.scheduled)
            nested = task.answer.get("ExecutionArn")
            if isinstance(nested, str) and depth:
                yield from self._of_execution(nested, depth - 1)
                continue
            given = variables_of(task)
            if task_environment.LAYER_NAME not in given or task_environment.PLAN_QUESTION in given:
                continue
            job = task.answer.get("JobId") or task.output.get("JobId")
            if job:
                yield from self._of_job(str(job), task, given)
            elif functions.runs_layer(task):
                yield self._of_function(task, given, stops)

    def _of_function(self, task: StateTask, given: Mapping[str, str], stops: float | None) -> Attempt:
        """Return the attempt of a function, which is stopped if its execution has ended before it."""
        place = place_of(given, self._flow, self._read_list)
        running: Outcome = "running" if stops is None else "stopped"
        outcome: Outcome = "failed" if task.error else "succeeded" if task.ended else running
        return Attempt(
            layer=place["layer"],
            flow=place["flow"],
            index=place.get("index") if task_environment.LAYER_INDEXES in given else None,
            created=_milliseconds(task.scheduled),
            started=_milliseconds(task.started),
            stopped=_milliseconds(task.ended or stops or 0.0),
            outcome=outcome,
            where="lambda",
            platform="LAMBDA",
            group=functions.log_group(task),
            **self._known.of_function(str(task.request.get("FunctionName", ""))),
        )

    def _of_job(self, job: str, task: StateTask, given: Mapping[str, str]) -> Iterator[Attempt]:
        described = self._client("batch").describe_jobs(jobs=[job])["jobs"]
        if not described:
            self._forgotten += 1
            known = children.in_camel_case(task.output)
            # What a state got of an array job does not have its children.
            described = [known] if known.get("jobId") and not known.get("arrayProperties") else []
        for detail in described:
            variables = {**jobs.variables(detail), **given}
            size = (detail.get("arrayProperties") or {}).get("size")
            if not size:
                yield from self._of_starts(detail, variables, self._indexes(variables, 1)[0])
                continue
            splits = self._indexes(variables, size)
            for child in self._children(job, size):
                number = int(str(child["jobId"]).rpartition(":")[2])
                yield from self._of_starts(child, variables, splits[number])

    def _children(self, job: str, size: int) -> Iterator[Mapping[str, Any]]:
        """Yield the descriptions of the children of an array job, several calls at once."""
        from concurrent.futures import ThreadPoolExecutor

        batch, ids = self._client("batch"), [f"{job}:{number}" for number in range(size)]
        parts = [ids[at : at + DESCRIBED_JOBS] for at in range(0, size, DESCRIBED_JOBS)]
        count = 0
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for found in pool.map(lambda part: batch.describe_jobs(jobs=part)["jobs"], parts):
                count += len(found)
                yield from found
        self._forgotten += size - count

    def _indexes(self, variables: Mapping[str, str], size: int) -> list[int | None]:
        """Return the splits of the children of a job; None for children that claim splits, or if they are unknown."""
        spelled = variables.get(task_environment.LAYER_INDEXES, "")
        if task_environment.LAYER_CLAIMS in variables or (not spelled and size == 1):
            return [None] * size
        try:
            if spelled.startswith("@"):
                named = {task_environment.FLOW_NAME: self._flow or "-", **variables, task_environment.BATCH_INDEX: "0"}
                context = TaskContext.parse(named)
                spelled = self._read_list(context, spelled[1:]) if context else ""
            found: list[int | None] = [*(indexes.parse(spelled) if spelled else range(size))]
        except (LaminarError, ValueError):
            return [None] * size
        return found if len(found) == size else [None] * size

    def _read_list(self, context: TaskContext, name: str) -> str:
        return self._objects.get(context.key.index_list(name)).decode()

    def _of_starts(
        self, detail: Mapping[str, Any], variables: Mapping[str, str], index: int | None
    ) -> Iterator[Attempt]:
        """Yield the starts of a job, or of a child of one; for each of the layers that it runs."""
        layers = task_environment.layers_in(variables)
        common = {
            "flow": variables.get(task_environment.FLOW_NAME, self._flow),
            "index": index,
            "job": str(detail["jobId"]),
            "group": jobs.log_group(detail),
            **self._known.of_job(detail),
        }
        for times in _starts(detail):
            stream = times["stream"]
            link = console.log_link(self._region, common["group"], stream) if stream else ""
            for layer in layers:
                yield Attempt(layer=layer, link=link, **common, **times)


def _starts(detail: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the times of the starts of a job, and their outcomes: those that ended, and the one that has not."""
    status, created = str(detail.get("status", "")), detail.get("createdAt")
    ended = list(detail.get("attempts") or [])
    for place, start in enumerate(ended):
        last = place == len(ended) - 1 and status in _ENDED
        yield {
            "created": created,
            "started": start.get("startedAt"),
            "stopped": start.get("stoppedAt"),
            "outcome": _outcome(detail) if last else "failed",
            "stream": str((start.get("container") or {}).get("logStreamName") or ""),
        }
        created = start.get("stoppedAt")
    if status in _ENDED and ended:
        return
    yield {
        "created": created,
        # A job that waits for its next start still names the last one.
        "started": detail.get("startedAt") if status in {"RUNNING", *_ENDED} else None,
        "stopped": detail.get("stoppedAt") if status in _ENDED else None,
        "outcome": _outcome(detail),
        "stream": str((detail.get("container") or {}).get("logStreamName") or "") if status != "RUNNABLE" else "",
    }


def _outcome(detail: Mapping[str, Any]) -> Outcome:
    """Return how far a job is. One that was terminated has not failed by itself."""
    status = str(detail.get("status", ""))
    if status == "FAILED" and jobs.kind_of(detail) == "stopped":
        return "stopped"
    return _OUTCOMES.get(status, "waiting")


def _count(one: Attempt, counts: dict[tuple[str, str, int | None, str], int]) -> Attempt:
    """Return an attempt with its number. Children of a job that claim splits are not attempts at one."""
    place = (one.flow, one.layer, one.index, one.job if one.index is None and ":" in one.job else "")
    counts[place] = counts.get(place, 0) + 1
    return _records.evolve(one, attempt=counts[place])


def _milliseconds(seconds: float) -> int | None:
    return round(seconds * 1000) if seconds else None

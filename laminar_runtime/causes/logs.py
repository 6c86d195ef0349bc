"""The output of a task of a deployed flow, in CloudWatch Logs: found by the history of its execution and its job."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from laminar_runtime import _records, indexes, task_environment
from laminar_runtime.causes.functions import OfRequest, find_stream, log_group, request_of, runs_layer
from laminar_runtime.causes.histories import History, StateTask
from laminar_runtime.causes.tasks import place_of, variables_of
from laminar_runtime.exceptions import FlowError, LaminarError
from laminar_runtime.failures import jobs
from laminar_runtime.storage.claims import Owner
from laminar_runtime.storage.failures import Readable
from laminar_runtime.task_environment import TaskContext

__all__ = ["OfSplit", "Stream", "Tail", "count_splits", "find_streams"]

#: How deep executions that state machines started are looked into.
_DEPTH = 5
#: What `laminar_runtime.tasks.worker` prints of a split; and before each line of one that does not run alone.
_SAID = re.compile(r"laminar: split (?P<index>\d+) of layer '(?P<layer>.*?)' (?P<begins>begins)?")
_NAMED = re.compile(r"\[split (?P<index>\d+)\] ")


@_records.frozen
class Stream:
    """A log stream of CloudWatch Logs.

    Args:
        group: Its log group.
        name: Its name.
        request: The request of AWS Lambda whose output is asked for; empty if all of it is.
        shared: Whether its task runs several splits, which have their lines in it.
    """

    group: str
    name: str
    request: str = ""
    shared: bool = False


class OfSplit:
    """Says which lines of the output of a task are of one split: it may have run several.

    Args:
        layer: The layer's name.
        index: The index of the split.

    Example:
        >>> lines = ["laminar: split 3 of layer 'A' begins", "three", "laminar: split 5 of layer 'A' begins", "five"]
        >>> [*filter(OfSplit("A", 5), lines)], [*filter(OfSplit("A", 5), ["one"])]
        (["laminar: split 5 of layer 'A' begins", 'five'], ['one'])
        >>> [*filter(OfSplit("A", 5), ["[split 3] three", "[split 5] five"])]
        ['[split 5] five']
    """

    def __init__(self, layer: str, index: int) -> None:
        self._layer, self._index, self._shown = layer, index, True

    def __call__(self, line: str) -> bool:
        """Return whether a line, which is the next one, is of the split."""
        if (named := _NAMED.match(line)) is not None:
            return int(named["index"]) == self._index
        said = _SAID.match(line)
        if said is None or said["layer"] != self._layer:
            # Before the first split begins, and if none does, all of the output is of the split.
            return self._shown
        own = int(said["index"]) == self._index
        if said["begins"]:
            self._shown = own
        return own


class Tail:
    """The lines of a stream that are new at each read: those of one split, or of one invocation.

    Args:
        client: A client of CloudWatch Logs.
        stream: The stream.
        layer: The layer's name.
        index: The index of the split.
    """

    def __init__(self, client: Any, stream: Stream, layer: str, index: int) -> None:
        self._client, self._stream, self._token = client, stream, ""
        self._shows: Callable[[str], bool] = _is_shown
        if stream.request:
            self._shows = OfRequest(stream.request)
        elif stream.shared:
            self._shows = OfSplit(layer, index)

    def read(self) -> Iterator[str]:
        """Yield the lines since the last read."""
        place = {"logGroupName": self._stream.group, "logStreamName": self._stream.name}
        given: dict[str, Any] = {**place, "startFromHead": True}
        while True:
            more = {"nextToken": self._token} if self._token else {}
            try:
                page = self._client.get_log_events(**given, **more)
            except self._client.exceptions.ResourceNotFoundException:
                return  # a task that has printed nothing has no stream
            yield from (event["message"] for event in page["events"] if self._shows(event["message"]))
            before, self._token = self._token, page["nextForwardToken"]
            # At the end of a stream, the token stays the same.
            if self._token == before:
                return


def find_streams(
    client: Callable[[str], Any], arn: str, named: tuple[str, str], index: int, objects: Readable
) -> Iterator[Stream]:
    """Yield the log streams of the attempts at a split, the first one first.

    Args:
        client: Returns a client of a service of AWS.
        arn: The ARN of the execution.
        named: The flow's name, empty if it does not matter, and the layer's name.
        index: The index of the split, 0 for a layer that does not fan out.
        objects: The objects of the datastore, which may have the indexes of an array job.
    """
    batch, (flow, layer) = client("batch"), named
    for task in _tasks(client("stepfunctions"), arn, _DEPTH):
        variables = variables_of(task)
        job = task.answer.get("JobId")
        if layer not in task_environment.layers_in(variables):
            continue
        if runs_layer(task) and _index(variables, objects) == index:
            yield from _of_function(client, task)
        if not job:
            continue
        described = batch.describe_jobs(jobs=[job])["jobs"]
        known = {**variables, **(jobs.variables(described[0]) if described else {})}
        if flow and known.get(task_environment.FLOW_NAME, flow) != flow:
            continue
        if task_environment.LAYER_CLAIMS in variables:
            child = _claimer(known, str(job), index, objects)
            described = [] if child is None else batch.describe_jobs(jobs=[child])["jobs"]
        elif described and described[0].get("arrayProperties"):
            place = _place(known, index, objects)
            described = [] if place is None else batch.describe_jobs(jobs=[f"{job}:{place}"])["jobs"]
        elif variables.get(task_environment.LAYER_INDEXES, "0") != str(index):
            continue
        shared = not known.keys().isdisjoint({task_environment.LAYER_CLAIMS, task_environment.PACK})
        for detail in described:
            yield from _streams(detail, shared=shared)


def count_splits(client: Callable[[str], Any], arn: str, layer: str) -> int | None:
    """Return how many splits a layer has, by its tasks; None if none has begun.

    Args:
        client: Returns a client of a service of AWS.
        arn: The ARN of the execution.
        layer: The layer's name.
    """
    counts: list[int] = []
    for task in _tasks(client("stepfunctions"), arn, _DEPTH):
        variables = variables_of(task)
        if layer in task_environment.layers_in(variables) and task_environment.PLAN_QUESTION not in variables:
            spelled = variables.get(task_environment.LAYER_SPLITS, "1")
            counts += [int(spelled)] if spelled.isdecimal() else []
    return max(counts, default=None)


def _index(variables: Mapping[str, str], objects: Readable) -> int | None:
    """Return the split of the task of a function; None if it is unknown."""
    place = place_of(variables, "", lambda context, name: objects.get(context.key.index_list(name)).decode())
    return place.get("index")


def _of_function(client: Callable[[str], Any], task: StateTask) -> Iterator[Stream]:
    group, request = log_group(task), request_of(task)
    name = find_stream(client("logs"), group, request, task.seconds) if request else ""
    if name:
        yield Stream(group, name, request)


def _is_shown(_: str) -> bool:
    """Return that a line is shown: whatever it looks like, the user's code printed it."""
    return True


def _streams(detail: Mapping[str, Any], *, shared: bool) -> Iterator[Stream]:
    group = jobs.log_group(detail)
    containers = [attempt.get("container") or {} for attempt in detail.get("attempts") or []]
    streams = [container.get("logStreamName") for container in (*containers, detail.get("container") or {})]
    for stream in dict.fromkeys(filter(None, streams)):
        yield Stream(group, stream, shared=shared)


def _place(variables: Mapping[str, str], index: int, objects: Readable) -> int | None:
    """Return which child of an array job runs a split, None if none does."""
    spelled = variables.get(task_environment.LAYER_INDEXES, "")
    if not spelled:
        return index
    if spelled.startswith("@"):
        named = {task_environment.FLOW_NAME: "-", **variables, task_environment.BATCH_INDEX: "0"}
        try:
            context = TaskContext.parse(named)
        except FlowError:
            return None
        spelled = objects.get(context.key.index_list(spelled[1:])).decode() if context else ""
    found = indexes.parse(spelled)
    return found.index(index) if index in found else None


def _claimer(variables: Mapping[str, str], job: str, index: int, objects: Readable) -> str | None:
    """Return which child of a job claimed a split, None if none did."""
    named = {task_environment.FLOW_NAME: "-", **variables, task_environment.BATCH_INDEX: "0"}
    try:
        context = TaskContext.parse(named)
        prefix = context.key.claims(context.claims, context.drive, job) if context else ""
        return Owner.loads(objects.get(f"{prefix}{index}")).child
    except (LaminarError, LookupError, TypeError, ValueError):  # not claimed, or damaged
        return None


def _tasks(states: Any, arn: str, depth: int) -> Iterator[StateTask]:
    for task in History.read(states, arn).tasks():
        yield task
        nested = task.answer.get("ExecutionArn")
        if isinstance(nested, str) and depth:
            yield from _tasks(states, nested, depth - 1)

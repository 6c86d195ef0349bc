"""The output of a task of a deployed flow, in CloudWatch Logs: found by the history of its execution and its job."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from laminar_runtime import _records, indexes, task_environment
from laminar_runtime.causes.functions import find_stream, log_group, only_request, request_of, runs_layer
from laminar_runtime.causes.histories import History, StateTask
from laminar_runtime.causes.tasks import place_of, variables_of
from laminar_runtime.exceptions import FlowError, LaminarError
from laminar_runtime.failures import jobs
from laminar_runtime.storage.claims import Owner
from laminar_runtime.storage.failures import Readable
from laminar_runtime.task_environment import TaskContext

__all__ = ["Stream", "find_streams", "only_split", "read_output", "read_stream"]

#: How deep executions that state machines started are looked into.
_DEPTH = 5
_BEGINS = re.compile(r"laminar: split (?P<index>\d+) of layer '(?P<layer>.*)' begins")


@_records.frozen
class Stream:
    """A log stream of CloudWatch Logs.

    Args:
        group: Its log group.
        name: Its name.
        request: The request of AWS Lambda whose output is asked for; empty if all of it is.
    """

    group: str
    name: str
    request: str = ""


def read_output(
    client: Callable[[str], Any], arn: str, named: tuple[str, str], index: int, objects: Readable
) -> Iterator[str]:
    """Yield the output of the attempts at a split, the first one first: on AWS Batch and on AWS Lambda.

    Args:
        client: Returns a client of a service of AWS.
        arn: The ARN of the execution.
        named: The flow's name, empty if it does not matter, and the layer's name.
        index: The index of the split, 0 for a layer that does not fan out.
        objects: The objects of the datastore, which may have the indexes of an array job.
    """
    for found in find_streams(client, arn, named, index, objects):
        lines = read_stream(client("logs"), found.group, found.name)
        yield from only_request(lines, found.request) if found.request else only_split(lines, named[1], index)


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
        if variables.get(task_environment.LAYER_NAME) != layer:
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
        elif variables.get(task_environment.LAYER_INDEXES, str(index)) != str(index):
            continue
        for detail in described:
            yield from _streams(detail)


def _index(variables: Mapping[str, str], objects: Readable) -> int | None:
    """Return the split of the task of a function; None if it is unknown."""
    place = place_of(variables, "", lambda context, name: objects.get(context.key.index_list(name)).decode())
    return place.get("index")


def _of_function(client: Callable[[str], Any], task: StateTask) -> Iterator[Stream]:
    group, request = log_group(task), request_of(task)
    name = find_stream(client("logs"), group, request, task.seconds) if request else ""
    if name:
        yield Stream(group, name, request)


def _streams(detail: Mapping[str, Any]) -> Iterator[Stream]:
    group = jobs.log_group(detail)
    containers = [attempt.get("container") or {} for attempt in detail.get("attempts") or []]
    streams = [container.get("logStreamName") for container in (*containers, detail.get("container") or {})]
    for stream in dict.fromkeys(filter(None, streams)):
        yield Stream(group, stream)


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


def only_split(lines: Iterable[str], layer: str, index: int) -> Iterator[str]:
    """Yield the lines of one split of the output of a task, which may have run one split after the other.

    Args:
        lines: The output.
        layer: The layer's name.
        index: The index of the split.

    Example:
        >>> lines = ["laminar: split 3 of layer 'A' begins", "three", "laminar: split 5 of layer 'A' begins", "five"]
        >>> [*only_split(lines, "A", 5)], [*only_split(["one"], "A", 5)]
        (["laminar: split 5 of layer 'A' begins", 'five'], ['one'])
    """
    shown = True
    for line in lines:
        # `laminar_runtime.tasks.worker` prints it. Without such a line, all of the output is of the split.
        if (found := _BEGINS.match(line)) is not None and found["layer"] == layer:
            shown = int(found["index"]) == index
        if shown:
            yield line


def _tasks(states: Any, arn: str, depth: int) -> Iterator[StateTask]:
    for task in History.read(states, arn).tasks():
        yield task
        nested = task.answer.get("ExecutionArn")
        if isinstance(nested, str) and depth:
            yield from _tasks(states, nested, depth - 1)


def read_stream(client: Any, group: str, stream: str) -> Iterator[str]:
    """Yield the lines of a log stream.

    Args:
        client: The client of CloudWatch Logs.
        group: The log group.
        stream: The log stream.
    """
    given: dict[str, Any] = {"logGroupName": group, "logStreamName": stream, "startFromHead": True}
    token = None
    while True:
        page = client.get_log_events(**given, **({"nextToken": token} if token else {}))
        for event in page["events"]:
            yield event["message"]
        # At the end of a stream, the token stays the same.
        if page["nextForwardToken"] == token:
            return
        token = page["nextForwardToken"]

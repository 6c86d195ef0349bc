"""Measures the durations of layers in past executions, for a profile.

The records of the datastore have the seconds of each layer, or, for a fan-out that a state machine ran, those of its
slowest split. A layer without a record is measured by the history of its deployed execution.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from laminar_runtime import Execution, Flow, Parameters
from laminar_runtime.configurations.layers import ForEach
from laminar_runtime.deployed.deployment import Deployment
from laminar_runtime.exceptions import DeploymentError, MissingError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.client import SFNClient
    from mypy_boto3_stepfunctions.type_defs import HistoryEventTypeDef

__all__ = ["measure"]


def measure(flow: Flow, executions: Iterable[str], deployment: Deployment | None) -> dict[str, float]:
    """Measure the layers of a flow.

    Args:
        flow: The flow. Its records are read from its datastore.
        executions: The ids of the executions.
        deployment: Its deployment, whose histories are read for layers without a record; None to read none.

    Returns:
        The median of the seconds that each layer took, by name, in the order of registration.

    Raises:
        DeploymentError: If histories cannot be read.
    """
    taken: dict[str, list[float]] = {name: [] for name in flow.registry if name != Parameters.__name__}
    for name in executions:
        execution = flow.execution(name)
        known = {layer: seconds for layer in taken if (seconds := _record_seconds(execution, layer)) is not None}
        if deployment is not None and len(known) < len(taken):
            known = {**_history_seconds(deployment, name, set(taken)), **known}
        for layer, seconds in known.items():
            taken[layer].append(seconds)
    return {layer: round(statistics.median(found), 3) for layer, found in taken.items() if found}


def _record_seconds(execution: Execution, layer: str) -> float | None:
    """Return the seconds that the tasks of a layer noted, None if it did not finish, or they noted none."""
    run = execution.layer(layer)
    store, key = execution.datastore, execution.key(run)
    record = store.ledger.read_record(key)
    if record is None or record.seconds is not None:
        return None if record is None else record.seconds
    notes = [f"{key.splits}{name}" for name in store.transport.names(key.splits)]

    def seconds(path: str) -> float | None:
        try:
            noted: Any = json.loads(store.transport.get(path))
        except (MissingError, ValueError):
            return None
        return noted.get("seconds") if isinstance(noted, dict) else None

    known = [found for found in store.map(seconds, notes) if found is not None]
    return max(*known, sum(known) / _at_once(run.configuration.foreach, len(known))) if known else None


def _at_once(foreach: ForEach, splits: int) -> int:
    """Return how many splits of a fan-out run at once: those of a job one after the other, if they share jobs."""
    jobs = math.ceil(splits / (foreach.splits_per_job or foreach.splits_at_once))
    return min(foreach.max_concurrency or splits, jobs * foreach.splits_at_once)


def _history_seconds(deployment: Deployment, execution: str, layers: set[str]) -> dict[str, float]:
    """Return the seconds of the states that run layers in a deployed execution, including the wait for capacity."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        events = {event["id"]: event for event in _events(deployment.client(), deployment.execution_arn(execution))}
    except (BotoCoreError, ClientError) as error:
        msg = f"the history of execution {execution} of '{deployment.name}' cannot be read: {error}"
        raise DeploymentError(msg) from error
    found: dict[str, float] = {}
    for event in events.values():
        name = event.get("stateExitedEventDetails", {}).get("name")
        # A fan-out on AWS Lambda is a Map of its layer's name.
        if name in layers and event["type"] in {"TaskStateExited", "MapStateExited"}:
            entered = _entry_event(event, events, name)
            found[name] = max(found.get(name, 0), (event["timestamp"] - entered["timestamp"]).total_seconds())
    return found


def _events(client: SFNClient, arn: str) -> Iterator[HistoryEventTypeDef]:
    for page in client.get_paginator("get_execution_history").paginate(executionArn=arn):
        yield from page["events"]


def _entry_event(
    event: HistoryEventTypeDef, events: Mapping[int, HistoryEventTypeDef], name: str
) -> HistoryEventTypeDef:
    """Return the event of entering a state, among those that led to its end."""
    while event.get("stateEnteredEventDetails", {}).get("name") != name:
        event = events[event["previousEventId"]]
    return event

"""Short functions to write state machines and replay them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laminar_codegen.rehearsal.simulated import BatchJobs, Replayed, Services, replay

State = dict[str, Any]


def machine(states: Mapping[str, State], **fields: Any) -> dict[str, Any]:
    """Return a definition that starts at the first state."""
    return {"QueryLanguage": "JSONata", **branch(states), **fields}


def branch(states: Mapping[str, State]) -> dict[str, Any]:
    """Return a branch that starts at the first state."""
    return {"StartAt": next(iter(states)), "States": dict(states)}


def run(states: Mapping[str, State], services: Services | None = None, **options: Any) -> Replayed:
    """Replay a machine that starts at the first state."""
    return replay(machine(states), services=services, **options)


def output(states: Mapping[str, State], services: Services | None = None, **options: Any) -> Any:
    """Return the output of a machine that succeeds."""
    replayed = run(states, services, **options)
    assert replayed.status == "SUCCEEDED", replayed
    return replayed.output


def _ending(state: State) -> State:
    return state if "Next" in state else {**state, "End": True}


def passing(value: Any, **fields: Any) -> State:
    """Return a Pass state with an output."""
    return _ending({"Type": "Pass", "Output": value, **fields})


def waiting(seconds: Any, **fields: Any) -> State:
    """Return a Wait state."""
    return _ending({"Type": "Wait", "Seconds": seconds, **fields})


def task(resource: str, arguments: Any = None, **fields: Any) -> State:
    """Return a Task state."""
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", **fields}
    return _ending(state if arguments is None else {**state, "Arguments": arguments})


def job(layer: str = "L", arguments: Mapping[str, Any] | None = None, **fields: Any) -> State:
    """Return a Task state that runs a layer's job and waits for its end."""
    return task(fields.pop("Resource", "batch:submitJob.sync"), {**submission(layer), **(arguments or {})}, **fields)


def submission(layer: str) -> dict[str, Any]:
    """Return the arguments of the submission of a layer's job."""
    return {
        "JobName": layer,
        "JobQueue": "arn:aws:batch:us-east-1:123456789012:job-queue/queue",
        "JobDefinition": "definition",
        "ContainerOverrides": {"Environment": [{"Name": "LAMINAR_LAYER_NAME", "Value": layer}]},
    }


def parallel(*branches: Mapping[str, State], **fields: Any) -> State:
    """Return a Parallel state."""
    return _ending({"Type": "Parallel", "Branches": [branch(states) for states in branches], **fields})


def mapping(items: Any, states: Mapping[str, State], **fields: Any) -> State:
    """Return a Map state."""
    return _ending({"Type": "Map", "Items": items, "ItemProcessor": branch(states), **fields})


def lasting(durations: Mapping[str, float]) -> Services:
    """Return services whose jobs take the durations of their layers."""
    return Services(jobs=BatchJobs(seconds=lambda attempt: durations[attempt.layer]))


def times(replayed: Replayed) -> dict[str, float]:
    """Return the last time at which each state was entered."""
    return {name: time for time, name in replayed.entered}

"""Map and Parallel states."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from embedded_aws_bench import BUCKET, endless, job, passing

if TYPE_CHECKING:
    from embedded_aws_bench import Bench


def mapping(items: Any, states: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a Map state over items."""
    processor = {"StartAt": next(iter(states)), "States": states}
    return {"Type": "Map", "Items": items, "ItemProcessor": processor, "End": True, **fields}


def test_inline_map_keeps_order_and_knows_its_item(bench: Bench) -> None:
    """A Map's items run with their index in the context, however many there are."""
    inner = {"I": passing("{% $states.context.Map.Item.Index * $factor %}")}
    states = {
        "A": passing({}, Assign={"factor": 2}, Next="M"),
        "M": {
            "Type": "Map",
            "Items": "{% [0..149] %}",
            "MaxConcurrency": 1,
            "ItemProcessor": {"StartAt": "I", "States": inner},
            "End": True,
        },
    }
    assert bench.output(states) == [2 * index for index in range(150)]


@pytest.mark.parametrize("items", [[], "{% [] %}", "{% $states.input.none %}"])
@pytest.mark.parametrize("concurrency", [0, 1, 50])
def test_no_items(bench: Bench, items: Any, concurrency: int) -> None:
    """A Map of nothing puts out nothing."""
    state = mapping(items, {"I": passing(1)}, MaxConcurrency=concurrency)
    assert bench.output({"M": state}, {"none": []}) == []


@pytest.mark.parametrize(("concurrency", "items", "most"), [(0, 90, 40), (3, 12, 3), (100, 90, 40)])
def test_iterations_at_a_time(bench: Bench, concurrency: int, items: int, most: int) -> None:
    """An inline Map runs at most 40 iterations at a time, and as many if it may."""
    inner = {"W": {"Type": "Wait", "Seconds": 50, "Next": "I"}, "I": passing("{% $states.input %}")}
    result = bench.run({"M": mapping(list(range(items)), inner, MaxConcurrency=concurrency)})
    assert result["output"] == list(range(items))
    events = bench.aws.client("stepfunctions").get_execution_history(executionArn=result["executionArn"])["events"]
    running = [0]
    for event in events:
        step = {"MapIterationStarted": 1, "MapIterationSucceeded": -1}.get(event["type"], 0)
        running.append(running[-1] + step)
    assert most // 2 < max(running) <= most
    assert running[-1] == 0


def test_many_items(bench: Bench) -> None:
    """Two hundred iterations that each call a service take seconds."""
    put = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:putObject",
        "Arguments": {"Bucket": BUCKET, "Key": "{% 'many/' & $string($states.input) %}", "Body": ""},
        "Output": "{% $states.input %}",
        "End": True,
    }
    begun = time.monotonic()
    assert bench.output({"M": mapping("{% [1..200] %}", {"P": put})}) == list(range(1, 201))
    assert time.monotonic() - begun < 30


def test_many_branches(bench: Bench) -> None:
    """Several hundred branches run at the same time, in one thread for all, and take seconds."""
    branches = [
        {
            "StartAt": f"W{number}",
            "States": {
                f"W{number}": {"Type": "Wait", "Seconds": 100, "Next": f"B{number}"},
                f"B{number}": passing(number),
            },
        }
        for number in range(400)
    ]
    machine = bench.machine({"P": {"Type": "Parallel", "Branches": branches, "End": True}})
    before = threading.active_count()
    begun = time.monotonic()
    execution = bench.start(machine)
    threads = 0
    while bench.aws.client("stepfunctions").describe_execution(executionArn=execution)["status"] == "RUNNING":
        threads = max(threads, threading.active_count() - before)
        time.sleep(0.05)
    assert bench.result(execution)["output"] == list(range(400))
    assert time.monotonic() - begun < 30
    assert threads < 20


def test_failing_iteration_ends_the_others(bench: Bench) -> None:
    """When an iteration fails, what the others run is ended."""
    sleeper = job(bench.define(["sleep", "60"]), Arguments={"JobName": "iteration"})
    inner = {
        "C": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input = 1 %}", "Next": "J"}], "Default": "W"},
        "J": sleeper,
        "W": {"Type": "Wait", "Seconds": 1, "Next": "F"},
        "F": {"Type": "Fail", "Error": "Mine"},
    }
    assert bench.run({"M": mapping([1, 2], inner)})["error"] == "Mine"
    assert bench.named("iteration")["status"] == "FAILED"


def test_stopping_a_distributed_map(bench: Bench) -> None:
    """A stopped execution does not wait for the children of its Map."""
    config = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    state = mapping("{% [1..200] %}", {"W": endless()}, MaxConcurrency=5)
    state["ItemProcessor"].update(config)
    execution = bench.start(bench.machine({"M": state}))
    time.sleep(0.3)
    bench.aws.client("stepfunctions").stop_execution(executionArn=execution)
    begun = time.monotonic()
    assert bench.result(execution)["status"] == "ABORTED"
    assert time.monotonic() - begun < 10


def test_distributed_map_reads_its_items_from_s3(bench: Bench) -> None:
    """A distributed Map's children are executions of their own, over the items of an object."""
    bench.put("items.json", json.dumps([{"n": n} for n in range(5)]))
    inner = {"I": passing({"n": "{% $states.input.item.n %}", "name": "{% $states.context.Execution.Name %}"})}
    output = bench.output({"M": distributed(inner, "items.json")})
    assert [child["n"] for child in output] == [0, 1, 2, 3, 4]
    assert len({child["name"] for child in output}) == 5


def test_distributed_map_fails_with_its_children(bench: Bench) -> None:
    """Without a tolerance, one failed child fails the Map; with one, it does not."""
    bench.put("items.json", "[1, 2]")
    inner = {
        "C": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.item = 1 %}", "Next": "F"}],
            "Default": "P",
        },
        "F": {"Type": "Fail", "Error": "Bad"},
        "P": passing("fine"),
    }
    strict = bench.run({"M": distributed(inner, "items.json")})
    assert strict["error"] == "States.ExceedToleratedFailureThreshold"
    lax = bench.output({"M": {**distributed(inner, "items.json"), "ToleratedFailureCount": 1}})
    assert lax == [None, "fine"]


def test_distributed_map_without_its_object(bench: Bench) -> None:
    """Items that cannot be read fail with States.ItemReaderFailed."""
    result = bench.run({"M": distributed({"I": passing(1)}, "missing.json")})
    assert result["error"] == "States.ItemReaderFailed"


def distributed(states: dict[str, Any], key: str) -> dict[str, Any]:
    """Return a distributed Map over an object's items."""
    return {
        "Type": "Map",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON"},
            "Arguments": {"Bucket": "bench", "Key": key},
        },
        "ItemSelector": {"item": "{% $states.context.Map.Item.Value %}"},
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": next(iter(states)),
            "States": states,
        },
        "End": True,
    }

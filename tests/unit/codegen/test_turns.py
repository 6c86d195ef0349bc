"""Executions that take turns: no two run at the same time, none waits for one that has ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import attrs
import pytest

from laminar_codegen.ir.asl import StateMachine, Succeed
from laminar_codegen.ir.graph import DeclaredParameter
from laminar_codegen.lower_states.turns import take_turns
from laminar_codegen.rehearsal.simulated import Call, NamedError, Replayed, Services, redrive, replay
from laminar_codegen.render.terraform_json import render_machine
from laminar_runtime.inputs.shapes import Scalar
from tests.support.graph_notation import graphs_in

PREFIX = "arn:aws:states:us-east-1:123456789012:stateMachine:"
NAMES = ("flow", "part_turns", "part_run")
REFERENCES = {
    "local.partition": "aws",
    "local.datastore_bucket": "bucket",
    "local.datastore_prefix": "root/",
    **{f"aws_sfn_state_machine.{name}.arn": f"{PREFIX}{name}" for name in NAMES},
}
SECONDS = 100
#: What the flow does.
WAITING = {
    "QueryLanguage": "JSONata",
    "StartAt": "W",
    "States": {"W": {"Type": "Wait", "Seconds": SECONDS, "End": True}},
}


def machines(overlap: Any, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the definitions of a flow whose executions take turns, by their ARNs."""
    (graph,) = graphs_in("X")
    flow = StateMachine(name="flow", comment="Runs", states=(Succeed(name="S"),))
    found = take_turns([flow], graph, overlap)
    definitions = {f"{PREFIX}{one.name}": json.loads(render_machine(one, REFERENCES)) for one in found}
    return {**definitions, f"{PREFIX}part_run": body or WAITING}


def start(name: str, **more: Any) -> dict[str, Any]:
    """Return the state that runs an execution of the flow."""
    arguments = {"StateMachineArn": f"{PREFIX}flow", "Name": name, "Input": {"parameters": {"name": name}}}
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Arguments": arguments,
        "Output": "{% $states.result.Output %}",
        **({} if "Next" in more else {"End": True}),
        **more,
    }


def together(*names: str) -> dict[str, Any]:
    """Return the definition of a machine that runs executions of the flow at the same time."""
    branches = [{"StartAt": name, "States": {name: start(name)}} for name in names]
    parallel = {"Type": "Parallel", "Branches": branches, "End": True}
    return {"QueryLanguage": "JSONata", "StartAt": "P", "States": {"P": parallel}}


def runs(replayed: Replayed) -> Iterator[tuple[float, str]]:
    """Yield the times at which the flow itself began, and the names of its executions."""
    if ":part_run:" in replayed.arn:
        yield replayed.entered[0][0], replayed.arn.rpartition(":")[2]
    for nested in replayed.nested:
        yield from runs(nested)


def test_executions_wait_for_those_before_them() -> None:
    """Three that start together run one after the other, each with its own input, and note their turns."""
    services = Services()
    replayed = replay(together("a", "b", "c"), services=services, machines=machines("queue"))
    assert replayed.status == "SUCCEEDED"
    found = sorted(runs(replayed))
    assert {name for _, name in found} == {"a", "b", "c"}
    assert all(after - before >= SECONDS for (before, _), (after, _) in pairwise(found))
    assert sorted(services.objects.contents) == [f"bucket/root/Report/.turns/{9_000_000_000 - n}" for n in (3, 2, 1)]


def test_executions_are_skipped_while_another_runs() -> None:
    """Of three that start together one runs; the others end at once."""
    replayed = replay(together("a", "b", "c"), machines=machines("skip"))
    assert replayed.status == "SUCCEEDED"
    assert len(list(runs(replayed))) == 1
    assert replayed.output.count({"skipped": True}) == 2
    assert replayed.seconds < 2 * SECONDS


@pytest.mark.parametrize("overlap", ["skip", "queue"])
def test_a_stopped_execution_leaves_nothing_behind(overlap: str) -> None:
    """The next one runs at once, whatever became of the one before."""
    stopped = start("a", TimeoutSeconds=10, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "B"}], Next="B")
    driver = {"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": stopped, "B": start("b")}}
    replayed = replay(driver, machines=machines(overlap))
    assert replayed.status == "SUCCEEDED"
    assert [(round(time), name) for time, name in sorted(runs(replayed))] == [(0, "a"), (10, "b")]


@pytest.mark.parametrize("overlap", ["skip", "queue"])
def test_a_redriven_execution_takes_another_turn(overlap: str) -> None:
    """It runs again under the name of a resume, in the turn after the last one."""
    failures = [NamedError("States.TaskFailed", "broken")]

    def work(_: Call) -> Any:
        if failures:
            raise failures.pop()
        return {}

    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": {}, "End": True}
    body = {"QueryLanguage": "JSONata", "StartAt": "T", "States": {"T": task}}
    known = machines(overlap, body)
    services = Services(others={"lambda:invoke": work})
    flow = known.pop(f"{PREFIX}flow")
    failed = replay(flow, services=services, machines=known, name="e1")
    assert failed.status == "FAILED"
    resumed = redrive(failed)
    assert resumed.status == "SUCCEEDED"
    assert sorted(name for _, name in runs(resumed)) == ["e1", "e1@resume-0.1"]
    turns = [nested.arn.rpartition(":")[2] for nested in resumed.nested]
    assert turns == ["turn-1", "turn-2"]


@pytest.mark.parametrize("overlap", ["skip", "queue"])
def test_an_input_that_is_refused_takes_no_turn(overlap: Any) -> None:
    """The machine that is started checks it first."""
    (graph,) = graphs_in("X")
    day = DeclaredParameter("day", Scalar("string"), "str", None, "", graph.location)
    flow = StateMachine(name="flow", comment="Runs", states=(Succeed(name="S"),))
    found = take_turns([flow], attrs.evolve(graph, inputs=(day,)), overlap)
    definitions = {f"{PREFIX}{one.name}": json.loads(render_machine(one, REFERENCES)) for one in found}
    definitions[f"{PREFIX}part_run"] = WAITING
    services = Services()
    refused = replay(definitions[f"{PREFIX}flow"], services=services, machines=definitions, input={"parameters": {}})
    assert (refused.status, refused.error) == ("FAILED", "FlowError")
    assert not services.objects.contents
    given = {"parameters": {"day": "2026-01-31"}}
    assert (
        replay(definitions[f"{PREFIX}flow"], services=services, machines=definitions, input=given).status == "SUCCEEDED"
    )
    assert len(services.objects.contents) == 1

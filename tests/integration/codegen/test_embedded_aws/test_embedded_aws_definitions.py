"""The embedded AWS takes each definition that is emitted."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.lower_states.states import emit_states
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.render.terraform_json import render_machine
from tests.integration.codegen.test_embedded_aws.embedded_aws_bench import Bench, job, passing
from tests.support.random_graphs import graph_of
from tests.unit.property.test_machines import REFERENCES

GOLDEN = Path(__file__).parents[3] / "golden"


def _machines() -> list[tuple[str, StateMachine]]:
    found = [
        (f"{file.parent.name}-{machine.name}", machine)
        for file in sorted(GOLDEN.glob("*/flow.py"))
        for machine in compile_flow(str(file)).machines
    ]
    chance = random.Random(1)  # noqa: S311 - it hides nothing
    names = [f"L{place}" for place in range(20)]
    depends = {name: set(chance.sample(names[:place], min(place, 2))) for place, name in enumerate(names)}
    graph = graph_of(depends, fans_out=names[::3])
    return [*found, ("exact", emit_states(graph, make_plan(graph, joins="exact"))[0])]


def test_emitted_definitions_are_taken(bench: Bench) -> None:
    """Its interpreter reads the whole definition when a machine is made."""
    made = [
        bench.aws.client("stepfunctions").create_state_machine(
            name=name.replace("_", "-")[:80],
            definition=render_machine(machine, REFERENCES),
            roleArn="arn:aws:iam::123456789012:role/states",
        )["stateMachineArn"]
        for name, machine in _machines()
    ]
    assert len(set(made)) == len(made) > 15


PASSED = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
INNER = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, **PASSED}
EXPRESS = {**INNER, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}}
BATCHER: dict[str, Any] = {"ItemBatcher": {"MaxItemsPerBatch": 2}}
WRITER: dict[str, Any] = {
    "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Arguments": {"Bucket": "b", "Prefix": "p"}}
}


def _made(bench: Bench, states: dict[str, Any], **more: Any) -> str:
    definition = json.dumps({"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states})
    role = "arn:aws:iam::123456789012:role/states"
    machine = bench.aws.client("stepfunctions").create_state_machine(
        name=f"hand-made-{next(bench.numbers)}", definition=definition, roleArn=role, **more
    )
    return str(machine["stateMachineArn"])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (BATCHER, "The embedded AWS cannot run this: State 'M' has ItemBatcher, which is not supported"),
        (WRITER, "The embedded AWS cannot run this: State 'M' has ResultWriter, which is not supported"),
        ({"ItemProcessor": EXPRESS}, "State 'M' has children of an EXPRESS workflow, which are not supported"),
    ],
)
def test_what_it_cannot_run_is_refused_by_name(bench: Bench, more: dict[str, Any], message: str) -> None:
    """A definition that Step Functions takes, and this interpreter does not, is refused when its machine is made."""
    with pytest.raises(ClientError, match="InvalidDefinition") as caught:
        _made(bench, {"M": {"Type": "Map", "Items": [1], "ItemProcessor": INNER, "End": True, **more}})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_operations_that_it_does_not_have(bench: Bench) -> None:
    """They are refused by name: moto's own interpreter does not answer."""
    states = bench.aws.client("stepfunctions")
    with pytest.raises(ClientError, match="no state machines of the type EXPRESS"):
        _made(bench, PASSED["States"], type="EXPRESS")  # type: ignore[arg-type]
    machine = _made(bench, PASSED["States"])  # type: ignore[arg-type]
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    with pytest.raises(ClientError, match="The embedded AWS has no ListMapRuns"):
        states.list_map_runs(executionArn=execution)
    calling = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:startSyncExecution", "End": True}
    with pytest.raises(ClientError, match="State 'A' calls aws-sdk:sfn:startSyncExecution, which is not supported"):
        _made(bench, {"A": {**calling, "Arguments": {"StateMachineArn": machine}}})


def test_executions_of_a_deleted_machine_end(bench: Bench) -> None:
    """They end at their next transition, and the machine is gone then."""
    states = bench.aws.client("stepfunctions")
    first = job(bench.define(bench.program("import time; time.sleep(1)")), Next="Second")
    machine = _made(bench, {"First": first, "Second": passing({})})
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    states.delete_state_machine(stateMachineArn=machine)
    deadline = time.monotonic() + 20
    while states.describe_execution(executionArn=execution)["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert states.describe_execution(executionArn=execution)["status"] == "ABORTED"
    events = states.get_execution_history(executionArn=execution)["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    assert entered == ["First"]

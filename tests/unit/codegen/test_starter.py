"""The starter: the execution of a time or an event has a name that follows from it, and is started once."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from laminar_codegen.rehearsal.simulated import Call, NamedError, Services, replay
from laminar_codegen.render.terraform_json import render_machine
from laminar_codegen.triggers.starter import emit_starter
from laminar_runtime.identifiers import LONGEST_DEPLOYED, check_execution_id

REFERENCES = {"local.partition": "aws", "aws_sfn_state_machine.flow.arn": "flow"}
DEFINITION = json.loads(render_machine(emit_starter(), REFERENCES))


def start(given: Any, taken: str | None = None) -> list[dict[str, Any]]:
    """Run the starter, and return what it started."""
    started: list[dict[str, Any]] = []

    def answer(call: Call) -> Any:
        if taken is not None:
            raise NamedError(taken, "it is there")
        started.append(dict(call.arguments))
        return {}

    replayed = replay(DEFINITION, services=Services(others={"states:startExecution": answer}), input=given)
    assert replayed.status == "SUCCEEDED"
    return started


def test_a_time_names_the_execution() -> None:
    """The name has no colons, which Step Functions refuses; the parameters are the flow's."""
    given = {"trigger": "nightly", "id": "2026-01-01T06:00:00Z", "parameters": {"day": "2026-01-01T06:00:00Z"}}
    ((started),) = start(given)
    assert (started["StateMachineArn"], started["Name"]) == ("flow", "nightly-2026-01-01T060000Z")
    assert started["Input"]["parameters"] == {"day": "2026-01-01T06:00:00Z"}


def test_several_texts_name_the_execution_by_their_digest() -> None:
    """The same texts give the same name, others another, and the longest name of a trigger leaves room for resumes."""
    trigger = "t" * 32
    names = [
        start({"trigger": trigger, "id": found, "parameters": {}})[0]["Name"]
        for found in (["b", "key : ä/x", "0062"], ["b", "key : ä/x", "0062"], ["b", "key : ä/x", "0063"])
    ]
    assert names[0] == names[1] != names[2]
    assert re.fullmatch(f"{trigger}-[0-9a-f]{{32}}", names[0])
    assert check_execution_id(names[0], longest=LONGEST_DEPLOYED)


def test_ids_of_executions_are_parameters() -> None:
    """The id of a resumed execution is that of the first."""
    executions = {"one": "e1@resume-2.1", "two": "e2"}
    given = {"trigger": "after", "id": ["a"], "parameters": {"mode": "x"}, "executions": executions}
    assert start(given)[0]["Input"]["parameters"] == {"mode": "x", "one": "e1", "two": "e2"}


@pytest.mark.parametrize("error", ["ExecutionAlreadyExists", "ExecutionAlreadyExistsException"])
def test_a_repeated_delivery_starts_nothing(error: str) -> None:
    """The name is taken: that is no failure."""
    given = {"trigger": "nightly", "id": "2026-01-01T06:00:00Z", "parameters": {}}
    assert start(given, taken=f"StepFunctions.{error}") == []

"""Lambda functions from images, whose invocations are local processes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from embedded_aws_bench import ROLE

if TYPE_CHECKING:
    from embedded_aws_bench import Bench

HANDLERS = '''
import os, time

class Broken(Exception):
    """Of the flow."""

def echo(event, context):
    print("to the log")
    return {"event": event, "set": os.environ["SET"], "name": context.function_name,
            "left": context.get_remaining_time_in_millis() > 0}

def broken(event, context):
    raise Broken("bad " + event["what"])

def slow(event, context):
    time.sleep(60)

def exits(event, context):
    os._exit(3)
'''


@pytest.fixture(scope="module", autouse=True)
def functions(bench: Bench) -> None:
    """The functions of these tests."""
    (bench.directory / "handlers.py").write_text(HANDLERS)
    for name in ("echo", "broken", "slow", "exits"):
        bench.aws.client("lambda").create_function(
            FunctionName=name,
            Role=ROLE,
            PackageType="Image",
            Code={"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/flow:1"},
            ImageConfig={
                "EntryPoint": ["python", "-m", "awslambdaric"],
                "Command": [f"handlers.{name}"],
            },
            Environment={"Variables": {"SET": "here"}},
            Timeout=1 if name == "slow" else 10,
        )


def invoke(bench: Bench, name: str, event: Any) -> tuple[str | None, Any]:
    """The kind of error and the payload of an invocation."""
    answer = bench.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


def invoking(name: str, payload: Any, **fields: Any) -> dict[str, Any]:
    """A state that invokes a function."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": name, "Payload": payload},
        "Output": "{% $states.result.Payload %}",
        "End": True,
        **fields,
    }


def test_invocation(bench: Bench) -> None:
    """The handler gets the event, its environment and a context; what it prints is its log."""
    error, payload = invoke(bench, "echo", {"a": ["é"]})
    assert error is None
    assert payload == {"event": {"a": ["é"]}, "set": "here", "name": "echo", "left": True}
    logs = list((bench.aws.logs / "functions" / "echo").iterdir())
    assert [log.read_text() for log in logs] == ["to the log\n"]


def test_exception(bench: Bench) -> None:
    """An exception is an unhandled error with its type, message and stack."""
    error, payload = invoke(bench, "broken", {"what": "input"})
    assert error == "Unhandled"
    assert (payload["errorType"], payload["errorMessage"]) == ("Broken", "bad input")
    assert "handlers.py" in payload["stackTrace"][-1]


@pytest.mark.parametrize(("name", "kind"), [("slow", "Sandbox.Timedout"), ("exits", "Runtime.ExitError")])
def test_invocations_without_an_answer(bench: Bench, name: str, kind: str) -> None:
    """A function that takes too long or exits is an error, too."""
    error, payload = invoke(bench, name, {})
    assert (error, payload["errorType"]) == ("Unhandled", kind)


def test_task(bench: Bench) -> None:
    """A task's payload goes to the function as JSON and comes back parsed."""
    payload = {"x": "{% $states.input.x %}"}
    assert bench.output({"I": invoking("echo", payload)}, {"x": [1]})["event"] == {"x": [1]}


def test_exception_is_the_tasks_error(bench: Bench) -> None:
    """Step Functions names the error after the exception."""
    catch = [{"ErrorEquals": ["Broken"], "Output": "{% $states.errorOutput %}", "Next": "P"}]
    states = {
        "I": invoking("broken", {"what": "task"}, Catch=catch),
        "P": {"Type": "Pass", "End": True},
    }
    output = bench.output(states)
    assert output["Error"] == "Broken"
    assert json.loads(output["Cause"])["errorMessage"] == "bad task"

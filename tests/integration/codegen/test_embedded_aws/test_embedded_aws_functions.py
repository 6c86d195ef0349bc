"""Lambda functions from images, whose invocations are local processes."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from embedded_aws_bench import ROLE

from laminar_codegen.ir.retriers import of_service

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

def stubborn(event, context):
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)

def large(event, context):
    return "x" * event

def strange(event, context):
    return {1, 2}

def meets(event, context):
    import pathlib
    pathlib.Path("met" + event).touch()
    while not all(pathlib.Path("met" + other).exists() for other in "ab"):
        time.sleep(0.01)
    return event
'''
BROKEN = "def no(:"
NAMES = ("echo", "broken", "slow", "exits", "stubborn", "large", "strange", "meets")


@pytest.fixture(scope="module", autouse=True)
def functions(bench: Bench) -> None:
    """The functions of these tests."""
    (bench.directory / "handlers.py").write_text(HANDLERS)
    (bench.directory / "package").mkdir()
    (bench.directory / "package" / "module.py").write_text(HANDLERS)
    (bench.directory / "broken_module.py").write_text(BROKEN)
    handlers = {
        **{name: f"handlers.{name}" for name in NAMES},
        "dots": "package.module.echo",
        "slash": "package/module.echo",
        "no-module": "missing_module.echo",
        "no-handler": "handlers.missing",
        "no-syntax": "broken_module.any",
        "no-dot": "handlers",
    }
    for name, handler in handlers.items():
        bench.aws.client("lambda").create_function(
            FunctionName=name,
            Role=ROLE,
            PackageType="Image",
            Code={"ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/flow:1"},
            ImageConfig={
                "EntryPoint": ["python", "-m", "awslambdaric"],
                "Command": [handler],
            },
            Environment={"Variables": {"SET": "here"}},
            Timeout=1 if name in ("slow", "stubborn") else 30,
        )


def invoke(bench: Bench, name: str, event: Any) -> tuple[str | None, Any]:
    """Return the kind of error and the payload of an invocation."""
    answer = bench.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


def invoking(name: str, payload: Any, **fields: Any) -> dict[str, Any]:
    """Return a state that invokes a function."""
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


def test_invocations_are_reported(bench: Bench) -> None:
    """The begin and the end of each, with what the function was invoked with; why it failed; where its log is."""
    before = len(bench.invocations)
    invoke(bench, "echo", {"a": 1})
    invoke(bench, "broken", {"what": "input"})
    events = bench.invocations[before:]
    assert [(event.function_name, event.status, event.reason) for event in events] == [
        ("echo", "RUNNING", None),
        ("echo", "SUCCEEDED", None),
        ("broken", "RUNNING", None),
        ("broken", "FAILED", "bad input"),
    ]
    assert [json.loads(event.event) for event in events[::2]] == [{"a": 1}, {"what": "input"}]
    assert events[0].request_id == events[1].request_id != events[2].request_id
    assert events[1].log.read_text() == "to the log\n"


def test_exception(bench: Bench) -> None:
    """An exception is an unhandled error with its type, message and stack."""
    error, payload = invoke(bench, "broken", {"what": "input"})
    assert error == "Unhandled"
    assert (payload["errorType"], payload["errorMessage"]) == ("Broken", "bad input")
    assert "handlers.py" in payload["stackTrace"][-1]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("slow", "Sandbox.Timedout"),
        ("stubborn", "Sandbox.Timedout"),
        ("exits", "Runtime.ExitError"),
        ("strange", "Runtime.MarshalError"),
        ("no-module", "Runtime.ImportModuleError"),
        ("no-handler", "Runtime.HandlerNotFound"),
        ("no-syntax", "Runtime.UserCodeSyntaxError"),
        ("no-dot", "Runtime.MalformedHandlerName"),
    ],
)
def test_invocations_without_an_answer(bench: Bench, name: str, kind: str) -> None:
    """A function that takes too long, exits, answers no JSON or is not there is an error, too."""
    begun = time.monotonic()
    error, payload = invoke(bench, name, {})
    assert (error, payload["errorType"]) == ("Unhandled", kind)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("name", ["dots", "slash"])
def test_handlers_in_packages(bench: Bench, name: str) -> None:
    """A handler is any function of any module."""
    assert invoke(bench, name, 1)[1]["event"] == 1


def test_payloads_that_are_too_large(bench: Bench) -> None:
    """Lambda takes and gives 6 MB."""
    assert invoke(bench, "large", 5_900_000) == (None, "x" * 5_900_000)
    error, payload = invoke(bench, "large", 6_300_000)
    assert (error, payload["errorType"]) == ("Unhandled", "Function.ResponseSizeTooLarge")
    client = bench.aws.client("lambda")
    with pytest.raises(client.exceptions.RequestTooLargeException):
        invoke(bench, "large", "x" * 6_291_456)


def test_functions_run_together(bench: Bench) -> None:
    """Invocations of parallel branches run at the same time."""
    branches = [{"StartAt": f"I{name}", "States": {f"I{name}": invoking("meets", name)}} for name in ("a", "b")]
    assert bench.output({"P": {"Type": "Parallel", "Branches": branches, "End": True}}) == ["a", "b"]


def test_task(bench: Bench) -> None:
    """A task's payload goes to the function as JSON and comes back parsed."""
    payload = {"x": "{% $states.input.x %}"}
    assert bench.output({"I": invoking("echo", payload)}, {"x": [1]})["event"] == {"x": [1]}


@pytest.mark.parametrize("name", ["slow", "exits", "broken"])
def test_failing_functions_are_failed_tasks(bench: Bench, name: str) -> None:
    """However a function fails, States.TaskFailed matches it: a Retry can be for all of them."""
    catch = [{"ErrorEquals": ["States.TaskFailed"], "Output": "caught", "Next": "P"}]
    states = {"I": invoking(name, {"what": ""}, Catch=catch), "P": {"Type": "Pass", "End": True}}
    assert bench.output(states) == "caught"


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


def test_a_function_that_is_not_ready(bench: Bench) -> None:
    """A refused invocation is not begun, and fails its state by the exception's name behind the service's."""
    pending = "CodeArtifactUserPendingException"
    bench.troubles.refusals["echo"] = [pending]
    before = len(bench.invocations)
    refused = bench.run({"A": invoking("echo", {})})
    assert (refused["status"], refused["error"]) == ("FAILED", f"Lambda.{pending}")
    assert bench.invocations[before:] == []


@pytest.mark.parametrize(
    "exception",
    ["CodeArtifactUserPendingException", "ResourceNotReadyException", "TooManyRequestsException", "ServiceException"],
)
def test_a_function_gets_ready(bench: Bench, exception: str) -> None:
    """The retriers of all invocations try again until the function is ready."""
    retry = [retrier.fields() for retrier in of_service("lambda:invoke")]
    bench.troubles.refusals["echo"] = [exception] * 5
    assert bench.output({"A": invoking("echo", {"a": 1}, Retry=retry)})["event"] == {"a": 1}
    assert bench.troubles.refusals["echo"] == []

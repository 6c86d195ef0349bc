"""Deployed flows, by answers of AWS that stand here."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from laminar_runtime.deployed.deployment import Deployment
from laminar_runtime.deployed.failing import error_of
from laminar_runtime.deployed.finding import find
from laminar_runtime.exceptions import ExecutionError, ExecutionFailedError, FlowError, TimeLimitError, WaitTimeoutError


class _Executions:
    """A Step Functions of one execution: each call answers the next of what is given for it, or raises it."""

    def __init__(self, **answers: list[Any]) -> None:
        self.answers, self.started = answers, list[str]()
        self.exceptions = SimpleNamespace(ExecutionDoesNotExist=_GoneError)

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803 - the API's name
        if executionArn.endswith("1"):
            raise _GoneError(_refused("ExecutionDoesNotExist"), "DescribeExecution")
        return self._next("describe")

    def get_execution_history(self, **_: Any) -> dict[str, Any]:
        return self._next("history")

    def describe_state_machine_for_execution(self, **_: Any) -> dict[str, Any]:
        return {"definition": "old"}

    def describe_state_machine(self, **_: Any) -> dict[str, Any]:
        return {"definition": "new"}

    def start_execution(self, name: str, **_: Any) -> None:
        self.started.append(name)

    def _next(self, call: str) -> dict[str, Any]:
        answers = self.answers[call]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        found: dict[str, Any] = answer
        return found


class _Redrivable(_Executions):
    """One of an execution that can be redriven."""

    redriven = 0

    def describe_state_machine(self, **_: Any) -> dict[str, Any]:
        return {"definition": "old"}

    def redrive_execution(self, **_: Any) -> None:
        self.redriven += 1


class _GoneError(ClientError): ...


def _refused(code: str, status: int = 400) -> Any:
    return {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}


def _error(code: str, status: int = 400) -> ClientError:
    return ClientError(_refused(code, status), "DescribeExecution")


def _status(status: str) -> dict[str, Any]:
    return {"status": status, "executionArn": "arn:x:execution:m:e", "input": "{}"}


def _deployed(executions: _Executions) -> Deployment:
    found = Deployment("report", "arn:x:stateMachine:m", "s3://bucket")
    services = {"stepfunctions": executions, "s3": _NoObjects()}
    found.__dict__["clients"] = services.__getitem__
    return found


class _NoObjects:
    """An S3 without objects."""

    def get_paginator(self, _: str) -> _NoObjects:
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        return []


def test_a_history_that_cannot_be_read() -> None:
    """That an execution failed is said in any case, and beside it that the role may not read why."""
    executions = _Executions(describe=[_status("FAILED")], history=[_error("AccessDeniedException")])
    with pytest.raises(ExecutionFailedError) as error:
        _deployed(executions).execution("e").wait()
    first, note, *_ = str(error.value).splitlines()
    assert first == "execution e of 'report' ended FAILED: its history does not say why"
    assert note.startswith("its history may have the cause, but cannot be read: An error occurred (AccessDenied")
    assert (error.value.status, error.value.failures.count) == ("FAILED", 1)


def test_waiting_takes_an_error_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """That an execution has not ended in time is another error than that it failed, and Python's own kind, too."""
    executions = _Executions(describe=[_status("RUNNING")])
    with pytest.raises(WaitTimeoutError, match="did not end within 0 seconds; it still runs") as error:
        _deployed(executions).execution("e").wait(timeout=0)
    assert isinstance(error.value, TimeoutError)


def test_waiting_goes_on_after_troubles_that_pass() -> None:
    """Throttled calls, and troubles of the service, do not end the waiting; other errors do."""
    passing = [_error("ThrottlingException"), _error("InternalServerError", 500), _status("SUCCEEDED")]
    _deployed(_Executions(describe=[_status("RUNNING"), *passing])).execution("e").wait()
    refused = _Executions(describe=[_status("RUNNING"), _error("AccessDeniedException")])
    with pytest.raises(ExecutionError, match="AccessDeniedException"):
        _deployed(refused).execution("e").wait()


def test_resumes_have_names_of_our_own() -> None:
    """An execution that goes on with another is named by a mark that nobody gives by chance."""
    executions = _Executions(describe=[_status("FAILED")])
    _deployed(executions).execution("a@b").resume()
    assert executions.started == ["a@b@resume-1"]


def _nested(error: str, cause: str) -> str:
    return json.dumps({"ExecutionArn": "arn:e1", "Status": "FAILED", "Error": error, "Cause": cause})


def _job(code: int) -> str:
    return json.dumps({"JobName": "F-A", "Container": {"ExitCode": code}})


@pytest.mark.parametrize(
    ("error", "cause", "anew"),
    [
        ("UnfinishedError", "{}", True),
        ("States.TaskFailed", _nested("UnfinishedError", "{}"), True),
        ("States.TaskFailed", _nested("States.TaskFailed", _nested("UnfinishedError", "")), True),
        ("States.TaskFailed", _job(66), True),
        ("States.TaskFailed", _nested("States.TaskFailed", _job(66)), True),
        ("States.TaskFailed", _job(1), False),
        ("States.TaskFailed", '{"Container": null}', False),
        ("ExecutionError", "UnfinishedError", False),
        ("States.Timeout", "", False),
    ],
)
def test_what_did_not_finish_is_not_redriven(error: str, cause: str, *, anew: bool) -> None:
    """A redrive would begin behind the layer whose job ended well and that has not finished: it is started anew."""
    executions = _Redrivable(describe=[{**_status("FAILED"), "error": error, "cause": cause}])
    _deployed(executions).execution("e").resume()
    assert (executions.started, executions.redriven) == ((["e@resume-1"], 0) if anew else ([], 1))


def test_ids_too_long_to_be_resumed() -> None:
    """An id whose resumes could not be named is refused at its start, and named in the error of a resume."""
    executions = _Executions(describe=[_status("FAILED")])
    with pytest.raises(FlowError, match="1 to 68 letters"):
        _deployed(executions).start(id="e" * 69)
    with pytest.raises(ExecutionError, match="at most 80 are allowed"):
        _deployed(executions).execution("e" * 80).resume()
    assert executions.started == []


@pytest.mark.parametrize("value", [float("nan"), object(), {1: {2}}])
def test_parameters_that_are_not_json(value: Any) -> None:
    """They are refused before the start: AWS would answer that the input is not valid, and not why."""
    executions = _Executions()
    with pytest.raises(FlowError, match="execution e of 'report' cannot be started: its parameters are not JSON"):
        _deployed(executions).start({"x": value}, id="e")
    assert executions.started == []


def _timed_out(**described: Any) -> _Executions:
    executions = _Executions(describe=[{**_status("FAILED"), **described}], history=[{"events": []}])
    limited = {"definition": json.dumps({"TimeoutSeconds": 60})}
    executions.describe_state_machine_for_execution = lambda **_: limited  # type: ignore[method-assign]
    return executions


def test_the_time_limit_of_a_flow() -> None:
    """An execution that timed out has an error of its own, which names the limit; so has one that ran it."""
    nested = json.dumps({"ExecutionArn": "arn:n", "Status": "TIMED_OUT"})
    outer = json.dumps({"ExecutionArn": "arn:m", "Status": "FAILED", "Cause": nested})
    for described, arn in (({"status": "TIMED_OUT"}, "arn:x:execution:m:e"), ({"cause": outer}, "arn:n")):
        with pytest.raises(TimeLimitError, match="within 60 seconds, the timeout of the flow") as error:
            _deployed(_timed_out(**described)).execution("e").wait()
        assert f"{arn} timed out" in str(error.value)
    with pytest.raises(ExecutionError, match="ended FAILED") as failed:
        _deployed(_timed_out(cause="of a layer")).execution("e").wait()
    assert not isinstance(failed.value, TimeLimitError)


def test_a_target_that_is_no_text() -> None:
    """Such as the value of a variable that is not set."""
    with pytest.raises(FlowError, match="None is not the name of a deployment"):
        find(None)  # type: ignore[arg-type]


def test_refused_parameters_are_not_resumed() -> None:
    """The execution keeps its parameters, so the same refusal would follow forever."""
    cause = "flow 'Report' cannot have these parameters: parameter 'dai' is unknown"
    arn = "arn:aws:states:eu-west-1:123456789012:execution:report:e1"
    described = {"executionArn": arn, "status": "FAILED", "error": "FlowError", "cause": cause}
    client = SimpleNamespace(
        describe_execution=lambda **_: described,
        get_execution_history=lambda **_: {"events": []},
        get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: []),
    )
    machine = arn.replace("execution:report:e1", "stateMachine:report")
    deployment = Deployment("report", machine, "s3://bucket", ("Report",))
    deployment.__dict__["clients"] = lambda _: client
    text = str(error_of(deployment, "e1", described))
    assert "parameter 'dai' is unknown" in text
    assert text.splitlines()[-1].startswith("Start another one, with other parameters")
    assert "laminar resume" not in text

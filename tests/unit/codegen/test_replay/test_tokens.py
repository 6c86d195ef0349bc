"""Task tokens: branches that wait for each other, and all that can go wrong between them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from laminar_codegen.rehearsal.simulated import Attempt, BatchJobs, Functions, NamedError, Objects, Services, TaskTokens
from tests.support.machines import State, job, lasting, parallel, passing, run, task, times, waiting

TOKEN = "{% $states.context.Task.Token %}"
PLACE = {"Bucket": "b", "Key": "token"}
STORE = "aws-sdk:s3:putObject.waitForTaskToken"
SUCCESS = "aws-sdk:sfn:sendTaskSuccess"


def store(**fields: Any) -> State:
    """Return a state that stores its token as an object, and waits."""
    return task(STORE, {**PLACE, "Body": TOKEN}, **fields)


def send(**fields: Any) -> dict[str, State]:
    """States that read the token of that object and send its success."""
    answer = {"TaskToken": "{% $states.input.Body %}", "Output": {"from": "the other"}}
    return {"Read": task("aws-sdk:s3:getObject", PLACE, Next="Send"), "Send": task(SUCCESS, answer, **fields)}


def test_a_branch_waits_for_another() -> None:
    """The waiting state goes on when its token is sent, with the output that was sent."""
    sending = {"Work": job("Work", Next="Read"), **send(Output="{% $states.result %}")}
    states = {"P": parallel({"Store": store(Next="After"), "After": job("After")}, sending)}
    states["P"]["Branches"][0]["States"]["Store"]["Output"] = "{% $states.result %}"
    services = lasting({"Work": 10, "After": 5})
    replayed = run(states, services)
    assert (replayed.seconds, replayed.output[1]) == (15, {})
    assert times(replayed)["After"] == 10
    assert services.objects.contents == {"b/token": "token-1"}
    # The state that waits has the six events of a job.
    assert replayed.events == 2 + 4 + 6 + 6 + 6 + 5 + 5


def test_the_output_that_is_sent_is_the_result() -> None:
    """It may be sent as JSON text or as an object; the service's own answer is dropped."""
    for sent in ({"n": 1}, '{"n": 1}'):
        answer = {"TaskToken": "{% $states.input.Body %}", "Output": sent}
        sending = {"W": waiting(3, Next="Read"), **send(), "Send": task(SUCCESS, answer, Output={})}
        states = {"P": parallel({"Store": store(Output="{% $states.result %}")}, sending)}
        assert run(states).output == [{"n": 1}, {}]


def test_a_signal_before_the_wait_is_lost() -> None:
    """What is sent for a task that does not wait yet cannot be sent; nobody sends it later, so the task times out."""
    late = {"Late": waiting(20, Next="Store"), "Store": store(TimeoutSeconds=30)}
    early = send(Output={})
    early["Read"]["Catch"] = [{"ErrorEquals": ["S3.NoSuchKeyException"], "Next": "None"}]
    replayed = run({"P": parallel(late, {**early, "None": passing("nobody waits")})})
    assert (replayed.error, replayed.seconds) == ("States.Timeout", 50)
    assert "None" in replayed.states


def test_a_lost_signal_is_found_by_looking_again() -> None:
    """A state that wakes from time to time and looks whether what it waits for is there outlives a lost signal."""
    look = {
        "Store": store(TimeoutSeconds=30, Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "Look"}]),
        "Look": task(
            "aws-sdk:s3:headObject",
            {"Bucket": "b", "Key": "done"},
            Catch=[{"ErrorEquals": ["S3.NoSuchKeyException"], "Next": "Store"}],
        ),
    }
    done = {
        "Work": job("Work", Next="Mark"),
        "Mark": task("aws-sdk:s3:putObject", {**PLACE, "Key": "done", "Body": ""}),
    }
    replayed = run({"P": parallel(look, done)}, lasting({"Work": 100}))
    assert (replayed.status, replayed.seconds) == ("SUCCEEDED", 120)
    assert replayed.states.count("Store") == 4


@pytest.mark.parametrize("again", [SUCCESS, "aws-sdk:sfn:sendTaskFailure", "aws-sdk:sfn:sendTaskHeartbeat"])
def test_a_second_signal_is_refused(again: str) -> None:
    """The first signal counts; whoever sends one for a task that is over gets an error, and may ignore it."""
    fields = {"Output": {"from": "the second"}} if again == SUCCESS else {}
    arguments = {"TaskToken": "{% $states.input.Body %}", **fields}
    first = send(Output={})
    second = {
        "Read again": task("aws-sdk:s3:getObject", PLACE, Next="Again"),
        "Again": task(again, arguments, Catch=[{"ErrorEquals": ["States.TaskFailed"], "Next": "Ignored"}]),
        "Ignored": passing("{% $states.input.Error %}"),
    }
    states = {"P": parallel({"Store": store(Output="{% $states.result %}")}, first, second)}
    assert run(states).output == [{"from": "the other"}, {}, "Sfn.TaskTimedOutException"]


def test_a_token_of_a_task_that_timed_out_is_refused() -> None:
    """A task that is over for another reason cannot be sent for either."""
    states = {
        "Store": store(TimeoutSeconds=5, Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "Read"}]),
        **send(),
    }
    replayed = run(states)
    assert (replayed.error, replayed.seconds) == ("Sfn.TaskTimedOutException", 5)


def test_unknown_tokens_and_wrong_outputs_are_refused() -> None:
    """A token that was never given out, and an output that is no JSON, are errors of the caller."""
    assert run({"A": task(SUCCESS, {"TaskToken": "none", "Output": {}})}).error == "Sfn.InvalidTokenException"
    assert run({"A": task(SUCCESS, {"TaskToken": "none", "Output": "{"})}).error == "Sfn.InvalidOutputException"
    assert run({"A": task(SUCCESS, {"TaskToken": "none"})}).error == "States.Runtime"


def test_a_failure_is_sent() -> None:
    """The error that is sent is the state's."""
    arguments = {"TaskToken": "{% $states.input.Body %}", "Error": "Bad", "Cause": "because"}
    sending = {**send(), "Send": task("aws-sdk:sfn:sendTaskFailure", arguments)}
    replayed = run({"P": parallel({"Store": store()}, sending)})
    assert (replayed.error, replayed.cause) == ("Bad", "because")


def test_a_task_must_be_heard_of() -> None:
    """Without a heartbeat in time the state fails by a timeout, which has a second name; heartbeats put it off."""
    beat = task("aws-sdk:sfn:sendTaskHeartbeat", {"TaskToken": "{% $states.input.Body %}"}, Next="Rest")
    beating = {"W": waiting(8, Next="Read"), **send(), "Send": beat, "Rest": waiting(100)}
    waits = store(HeartbeatSeconds=10)
    replayed = run({"P": parallel({"Store": waits}, beating)})
    assert (replayed.error, replayed.seconds) == ("States.Timeout", 18)
    for name in ("States.Timeout", "States.HeartbeatTimeout"):
        caught = store(HeartbeatSeconds=10, Catch=[{"ErrorEquals": [name], "Next": "End"}])
        assert run({"Store": caught, "End": passing("caught")}).output == "caught"
    kept = {**beating, "Rest": waiting(9, Next="Read 2"), "Read 2": task("aws-sdk:s3:getObject", PLACE, Next="Done")}
    kept["Done"] = send()["Send"]
    assert run({"P": parallel({"Store": waits}, kept)}).seconds == 17


def test_whoever_has_the_token_may_send_it() -> None:
    """A function or a job that is given the token may send it, during the call too."""
    tokens = TaskTokens()
    payload = {"token": TOKEN, "n": 3}
    waits = task("lambda:invoke.waitForTaskToken", {"FunctionName": "f", "Payload": payload})
    functions = Functions(run=lambda invocation: tokens.succeed(invocation.payload["token"], invocation.payload["n"]))
    assert run({"A": waits}, Services(functions=functions, tokens=tokens)).output == 3

    def work(attempt: Attempt) -> None:
        tokens.succeed(attempt.environment["TOKEN"], json.dumps({"layer": attempt.layer}))

    environment = [{"Name": "TOKEN", "Value": TOKEN}, {"Name": "LAMINAR_LAYER_NAME", "Value": "L"}]
    submit = job("L", {"ContainerOverrides": {"Environment": environment}}, Resource="batch:submitJob.waitForTaskToken")
    services = Services(jobs=BatchJobs(run=work, seconds=lambda _: 6), tokens=tokens)
    replayed = run({"A": submit}, services)
    assert (replayed.output, replayed.seconds) == ({"layer": "L"}, 6)


def test_a_failed_call_does_not_wait() -> None:
    """If the call itself fails, the state fails at once."""
    services = Services(objects=Objects(buckets=frozenset()))
    replayed = run({"Store": store()}, services)
    assert (replayed.error, replayed.seconds) == ("S3.NoSuchBucketException", 0)


def test_nobody_waits_for_ever() -> None:
    """A task whose token nobody sends waits until the execution's time is over."""
    replayed = run({"Store": store()})
    assert (replayed.status, replayed.seconds) == ("TIMED_OUT", 31_536_000)


def test_an_aborted_task_is_over() -> None:
    """A task that ends with a failure beside it cannot be sent for any more."""
    tokens = TaskTokens()
    fail = {"F": {"Type": "Fail", "Error": "Bad"}}
    assert run({"P": parallel({"Store": store()}, fail)}, Services(tokens=tokens)).error == "Bad"
    with pytest.raises(NamedError, match="does not exist anymore"):
        tokens.succeed("token-1", {})


def test_calls_may_take_time() -> None:
    """With slow services, a wait ends when the answer has come."""
    services = Services(objects=Objects(seconds=lambda _: 2), tokens=TaskTokens(seconds=lambda _: 1))
    sending = {"W": waiting(5, Next="Read"), **send()}
    replayed = run({"P": parallel({"Store": store(Next="After"), "After": waiting(4)}, sending)}, services)
    assert replayed.seconds == 5 + 2 + 1 + 4

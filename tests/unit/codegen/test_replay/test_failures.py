"""Errors: who matches them, what is tried again, what goes on, and what is ended with it."""

from __future__ import annotations

from typing import Any

import pytest

from laminar_codegen.rehearsal.simulated import Attempt, BatchJobs, Functions, JobResult, NamedError, Services, replay
from tests.support.machines import State, job, machine, mapping, parallel, passing, run, task, waiting

BIG = "x" * 262_143


def failing(*errors: str) -> Services:
    """Return functions that fail with these errors, one after the other, and then succeed."""
    left = list(errors)

    def answer(_: object) -> Any:
        if left:
            raise NamedError(left.pop(0), "the cause")
        return "well"

    return Services(functions=Functions(run=answer))


def invoke(**fields: Any) -> State:
    """Return a state that calls a function."""
    return task("lambda:invoke", {"FunctionName": "f"}, **fields)


@pytest.mark.parametrize(
    ("wanted", "error", "matched"),
    [
        ("States.ALL", "Custom", True),
        ("States.ALL", "States.Timeout", True),
        ("States.ALL", "States.QueryEvaluationError", True),
        ("States.ALL", "States.DataLimitExceeded", False),
        ("States.ALL", "States.Runtime", False),
        ("States.TaskFailed", "Custom", True),
        ("States.TaskFailed", "Sfn.TaskTimedOutException", True),
        ("States.TaskFailed", "States.TaskFailed", True),
        ("States.TaskFailed", "States.Timeout", False),
        ("States.TaskFailed", "States.DataLimitExceeded", False),
        ("States.TaskFailed", "States.Runtime", False),
        ("States.DataLimitExceeded", "States.DataLimitExceeded", True),
        ("States.Runtime", "States.Runtime", False),
        ("Custom", "Custom", True),
        ("Custom", "Customs", False),
        ("States.Timeout", "States.Timeout", True),
    ],
)
def test_names_of_errors_are_matched(wanted: str, error: str, *, matched: bool) -> None:
    """The two wildcards match what is documented, in Retry and in Catch alike; other names match themselves."""
    caught = run({"A": invoke(Catch=[{"ErrorEquals": [wanted], "Next": "B"}]), "B": passing("caught")}, failing(error))
    assert caught.status == ("SUCCEEDED" if matched else "FAILED")
    retried = run({"A": invoke(Retry=[{"ErrorEquals": [wanted]}])}, failing(error))
    assert retried.status == ("SUCCEEDED" if matched else "FAILED")
    assert retried.error == (None if matched else error)


def test_a_catcher_sees_the_error() -> None:
    """What is caught may be assigned and put out; without an output it is the next state's input."""
    catch = {"ErrorEquals": ["States.ALL"], "Next": "B", "Assign": {"e": "{% $states.errorOutput.Error %}"}}
    states = {"A": invoke(Catch=[catch]), "B": passing("{% [$e, $states.input] %}")}
    replayed = run(states, failing("Custom"))
    assert replayed.output == ["Custom", {"Error": "Custom", "Cause": "the cause"}]
    # Entered, scheduled, started, failed, exited.
    assert (replayed.transitions, replayed.events) == (2, 2 + 5 + 2)
    output = {"was": "{% $states.input.n %}", "error": "{% $states.errorOutput.Cause %}"}
    states["A"] = invoke(Catch=[{**catch, "Output": output}])
    replayed = run(states, failing("Custom"), input={"n": 1})
    assert replayed.output == ["Custom", {"was": 1, "error": "the cause"}]


def test_the_first_catcher_that_matches_catches() -> None:
    """Catchers are asked in their order."""
    catch = [
        {"ErrorEquals": ["Other"], "Next": "Wrong"},
        {"ErrorEquals": ["Third", "Custom"], "Next": "Right"},
        {"ErrorEquals": ["States.ALL"], "Next": "Wrong"},
    ]
    states = {"A": invoke(Catch=catch), "Wrong": passing("wrong"), "Right": passing("right")}
    assert run(states, failing("Custom")).output == "right"


def test_retriers_count_on_their_own() -> None:
    """Each retrier has its attempts; when those of the first that matches are used up, the state fails."""
    retry = [
        {"ErrorEquals": ["One"], "MaxAttempts": 1, "IntervalSeconds": 100},
        {"ErrorEquals": ["States.ALL"], "MaxAttempts": 2, "IntervalSeconds": 7, "BackoffRate": 1},
    ]
    well = run({"A": invoke(Retry=retry)}, failing("Two", "One", "Two"))
    assert (well.status, well.seconds, well.transitions) == ("SUCCEEDED", 114, 4)
    # Entered, thrice scheduled, started and failed, once scheduled, started and succeeded, exited.
    assert well.events == 2 + 1 + 3 * 3 + 3 + 1
    failed = run({"A": invoke(Retry=retry)}, failing("One", "One"))
    assert (failed.status, failed.error, failed.seconds) == ("FAILED", "One", 100)


def test_what_is_not_retried_is_caught() -> None:
    """Catch comes after Retry, and no attempts are no retry."""
    fields = {"Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 0}], "Catch": [{"ErrorEquals": ["E"], "Next": "B"}]}
    assert run({"A": invoke(**fields), "B": passing("caught")}, failing("E", "E")).output == "caught"


def test_arguments_know_the_retries() -> None:
    """Arguments are evaluated for each attempt, and see how many were before."""
    services = failing("E", "E")
    arguments = {"FunctionName": "f", "Payload": "{% $states.context.State.RetryCount %}"}
    output = {"retries": "{% $states.context.State.RetryCount %}"}
    state = task("lambda:invoke", arguments, Retry=[{"ErrorEquals": ["E"]}], Output=output)
    assert run({"A": state}, services).output == {"retries": 2}
    assert [invocation.payload for invocation in services.functions.invocations] == [0, 1, 2]


def test_wrong_expressions_are_errors_of_the_state() -> None:
    """An expression that fails is retried and caught like any error, the result's too."""
    catch = [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "B"}]
    for fields in (
        {"Arguments": {"a": "{% $none %}"}},
        {"Output": "{% $states.result.none %}"},
        {"Arguments": "{% 1 %}"},
    ):
        state = {**invoke(Catch=catch), **fields}
        assert run({"A": state, "B": passing("caught")}, failing()).output == "caught"
    retried = run({"A": invoke(Output="{% $none %}", Retry=[{"ErrorEquals": ["States.ALL"]}])}, failing())
    assert (retried.error, retried.transitions) == ("States.QueryEvaluationError", 4)


def test_a_timeout_ends_what_is_called() -> None:
    """A task that takes longer than it may fails, and its job is terminated; one that takes just as long succeeds."""
    jobs = BatchJobs(seconds=lambda _: 10)
    replayed = run({"A": job(TimeoutSeconds=9)}, Services(jobs=jobs))
    assert (replayed.status, replayed.error, replayed.cause, replayed.seconds) == ("FAILED", "States.Timeout", "", 9)
    (attempt,) = jobs.attempts
    assert (attempt.outcome, attempt.started, attempt.ended) == ("TERMINATED", 0, 9)
    assert jobs.jobs["job-1"].state == "FAILED"
    assert run({"A": job(TimeoutSeconds="{% 5 * 2 %}")}, Services(jobs=jobs)).status == "SUCCEEDED"


def test_timeouts_are_retried_by_their_name() -> None:
    """Each attempt has its own time, and what failed by a timeout is no TaskFailed."""
    durations = iter([10, 10, 3])
    services = Services(jobs=BatchJobs(seconds=lambda _: next(durations)))
    retry = [{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 1, "BackoffRate": 1}]
    assert run({"A": job(TimeoutSeconds=5, Retry=retry)}, services).seconds == 5 + 1 + 5 + 1 + 3
    assert [attempt.outcome for attempt in services.jobs.attempts] == ["TERMINATED", "TERMINATED", "SUCCEEDED"]


def test_a_failed_branch_ends_the_others() -> None:
    """When a branch fails, the others are ended where they are, their jobs are stopped, and nothing of them follows."""
    ran: list[str] = []

    def work(attempt: Attempt) -> JobResult:
        ran.append(attempt.layer)
        return JobResult(exit_code=int(attempt.layer == "Bad"))

    jobs = BatchJobs(run=work, seconds=lambda attempt: {"Bad": 5, "Long": 60, "Short": 3}[attempt.layer])
    branches = [
        {"Short": job("Short", Next="Bad"), "Bad": job("Bad")},
        {"Long": job("Long", Next="After"), "After": job("After")},
        {"Wait": waiting(100, Next="Later"), "Later": job("Later")},
        {"Deep": parallel({"Deeper": mapping([1, 2], {"Deepest": job("Long")})})},
    ]
    replayed = run({"P": parallel(*branches)}, Services(jobs=jobs))
    assert (replayed.status, replayed.error, replayed.seconds) == ("FAILED", "States.TaskFailed", 8)
    assert ran == ["Short", "Bad"]
    assert [(item.layer, item.outcome, item.ended) for item in jobs.attempts if item.layer == "Long"] == [
        ("Long", "TERMINATED", 8)
    ] * 3
    assert "After" not in replayed.states


def test_a_caught_failure_of_branches_goes_on() -> None:
    """A Parallel catches its branches' errors, and assigns outside them."""
    catch = {"ErrorEquals": ["E"], "Next": "B", "Assign": {"seen": "{% $states.errorOutput.Error %}"}}
    states = {"P": parallel({"A": invoke()}, {"W": waiting(9)}, Catch=[catch]), "B": passing("{% $seen %}")}
    replayed = run(states, failing("E"))
    assert (replayed.output, replayed.seconds) == ("E", 0)


def test_branches_are_retried_from_their_start() -> None:
    """A Parallel that is tried again runs all its branches again, those that ended too."""
    retry = [{"ErrorEquals": ["E"], "IntervalSeconds": 2}]
    services = failing("E")
    replayed = run(
        {"P": parallel({"A": waiting(1)}, {"W": waiting(4, Next="B"), "B": invoke()}, Retry=retry)}, services
    )
    assert (replayed.status, replayed.seconds) == ("SUCCEEDED", 10)
    assert replayed.states == ["P", "A", "W", "B", "A", "W", "B"]
    assert replayed.transitions == 8


def test_a_failed_item_ends_a_map() -> None:
    """Any item that fails fails the Map: items that wait do not start, those that run are ended."""
    fail = {"W": waiting("{% $states.input %}", Next="F"), "F": {"Type": "Fail", "Error": "Bad"}}
    replayed = run({"M": mapping([5, 3, 9, 9], fail, MaxConcurrency=3)})
    assert (replayed.error, replayed.seconds, replayed.states.count("W")) == ("Bad", 3, 3)
    # Started, entered, Map entered and started; per item started and Wait entered; one Wait exited and Fail entered;
    # one failed, two aborted with their states; the Map failed, and the execution.
    assert replayed.events == 1 + 2 + 3 * 2 + 2 + 1 + 2 * 2 + 1 + 1


@pytest.mark.parametrize(
    "state",
    [
        passing(BIG),
        passing("{% $states.input & 'xx' %}"),
        passing(1, Assign={"v": BIG}),
        invoke(Output=BIG),
        {**invoke(), "Arguments": {"FunctionName": BIG}},
        mapping([BIG], {"In": passing(1)}),
        mapping([1, 2], {"In": passing("x" * 200_000)}),
        parallel({"In": passing("x" * 200_000)}, {"Other": passing("x" * 200_000)}),
    ],
    ids=["output", "expression", "variable", "task", "arguments", "item", "items", "branches"],
)
def test_data_has_a_limit(state: State) -> None:
    """Whatever is larger than 256 KiB fails the state."""
    assert run({"A": state}, failing(), input=BIG[:-1]).error == "States.DataLimitExceeded"


def test_data_at_the_limit_is_taken() -> None:
    """Bytes are counted, those of a text's quotes too."""
    assert run({"A": passing(BIG[:-1])}).status == "SUCCEEDED"
    assert run({"A": passing("é" * 131_071)}).status == "SUCCEEDED"
    assert run({"A": passing("é" * 131_072)}).error == "States.DataLimitExceeded"


def test_results_have_a_limit() -> None:
    """What a service answers is limited before the state trims it."""
    services = Services(functions=Functions(run=lambda _: BIG))
    assert run({"A": invoke(Output={})}, services).error == "States.DataLimitExceeded"
    with pytest.raises(NamedError, match="more than 262144 bytes"):
        run({"A": passing(1)}, input=BIG + "x")


def test_a_history_has_a_limit() -> None:
    """A loop ends when the history is full: its last event says that the execution failed."""
    replayed = run(
        {"A": passing(1, Next="B"), "B": {"Type": "Choice", "Choices": [again()], "Default": "C"}, "C": passing(1)}
    )
    assert (replayed.status, replayed.error, replayed.events) == ("FAILED", "States.Runtime", 25_000)
    assert "25000" in (replayed.cause or "")
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "End"}]
    inner = {"A": passing(1, Next="B"), "B": {"Type": "Choice", "Choices": [again()], "Default": "C"}, "C": passing(1)}
    assert run({"P": parallel(inner, Catch=catch), "End": passing(1)}).error == "States.Runtime"


def again() -> State:
    """Return a rule that always goes back."""
    return {"Condition": "{% true %}", "Next": "A"}


def test_an_execution_has_a_time() -> None:
    """An execution ends after the time of its machine, or after a year."""
    jobs = BatchJobs(seconds=lambda _: 100)
    states = {"P": parallel({"A": job()}, {"W": waiting(50)})}
    replayed = replay(machine(states, TimeoutSeconds=60), services=Services(jobs=jobs))
    assert (replayed.status, replayed.error, replayed.seconds) == ("TIMED_OUT", None, 60)
    assert [attempt.outcome for attempt in jobs.attempts] == ["TERMINATED"]
    assert run({"W": waiting(40_000_000)}).seconds == 31_536_000


def test_mistakes_of_tests_are_not_failures_of_states() -> None:
    """What is no named error reaches who replays, from wherever it is raised, and leaves nothing behind."""

    def wrong(attempt: Attempt) -> None:
        raise AssertionError(attempt.layer)

    branches = {"A": job("A"), "B": job("B", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "C"}]), "C": passing(1)}
    with pytest.raises(AssertionError, match="A"):
        run(
            {"P": parallel({"A": branches["A"]}, {"B": branches["B"], "C": branches["C"]})},
            Services(jobs=BatchJobs(run=wrong)),
        )
    with pytest.raises(ZeroDivisionError):
        run({"A": invoke()}, Services(functions=Functions(seconds=lambda _: 1 / 0)))
    with pytest.raises(TypeError):
        run({"A": invoke()}, Services(functions=Functions(run=lambda _: {1, 2})))

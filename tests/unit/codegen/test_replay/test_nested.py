"""Executions that start executions, and executions that go on where they failed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from laminar_codegen.rehearsal.simulated import (
    Attempt,
    BatchJobs,
    DefinitionError,
    JobResult,
    Replayed,
    Services,
    UnsupportedError,
    redrive,
    replay,
)
from tests.support.machines import State, job, machine, mapping, parallel, passing, run, task, waiting

CHILD = "arn:aws:states:us-east-1:123456789012:stateMachine:child"
SYNC = "states:startExecution.sync:2"


def start(resource: str = SYNC, name: Any = "one", **fields: Any) -> State:
    """Return a state that starts an execution of the child."""
    arguments = {"StateMachineArn": CHILD, "Name": name, "Input": {"n": "{% $states.input %}"}}
    return task(resource, arguments, **fields)


def parent(states: dict[str, State], child: dict[str, State], services: Services | None = None) -> Replayed:
    """Replay a machine that knows the child."""
    return run(states, services, machines={CHILD: machine(child)}, input=7)


def test_a_nested_execution_is_waited_for() -> None:
    """The parent gets the child's output; each execution has its own name, input, history and counts."""
    seen = {"name": "{% $states.context.Execution.Name %}", "n": "{% $states.input.n %}"}
    replayed = parent(
        {"A": start(Output="{% $states.result.Output %}")}, {"W": waiting(30, Next="S"), "S": passing(seen)}
    )
    assert (replayed.output, replayed.seconds) == ({"name": "one", "n": 7}, 30)
    (child,) = replayed.nested
    assert child.arn == "arn:aws:states:us-east-1:123456789012:execution:child:one"
    assert (replayed.transitions, replayed.events) == (1, 8)
    assert (child.transitions, child.events, child.seconds) == (2, 6, 30)


def test_texts_and_values() -> None:
    """The second version parses the output, the first gives it as text."""
    child = {"S": passing({"a": 1})}
    states = {"A": start("states:startExecution.sync", Output="{% $states.result.Output %}")}
    assert json.loads(parent(states, child).output) == {"a": 1}


def test_a_failed_child_fails_its_parent() -> None:
    """Whatever the child failed with, the parent's task failed, with the child as the cause."""
    catch = [{"ErrorEquals": ["States.TaskFailed"], "Next": "C"}]
    states = {"A": start(Catch=catch), "C": passing("{% $parse($states.input.Cause).Error %}")}
    assert parent(states, {"F": {"Type": "Fail", "Error": "Bad"}}).output == "Bad"
    slow = {**machine({"W": waiting(9)}), "TimeoutSeconds": 5}
    replayed = run({"A": start()}, machines={CHILD: slow}, input=1)
    assert (replayed.error, replayed.seconds, replayed.nested[0].status) == ("States.TaskFailed", 5, "TIMED_OUT")


def test_a_child_ends_with_its_parent() -> None:
    """When the state that waits is ended, the child is aborted, and its jobs with it."""
    jobs = BatchJobs(seconds=lambda _: 60)
    replayed = parent({"A": start(TimeoutSeconds=10)}, {"J": job()}, Services(jobs=jobs))
    assert (replayed.error, replayed.nested[0].status, replayed.nested[0].seconds) == ("States.Timeout", "ABORTED", 10)
    assert jobs.attempts[0].outcome == "TERMINATED"


def test_a_child_that_is_not_waited_for_runs_on() -> None:
    """Starting alone takes no time; the child ends after its parent."""
    replayed = parent({"A": start("states:startExecution", Output=1)}, {"W": waiting(5)})
    assert (replayed.seconds, replayed.events) == (0, 7)
    assert (replayed.nested[0].status, replayed.nested[0].seconds) == ("SUCCEEDED", 5)


def test_names_are_unique() -> None:
    """The same name and input give the execution that runs; once it is over, the name is taken."""
    child = {"W": waiting(5)}
    replayed = parent({"P": parallel({"A": start()}, {"B": start()})}, child)
    assert (replayed.status, len(replayed.nested)) == ("SUCCEEDED", 1)
    again = parent({"A": start(Output=7, Next="B"), "B": start()}, child)
    assert again.error == "StepFunctions.ExecutionAlreadyExistsException"
    other = parent({"P": parallel({"A": start()}, {"S": passing(8, Next="B"), "B": start()})}, child)
    assert other.error == "StepFunctions.ExecutionAlreadyExistsException"
    unnamed = start()
    del unnamed["Arguments"]["Name"]
    assert len(parent({"M": mapping([1, 2, 3], {"A": unnamed})}, child).nested) == 3


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"Name": "with blanks"}, "StepFunctions.InvalidNameException"),
        ({"Name": "x" * 81}, "StepFunctions.InvalidNameException"),
        ({"StateMachineArn": "none"}, "StepFunctions.StateMachineDoesNotExistException"),
        ({"Unknown": 1}, "States.Runtime"),
    ],
)
def test_what_cannot_be_started(arguments: dict[str, Any], error: str) -> None:
    """What Step Functions refuses to start is an error of the state."""
    state = start()
    state["Arguments"] |= arguments
    assert parent({"A": state}, {"W": waiting(5)}).error == error


def test_all_machines_are_checked() -> None:
    """A nested machine that is wrong, or calls what nothing answers, is refused before anything runs."""
    with pytest.raises(DefinitionError, match=r"States\.W\.Next"):
        parent({"A": start()}, {"W": waiting(1, Next="None")})
    with pytest.raises(UnsupportedError, match=r"'W' calls sqs:sendMessage, which nothing answers"):
        parent({"A": start()}, {"W": task("sqs:sendMessage", {})})
    distributed = mapping([], {"W": waiting(1)})
    distributed["ItemProcessor"]["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
    with pytest.raises(UnsupportedError, match="'M' has children of an EXPRESS workflow"):
        run({"M": distributed})
    with pytest.raises(UnsupportedError, match="only service integrations"):
        run({"A": {**task(""), "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f"}})


class Flaky:
    """Jobs that fail as often as a test wants."""

    def __init__(self, **failures: int) -> None:
        self.failures = failures
        self.done: list[str] = []
        self.jobs = BatchJobs(run=self.work, seconds=lambda _: 10)

    def work(self, attempt: Attempt) -> JobResult:
        """Fail, or note that the layer is done."""
        if self.failures.get(attempt.layer, 0):
            self.failures[attempt.layer] -= 1
            return JobResult(exit_code=1)
        self.done.append(attempt.layer)
        return JobResult()


def test_a_redrive_goes_on_where_it_failed() -> None:
    """What ended is not run again: states before, branches beside, items beside."""
    flaky = Flaky(C=1)
    count = "{% $states.context.Execution.RedriveCount %}"
    branches = [{"A": job("A")}, {"B": job("B", Next="C"), "C": job("C")}, {"W": waiting(15, Next="D"), "D": job("D")}]
    states = {
        "Start": job("Start", Assign={"v": 1}, Next="P"),
        "P": parallel(*branches, Next="M"),
        "M": mapping(["E", "F"], {"I": job("I")}, Next="End"),
        "End": passing(["{% $v %}", count]),
    }
    failed = run(states, Services(jobs=flaky.jobs))
    assert (failed.status, failed.seconds, flaky.done) == ("FAILED", 30, ["Start", "A", "B"])
    ended = redrive(failed)
    assert (ended.status, ended.output) == ("SUCCEEDED", [1, 1])
    assert flaky.done == ["Start", "A", "B", "C", "D", "I", "I"]
    # The third branch ended before its job did: the job runs again, the wait before does not.
    assert ended.seconds == 10 + 10
    assert failed.transitions < ended.transitions
    with pytest.raises(ValueError, match="SUCCEEDED"):
        redrive(ended)


def test_a_redriven_map_runs_the_items_that_did_not_end() -> None:
    """Items that ended keep their outputs; those that waited, ran or failed run."""
    flaky = Flaky()
    fails = [True]

    def work(attempt: Attempt) -> JobResult:
        if attempt.environment["ITEM"] == "2" and fails:
            return JobResult(exit_code=fails.pop())
        flaky.done.append(attempt.environment["ITEM"])
        return JobResult()

    environment = [{"Name": "ITEM", "Value": "{% $string($states.input) %}"}]
    inner = job("I", {"ContainerOverrides": {"Environment": environment}}, Output="{% $states.input %}")
    flaky.jobs.run = work
    flaky.jobs.seconds = lambda attempt: 5 if attempt.environment["ITEM"] == "2" else 10
    states = {"M": mapping("{% [0..4] %}", {"I": inner}, MaxConcurrency=2)}
    failed = run(states, Services(jobs=flaky.jobs))
    assert flaky.done == ["0", "1"]
    assert redrive(failed).output == [0, 1, 2, 3, 4]
    assert flaky.done == ["0", "1", "2", "3", "4"]


def test_retries_count_anew_after_a_redrive() -> None:
    """A redriven state has all its attempts again."""
    flaky = Flaky(A=3)
    retry = [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}]
    failed = run({"A": job("A", Retry=retry)}, Services(jobs=flaky.jobs))
    assert (failed.status, failed.seconds) == ("FAILED", 21)
    ended = redrive(failed)
    assert (ended.status, ended.seconds) == ("SUCCEEDED", 21)


def test_a_redriven_parent_needs_another_name() -> None:
    """The name of a child that failed is taken: a name with the count of redrives is not."""
    flaky = Flaky(A=1)
    services = Services(jobs=flaky.jobs)
    failed = parent({"S": start()}, {"A": job("A")}, services)
    assert redrive(failed).error == "StepFunctions.ExecutionAlreadyExistsException"
    flaky.failures["A"] = 1
    name = "{% 'child-' & $states.context.Execution.RedriveCount %}"
    failed = parent({"S": start(name=name)}, {"A": job("A")}, services)
    assert redrive(failed).status == "SUCCEEDED"


def test_an_execution_that_timed_out_is_redriven() -> None:
    """Its time counts anew."""
    durations = [50, 5]
    jobs = BatchJobs(seconds=lambda _: durations.pop(0))
    failed = replay(machine({"A": job()}, TimeoutSeconds=20), services=Services(jobs=jobs))
    assert failed.status == "TIMED_OUT"
    assert redrive(failed).status == "SUCCEEDED"


def test_a_full_history_is_not_redriven() -> None:
    """There is no room for what would happen."""
    loop = {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "A"}], "Default": "B"}
    failed = run({"A": passing(1, Next="C"), "C": loop, "B": passing(1)})
    with pytest.raises(ValueError, match="25000 events"):
        redrive(failed)

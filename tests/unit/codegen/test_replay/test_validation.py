"""What Step Functions refuses at creation, each with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from laminar_codegen.rehearsal.simulated import validate
from tests.support.machines import State, job, machine, mapping, parallel, passing, task, waiting

CATCH = {"ErrorEquals": ["States.ALL"], "Next": "B"}


def problems(states: dict[str, State], **fields: Any) -> list[str]:
    """Return what is wrong with a machine."""
    return validate(machine(states, **fields))


def test_a_good_machine_has_no_problems() -> None:
    """All that is used elsewhere is taken."""
    states = {
        "A": job(Retry=[{"ErrorEquals": ["States.ALL"], "BackoffRate": 1.5, "JitterStrategy": "FULL"}], Next="P"),
        "P": parallel({"B1": waiting("{% $v %}")}, {"B2": passing(1, Assign={"own": 1})}, Next="M"),
        "M": mapping(
            "{% [1] %}", {"I": passing(1)}, MaxConcurrency="{% 2 %}", Catch=[{**CATCH, "Next": "F"}], Next="C"
        ),
        "C": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input = 1 %}", "Next": "S"}], "Default": "F"},
        "S": {"Type": "Succeed", "Comment": "well"},
        "F": {"Type": "Fail", "Error": "E", "Cause": "C"},
    }
    states["A"]["Assign"] = {"v": 1}
    assert problems(states, Comment="good", TimeoutSeconds=60) == []
    assert validate(json.dumps(machine(states))) == []


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        ("{", "the definition is not JSON: "),
        ("[]", "the definition is not an object"),
        (machine({"A": passing(1)}, QueryLanguage="JSONPath"), "QueryLanguage: must be JSONata"),
        (machine({"A": passing(1)}, TimeoutSeconds=0), "TimeoutSeconds: must be a whole number"),
        (machine({"A": passing(1)}, Unknown=1), "Unknown: unknown field"),
        (machine({"A": passing(1)}, StartAt="B"), "StartAt: state 'B' does not exist"),
        ({"QueryLanguage": "JSONata", "StartAt": "A"}, "States: must be an object of states"),
        (machine({"A": passing("x" * 1_048_576)}), "the definition has 1048"),
    ],
)
def test_definitions(definition: Any, problem: str) -> None:
    """The definition as a whole."""
    assert validate(definition)[0].startswith(problem)


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        ({"Type": "Nap"}, "States.A.Type: unknown type of state 'Nap'"),
        ({"Type": "Pass"}, "States.A: needs either Next or End"),
        ({"Type": "Pass", "Next": "B", "End": True}, "States.A: needs either Next or End"),
        ({"Type": "Pass", "End": False}, "States.A.End: must be true or absent"),
        ({**passing(1), "Result": 1}, "States.A.Result: unknown field"),
        ({**passing(1), "QueryLanguage": "JSONPath"}, "States.A.QueryLanguage: a state of a JSONata machine"),
        ({**passing(1), "InputPath": "$"}, "States.A.InputPath: unknown field"),
        ({"Type": "Succeed", "Assign": {"a": 1}}, "States.A.Assign: unknown field"),
        ({"Type": "Task", "End": True}, "States.A: a Task needs Resource"),
        ({"Type": "Wait", "End": True}, "States.A: a Wait needs either Seconds or Timestamp"),
        (waiting(-1), "States.A.Seconds: must be a whole number from 0 to"),
        (waiting("1"), "States.A.Seconds: must be a whole number from 0 to"),
        ({"Type": "Choice", "Choices": []}, "States.A.Choices: a Choice needs at least one rule"),
        ({"Type": "Choice", "Choices": [{"Next": "B"}]}, "States.A.Choices[0]: a rule needs a Condition"),
        ({"Type": "Choice", "Choices": [{"Condition": "{% true %}"}]}, "States.A.Choices[0]: needs Next"),
        ({"Type": "Choice", "Choices": {}}, "States.A.Choices: must be a list of objects"),
        ({"Type": "Parallel", "Branches": [], "End": True}, "States.A.Branches: must have at least one branch"),
        (passing("{% 1 + %}"), "States.A.Output: 1 + is not valid JSONata: "),
        (passing("{% $states.result %}"), "States.A.Output: $states has no result here"),
        (job(Output={"a": ["{% $states.errorOutput %}"]}), "States.A.Output: $states has no errorOutput here"),
        ({**job(), "Arguments": "{% $states.result %}"}, "States.A.Arguments: $states has no result here"),
        ({**job(), "Resource": "{% 1 %}"}, "States.A.Resource: this cannot be an expression"),
        (job(TimeoutSeconds=0), "States.A.TimeoutSeconds: must be a whole number from 1 to"),
        (job(TimeoutSeconds=5, HeartbeatSeconds=5), "States.A.HeartbeatSeconds: 5 is not less than TimeoutSeconds"),
        (
            task("s:a.waitForTaskToken", {"a": "{% $states.context.State %}"}),
            "States.A.Arguments: the task does not get",
        ),
        (passing(1, Assign=1), "States.A.Assign: must be an object of variables"),
        (passing(1, Assign={"states": 1}), "States.A.Assign: 'states' is not a valid name of a variable"),
        (passing(1, Assign={"1a": 1}), "States.A.Assign: '1a' is not a valid name of a variable"),
        (job(Retry={}), "States.A.Retry: must be a list of objects"),
        (job(Retry=[{}]), "States.A.Retry[0].ErrorEquals: must be a list of error names"),
        (
            job(Retry=[{"ErrorEquals": ["E"], "IntervalSeconds": 0}]),
            "States.A.Retry[0].IntervalSeconds: must be a whole number",
        ),
        (
            job(Retry=[{"ErrorEquals": ["E"], "MaxAttempts": -1}]),
            "States.A.Retry[0].MaxAttempts: must be a whole number from 0",
        ),
        (
            job(Retry=[{"ErrorEquals": ["E"], "BackoffRate": 0.5}]),
            "States.A.Retry[0].BackoffRate: must be a number from 1",
        ),
        (
            job(Retry=[{"ErrorEquals": ["E"], "JitterStrategy": "SOME"}]),
            "States.A.Retry[0].JitterStrategy: FULL or NONE",
        ),
        (job(Retry=[{"ErrorEquals": ["E"], "Backoff": 1}]), "States.A.Retry[0].Backoff: unknown field"),
        (
            job(Retry=[{"ErrorEquals": ["States.ALL", "E"]}]),
            "States.A.Retry[0].ErrorEquals: States.ALL must be the only error",
        ),
        (
            job(Catch=[CATCH, {**CATCH, "ErrorEquals": ["E"]}]),
            "States.A.Catch[0].ErrorEquals: States.ALL must be the only error",
        ),
        (job(Catch=[{"ErrorEquals": ["E"]}]), "States.A.Catch[0]: needs Next"),
        (job(Catch=[{**CATCH, "Output": "{% $states.result %}"}]), "States.A.Catch[0].Output: $states has no result"),
        (parallel({"A": passing(1)}), "States.A.Branches[0].States.A: another state has this name, States.A"),
        (parallel({"I": passing(1, Next="A")}), "States.A.Branches[0].States.I.Next: state 'A' does not exist"),
        (mapping([], {"I": passing(1, Next="I")}), "States.A.ItemProcessor.States: no state ends the machine"),
        (mapping([], {"I": passing(1)}, MaxConcurrency=-1), "States.A.MaxConcurrency: must be a whole number from 0"),
    ],
)
def test_states(state: State, problem: str) -> None:
    """Each state, in its fields."""
    assert [text for text in problems({"A": state, "B": passing(1)}) if text.startswith(problem)]


def test_names_are_short_and_unique_everywhere() -> None:
    """No two states of a machine share a name, wherever they are."""
    assert problems({"x" * 81: passing(1)}) == [f"States.{'x' * 81}: a state's name has 1 to 80 characters, not 81"]
    states = {"P": parallel({"A": passing(1)}, {"A": passing(1)})}
    assert problems(states) == [
        "States.P.Branches[1].States.A: another state has this name, States.P.Branches[0].States.A"
    ]


def test_every_state_is_led_to_and_one_ends() -> None:
    """A state that no way leads to is refused, in a circle of such states too; and so is a machine without an end."""
    states = {"A": passing(1), "B": passing(1, Next="C"), "C": passing(1, Next="B")}
    assert problems(states) == ["States.B: this state is unreachable", "States.C: this state is unreachable"]
    circle = {"B": passing(1, Next="C"), "C": passing(1, Next="B")}
    assert problems(circle) == ["States: no state ends the machine"]


def test_inner_states_cannot_assign_outer_variables() -> None:
    """A name that may have been assigned outside before is taken; one that is assigned after, or beside, is free."""
    inner = {"I": passing(1, Assign={"v": 1})}
    expected = [
        "States.P.Branches[0].States.I.Assign: 'v' is a variable of an outer scope, which cannot be assigned here"
    ]
    assert problems({"A": passing(1, Assign={"v": 1}, Next="P"), "P": parallel(inner)}) == expected
    assert problems({"P": parallel(inner, Next="A"), "A": passing(1, Assign={"v": 1})}) == []
    assert problems({"P": parallel(inner, {"J": passing(1, Assign={"v": 1})})}) == []
    by_catch = {
        "A": job(Catch=[{**CATCH, "Next": "P", "Assign": {"v": 1}}], Next="Q"),
        "P": parallel(inner),
        "Q": parallel({"J": passing(1, Assign={"v": 1})}),
    }
    assert problems(by_catch) == expected
    loop = {"P": parallel(inner, Next="A"), "A": passing(1, Assign={"v": 1}, Next="C")}
    loop["C"] = {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "P"}], "Default": "End"}
    assert problems({**loop, "End": passing(1)}) == expected
    deep = mapping([], {"Deep": parallel({"I": passing(1, Assign={"v": 1})})})
    assert len(problems({"A": passing(1, Assign={"v": 1}, Next="M"), "M": deep})) == 1


def test_all_problems_are_reported_at_once() -> None:
    """Not only the first."""
    assert len(problems({"A": passing("{% ( %}", Next="X"), "B": waiting(-1)}, Unknown=1)) == 5

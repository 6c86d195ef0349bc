"""What Step Functions refuses at creation, each with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from laminar_codegen.rehearsal.simulated import validate
from tests.support.machines import State, job, machine, mapping, parallel, passing, task, waiting

CATCH = {"ErrorEquals": ["States.ALL"], "Next": "B"}


def problems(states: dict[str, State], **fields: Any) -> list[str]:
    """What is wrong with a machine."""
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
        ("{", "the definition is no JSON: "),
        ("[]", "the definition is no object"),
        (machine({"A": passing(1)}, QueryLanguage="JSONPath"), "QueryLanguage: JSONata is wanted"),
        (machine({"A": passing(1)}, TimeoutSeconds=0), "TimeoutSeconds: 0 is no whole number"),
        (machine({"A": passing(1)}, Unknown=1), "Unknown: there is no such field"),
        (machine({"A": passing(1)}, StartAt="B"), "StartAt: there is no state 'B'"),
        ({"QueryLanguage": "JSONata", "StartAt": "A"}, "States: an object of states is wanted"),
        (machine({"A": passing("x" * 1_048_576)}), "the definition has 1048"),
    ],
)
def test_definitions(definition: Any, problem: str) -> None:
    """The definition as a whole."""
    assert validate(definition)[0].startswith(problem)


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        ({"Type": "Nap"}, "States.A.Type: there is no type of states 'Nap'"),
        ({"Type": "Pass"}, "States.A: either Next or End is wanted"),
        ({"Type": "Pass", "Next": "B", "End": True}, "States.A: either Next or End is wanted"),
        ({"Type": "Pass", "End": False}, "States.A.End: either true or not there"),
        ({**passing(1), "Result": 1}, "States.A.Result: there is no such field here"),
        ({**passing(1), "QueryLanguage": "JSONPath"}, "States.A.QueryLanguage: a state of a JSONata machine"),
        ({**passing(1), "InputPath": "$"}, "States.A.InputPath: there is no such field here"),
        ({"Type": "Succeed", "Assign": {"a": 1}}, "States.A.Assign: there is no such field here"),
        ({"Type": "Task", "End": True}, "States.A: a Task needs Resource"),
        ({"Type": "Wait", "End": True}, "States.A: a Wait needs either Seconds or Timestamp"),
        (waiting(-1), "States.A.Seconds: a whole number from 0 to"),
        (waiting("1"), "States.A.Seconds: a whole number from 0 to"),
        ({"Type": "Choice", "Choices": []}, "States.A.Choices: a Choice needs at least one rule"),
        ({"Type": "Choice", "Choices": [{"Next": "B"}]}, "States.A.Choices[0]: a rule needs a Condition"),
        ({"Type": "Choice", "Choices": [{"Condition": "{% true %}"}]}, "States.A.Choices[0]: Next is wanted"),
        ({"Type": "Choice", "Choices": {}}, "States.A.Choices: a list of objects is wanted"),
        ({"Type": "Parallel", "Branches": [], "End": True}, "States.A.Branches: at least one branch is wanted"),
        (passing("{% 1 + %}"), "States.A.Output: 1 + is no JSONata: "),
        (passing("{% $states.result %}"), "States.A.Output: $states has no result here"),
        (job(Output={"a": ["{% $states.errorOutput %}"]}), "States.A.Output: $states has no errorOutput here"),
        ({**job(), "Arguments": "{% $states.result %}"}, "States.A.Arguments: $states has no result here"),
        ({**job(), "Resource": "{% 1 %}"}, "States.A.Resource: this cannot be an expression"),
        (job(TimeoutSeconds=0), "States.A.TimeoutSeconds: a whole number from 1 to"),
        (job(TimeoutSeconds=5, HeartbeatSeconds=5), "States.A.HeartbeatSeconds: 5 is not less than TimeoutSeconds"),
        (task("s:a.waitForTaskToken", {"a": "{% $states.context.State %}"}), "States.A.Arguments: nobody is given"),
        (passing(1, Assign=1), "States.A.Assign: an object of variables is wanted"),
        (passing(1, Assign={"states": 1}), "States.A.Assign: 'states' is no name of a variable"),
        (passing(1, Assign={"1a": 1}), "States.A.Assign: '1a' is no name of a variable"),
        (job(Retry={}), "States.A.Retry: a list of objects is wanted"),
        (job(Retry=[{}]), "States.A.Retry[0].ErrorEquals: a list of names of errors is wanted"),
        (
            job(Retry=[{"ErrorEquals": ["E"], "IntervalSeconds": 0}]),
            "States.A.Retry[0].IntervalSeconds: a whole number",
        ),
        (
            job(Retry=[{"ErrorEquals": ["E"], "MaxAttempts": -1}]),
            "States.A.Retry[0].MaxAttempts: a whole number from 0",
        ),
        (job(Retry=[{"ErrorEquals": ["E"], "BackoffRate": 0.5}]), "States.A.Retry[0].BackoffRate: a number from 1"),
        (
            job(Retry=[{"ErrorEquals": ["E"], "JitterStrategy": "SOME"}]),
            "States.A.Retry[0].JitterStrategy: FULL or NONE",
        ),
        (job(Retry=[{"ErrorEquals": ["E"], "Backoff": 1}]), "States.A.Retry[0].Backoff: there is no such field here"),
        (job(Retry=[{"ErrorEquals": ["States.ALL", "E"]}]), "States.A.Retry[0].ErrorEquals: States.ALL stands alone"),
        (job(Catch=[CATCH, {**CATCH, "ErrorEquals": ["E"]}]), "States.A.Catch[0].ErrorEquals: States.ALL stands alone"),
        (job(Catch=[{"ErrorEquals": ["E"]}]), "States.A.Catch[0]: Next is wanted"),
        (job(Catch=[{**CATCH, "Output": "{% $states.result %}"}]), "States.A.Catch[0].Output: $states has no result"),
        (parallel({"A": passing(1)}), "States.A.Branches[0].States.A: another state has this name, States.A"),
        (parallel({"I": passing(1, Next="A")}), "States.A.Branches[0].States.I.Next: there is no state 'A'"),
        (mapping([], {"I": passing(1, Next="I")}), "States.A.ItemProcessor.States: no state ends the machine"),
        (mapping([], {"I": passing(1)}, MaxConcurrency=-1), "States.A.MaxConcurrency: a whole number from 0"),
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
    assert problems(states) == ["States.B: no way leads to this state", "States.C: no way leads to this state"]
    circle = {"B": passing(1, Next="C"), "C": passing(1, Next="B")}
    assert problems(circle) == ["States: no state ends the machine"]


def test_inner_states_cannot_assign_outer_variables() -> None:
    """A name that may have been assigned outside before is taken; one that is assigned after, or beside, is free."""
    inner = {"I": passing(1, Assign={"v": 1})}
    expected = ["States.P.Branches[0].States.I.Assign: 'v' is a variable outside, which cannot be assigned here"]
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


def test_all_problems_are_told_at_once() -> None:
    """Not only the first."""
    assert len(problems({"A": passing("{% ( %}", Next="X"), "B": waiting(-1)}, Unknown=1)) == 5

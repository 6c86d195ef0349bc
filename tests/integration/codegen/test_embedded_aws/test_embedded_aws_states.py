"""State machines, as the embedded AWS executes them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from embedded_aws_bench import endless, passing

if TYPE_CHECKING:
    from embedded_aws_bench import Bench

TEXTS = ["quotes \" and ' here", "line\nline\ttab", "back\\slash {% $x %}", "ünïcode ☃ 日本 🐍", ""]


def test_sequence_with_variables(bench: Bench) -> None:
    """A variable assigned in one state is read in a later one."""
    states = {
        "A": passing({}, Assign={"x": "{% $states.input.start + 1 %}"}, Next="B"),
        "B": passing({}, Assign={"x": "{% $x * 10 %}", "l": [1, "{% $x %}"]}, Next="C"),
        "C": passing({"x": "{% $x %}", "l": "{% $l %}"}),
    }
    assert bench.output(states, {"start": 4}) == {"x": 50, "l": [1, 5]}


def test_assign_and_output_see_the_values_at_entry(bench: Bench) -> None:
    """Output does not see what Assign of the same state assigns."""
    states = {
        "A": passing({}, Assign={"x": 1}, Next="B"),
        "B": passing("{% $x %}", Assign={"x": 2}, Next="C"),
        "C": passing({"then": "{% $states.input %}", "now": "{% $x %}"}),
    }
    assert bench.output(states) == {"then": 1, "now": 2}


@pytest.mark.parametrize("text", TEXTS)
def test_strings_survive_variables_input_and_context(bench: Bench, text: str) -> None:
    """Quotes, newlines, backslashes and unicode pass unchanged through every kind of binding."""
    states = {
        "A": passing({}, Assign={"x": "{% $states.input.text %}", "o": {"in": [text]}}, Next="B"),
        "B": passing(["{% $x %}", "{% $o.in[0] %}", "{% $states.context.Execution.Input.text %}"], Next="C"),
        "C": passing({"same": "{% $states.input %}", "length": "{% $length($x) %}"}),
    }
    output = bench.output(states, {"text": text})
    assert output == {"same": [text, text, text], "length": len(text)}


def test_text_and_null_are_shown_as_json(bench: Bench) -> None:
    """An execution's output is JSON text also when it is text or null."""
    assert bench.output({"A": passing("plain")}) == "plain"
    assert bench.output({"A": passing("{% null %}")}) is None


def test_literal_numbers(bench: Bench) -> None:
    """Whole numbers stay whole, also below zero."""
    numbers = [-1, 0, 7, -2.5, 1.5]
    states = {"A": passing({}, Assign={"x": numbers}, Next="B"), "B": passing([numbers, "{% $x %}"])}
    result = bench.run(states)
    assert json.dumps(result["output"]) == json.dumps([numbers, numbers])


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$partition([1,2,3,4,5], 2)", [[1, 2], [3, 4], [5]]),
        ("$range(0, 10, 5)", [0, 5, 10]),
        ("$hash('a', 'SHA-256')[0] ~> $substring(0, 8)", "ca978112"),
        ("$parse('{\"a\": [1, null]}')", {"a": [1, None]}),
        ("$length($uuid())", 36),
        ("$random(7) = $random(7) and $random() < 1", True),
        ('$string({"a": "é", "b": null})', '{"a":"é","b":null}'),
        ("[$states.input.one.(x)]", [1]),
        ("$exists($states.input.nothing)", False),
        ("$states.input.empty = null", True),
        ("6 / 3", 2),
    ],
)
def test_expressions(bench: Bench, expression: str, value: Any) -> None:
    """The functions that Step Functions adds, null beside undefined, and numbers as in JSON."""
    given = {"one": [{"x": 1}], "empty": None}
    assert bench.output({"A": passing(f"{{% {expression} %}}")}, given) == value


@pytest.mark.parametrize(
    "expression",
    ["$states.input.missing", "1 + 'a'", "$eval('1')", "function($x) { $x }", "$parse('{')"],
)
def test_evaluation_errors_have_aws_name(bench: Bench, expression: str) -> None:
    """What is undefined, wrong or no JSON fails with States.QueryEvaluationError."""
    result = bench.run({"A": passing(f"{{% {expression} %}}")})
    assert (result["status"], result["error"]) == ("FAILED", "States.QueryEvaluationError")


@pytest.mark.parametrize(("width", "state"), [(0, "none"), (1, "one"), (7, "many")])
def test_choice_of_width(bench: Bench, width: int, state: str) -> None:
    """A Choice takes the first rule that holds, else the Default."""
    states = {
        "A": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $states.input.width = 0 %}", "Next": "none"},
                {"Condition": "{% $states.input.width = 1 %}", "Next": "one"},
            ],
            "Default": "many",
        },
        **{name: passing(name) for name in ("none", "one", "many")},
    }
    assert bench.output(states, {"width": width}) == state


def test_two_executions_at_the_same_time(bench: Bench) -> None:
    """Executions do not see each other's variables."""
    machine = bench.machine(
        {
            "A": passing({}, Assign={"x": "{% $states.input.x %}"}, Next="W"),
            "W": {"Type": "Wait", "Seconds": 10, "Next": "B"},
            "B": passing("{% $x %}"),
        }
    )
    executions = [bench.start(machine, {"x": number}) for number in range(2)]
    assert [bench.result(execution)["output"] for execution in executions] == [0, 1]


def test_catch_that_leads_to_its_own_state(bench: Bench) -> None:
    """A state can be entered again by its own Catch."""
    read = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Arguments": {"Bucket": "bench", "Key": "{% $n < 3 ? 'missing' : 'there' %}"},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Assign": {"n": "{% $n + 1 %}"}, "Next": "R"}],
        "Output": "{% $n %}",
        "End": True,
    }
    bench.put("there", "")
    assert bench.output({"S": passing({}, Assign={"n": 0}, Next="R"), "R": read}) == 3


def test_stopped_execution_is_aborted_at_once(bench: Bench) -> None:
    """Stopping interrupts what waits, and what was stopped has not failed."""
    execution = bench.start(bench.machine({"W": endless()}))
    bench.aws.client("stepfunctions").stop_execution(executionArn=execution)
    begun = time.monotonic()
    assert bench.result(execution)["status"] == "ABORTED"
    assert time.monotonic() - begun < 1


def test_terminal_errors_are_not_caught(bench: Bench) -> None:
    """States.ALL does not match States.Runtime."""
    state = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:noSuchAction"}
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "P"}]
    result = bench.run({"S": {**state, "Catch": catch, "End": True}, "P": passing(1)})
    assert (result["status"], result["error"]) == ("FAILED", "States.Runtime")


@pytest.mark.parametrize(
    ("states", "problem"),
    [
        ({"A": passing(1, Next="Z")}, "state 'Z' does not exist"),
        ({"A": passing("{% ( %}")}, "is not valid JSONata"),
        (
            {
                "A": {
                    "Type": "Parallel",
                    "Branches": [{"StartAt": "A", "States": {"A": passing(1)}}],
                    "End": True,
                }
            },
            "another state has this name",
        ),
    ],
)
def test_refused_definitions(bench: Bench, states: dict[str, Any], problem: str) -> None:
    """Definitions that AWS refuses are refused."""
    with pytest.raises(bench.aws.client("stepfunctions").exceptions.InvalidDefinition, match=problem):
        bench.machine(states)


def test_the_end_of_an_execution_is_awaited(bench: Bench) -> None:
    """Who waits goes on when the execution has ended, at once if it has, or if there is none; its Wait is skipped."""
    machine = bench.machine({"W": {"Type": "Wait", "Seconds": 3600, "End": True}})
    execution = bench.start(machine)
    for arn in (execution, execution, f"{execution}-of-nobody"):
        bench.aws.await_execution(arn)
        described = bench.aws.client("stepfunctions").describe_execution(executionArn=execution)
        assert described["status"] == "SUCCEEDED"

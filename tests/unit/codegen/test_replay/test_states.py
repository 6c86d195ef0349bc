"""What each kind of state does, what its expressions see, and what is counted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from laminar_codegen.rehearsal.simulated import DefinitionError, Functions, Services, replay
from tests.support.machines import (
    branch,
    job,
    machine,
    mapping,
    output,
    parallel,
    passing,
    run,
    task,
    waiting,
)

HERE = "arn:aws:states:us-east-1:123456789012"


def test_a_sequence_hands_on_outputs() -> None:
    """A state gets what the one before it put out; without an output, what it got itself."""
    states = {
        "A": passing({"n": "{% $states.input.n + 1 %}"}, Next="B"),
        "B": {"Type": "Pass", "Next": "C"},
        "C": passing(["{% $states.input.n %}", "plain", 1, None]),
    }
    replayed = run(states, input={"n": 1})
    assert replayed.output == [2, "plain", 1, None]
    assert replayed.states == ["A", "B", "C"]
    assert (replayed.transitions, replayed.events) == (3, 8)


def test_assign_and_output_see_the_values_at_entry() -> None:
    """Variables that a state assigns are there from the next state on."""
    states = {
        "A": passing({}, Assign={"x": 1, "y": "{% $states.input.a %}"}, Next="B"),
        "B": passing("{% $x %}", Assign={"x": "{% $x + 10 %}"}, Next="C"),
        "C": passing("{% [$states.input, $x, $y] %}"),
    }
    assert output(states, input={"a": "text"}) == [1, 11, "text"]


@pytest.mark.parametrize(("given", "expected"), [(0, ["zero", 1]), (1, ["one", 2]), (7, ["other", 3])])
def test_a_choice_takes_the_first_rule_that_holds(given: int, expected: list[Any]) -> None:
    """A rule's own output and variables apply, and the state's if none holds."""
    rules = [
        {"Condition": "{% $states.input = 0 %}", "Next": "End", "Output": "zero", "Assign": {"v": 1}},
        {"Condition": "{% $states.input < 2 %}", "Next": "End", "Output": "one", "Assign": {"v": 2}},
    ]
    choice = {"Type": "Choice", "Choices": rules, "Default": "End", "Output": "other", "Assign": {"v": 3}}
    assert output({"C": choice, "End": passing("{% [$states.input, $v] %}")}, input=given) == expected


def test_a_choice_without_a_match_fails() -> None:
    """No rule and no default is an error with a name."""
    choice = {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "End"}]}
    assert run({"C": choice, "End": passing(1)}).error == "States.NoChoiceMatched"


def test_a_condition_is_true_or_false() -> None:
    """Anything else is an error of the expression."""
    choice = {"Type": "Choice", "Choices": [{"Condition": "{% 1 %}", "Next": "End"}], "Default": "End"}
    assert run({"C": choice, "End": passing(1)}).error == "States.QueryEvaluationError"


def test_succeed_and_fail_end_the_execution() -> None:
    """Succeed may change the output; Fail says an error, from expressions too."""
    assert output({"S": {"Type": "Succeed", "Output": "{% $states.input & '!' %}"}}, input="done") == "done!"
    assert output({"S": {"Type": "Succeed"}}, input="done") == "done"
    failed = run({"F": {"Type": "Fail", "Error": "Bad", "Cause": "{% 'because of ' & $states.input %}"}}, input="it")
    assert (failed.status, failed.error, failed.cause, failed.output) == ("FAILED", "Bad", "because of it", None)
    assert failed.events == 3
    assert run({"F": {"Type": "Fail", "Error": "{% 1 %}"}}).error == "States.QueryEvaluationError"


def test_branches_read_outside_and_keep_their_own() -> None:
    """Branches see outer variables and may share names; their outputs are a list, and their variables end with them."""
    inner = {
        name: {
            f"{name}1": passing(1, Assign={"own": name}, Next=f"{name}2"),
            f"{name}2": passing("{% $own & $outer %}"),
        }
        for name in "AB"
    }
    states = {
        "Start": passing({}, Assign={"outer": "-out"}, Next="P"),
        "P": parallel(inner["A"], inner["B"], Assign={"both": "{% $states.result %}"}, Output={}, Next="End"),
        "End": passing("{% [$both, $exists($own)] %}"),
    }
    replayed = run(states)
    assert replayed.output == ["A-out", "B-out", False]
    assert (replayed.transitions, replayed.events) == (7, 2 + 2 * 6 + 4)


def test_branches_get_the_input_or_the_arguments() -> None:
    """Arguments of a Parallel are what its branches get."""
    see = {"See": passing("{% $states.input %}")}
    assert output({"P": parallel(see)}, input=5) == [5]
    assert output({"P": parallel(see, Arguments={"n": "{% $states.input + 1 %}"})}, input=5) == [{"n": 6}]


def test_a_map_runs_for_each_item() -> None:
    """Each item sees its value and index, also inside a branch of its own, and the outputs keep the items' order."""
    inner = {"In": passing("{% $states.context.Map.Item.Index & ':' & $states.input & $suffix %}")}
    states = {
        "Start": passing({}, Assign={"suffix": "!"}, Next="M"),
        "M": mapping("{% ['a', 'b', 'c'] %}", {"P": parallel(inner)}, Output="{% $states.result %}"),
    }
    replayed = run(states)
    assert replayed.output == [["0:a!"], ["1:b!"], ["2:c!"]]
    # Entered, started, succeeded and exited; two of each item; in each a Parallel and a Pass.
    assert replayed.events == 2 + 2 + 4 + 3 * (2 + 4 + 2)
    assert replayed.transitions == 2 + 3 * 2


def test_a_map_selects_what_items_get() -> None:
    """An item selector makes an item's input of the item, its index and the state's input."""
    selector = {
        "i": "{% $states.context.Map.Item.Index %}",
        "v": "{% $states.context.Map.Item.Value %}",
        "given": "{% $states.input.n %}",
    }
    states = {"M": mapping([10, 20], {"In": passing("{% $states.input %}")}, ItemSelector=selector)}
    assert output(states, input={"n": 3}) == [{"i": 0, "v": 10, "given": 3}, {"i": 1, "v": 20, "given": 3}]


@pytest.mark.parametrize(("items", "expected"), [([], []), ("{% [] %}", []), ([[1], {}, None], [[1], {}, None])])
def test_maps_take_any_items(items: Any, expected: list[Any]) -> None:
    """No items make an empty list; items are any JSON."""
    assert output({"M": mapping(items, {"In": {"Type": "Pass", "End": True}})}) == expected


def test_a_map_takes_its_input_if_it_has_no_items() -> None:
    """Without items the input is taken, which must be a list."""
    states = {"M": {"Type": "Map", "ItemProcessor": branch({"In": passing("{% $states.input * 2 %}")}), "End": True}}
    assert output(states, input=[1, 2]) == [2, 4]
    assert run(states, input={"a": 1}).error == "States.QueryEvaluationError"


def test_expressions_see_the_execution_and_the_state() -> None:
    """The context has what the documentation says, with the virtual time."""
    seen = {
        "name": "{% $states.context.Execution.Name %}",
        "id": "{% $states.context.Execution.Id %}",
        "input": "{% $states.context.Execution.Input %}",
        "redrives": "{% $states.context.Execution.RedriveCount %}",
        "start": "{% $states.context.Execution.StartTime %}",
        "state": "{% $states.context.State.Name %}",
        "entered": "{% $states.context.State.EnteredTime %}",
        "machine": "{% $states.context.StateMachine.Id %}",
    }
    assert output({"W": waiting(90, Next="A"), "A": passing(seen)}, input={"a": 1}, name="run-1") == {
        "name": "run-1",
        "id": f"{HERE}:execution:replayed:run-1",
        "input": {"a": 1},
        "redrives": 0,
        "start": "2024-01-01T00:00:00.000Z",
        "state": "A",
        "entered": "2024-01-01T00:01:30.000Z",
        "machine": f"{HERE}:stateMachine:replayed",
    }


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$states.input.list", [1, 2]),
        ("$states.input.one", [1]),
        ("$states.input.list.$string()", ["1", "2"]),
        ("$states.input.deep.er", {"x": None}),
        ("$states.input.deep.er.x", None),
        ("$states.input.objects.a", [1, 2]),
        ("$states.input", {"list": [1, 2], "one": [1], "deep": {"er": {"x": None}}, "objects": [{"a": 1}, {"a": 2}]}),
        ("$string({'é': null})", '{"é":null}'),
        ("$partition([1, 2, 3], 2)", [[1, 2], [3]]),
        ("$parse('[1]')", [1]),
        ("$now()", "2024-01-01T00:00:00.000Z"),
        ("$millis()", 1704067200000),
    ],
)
def test_expressions(expression: str, expected: Any) -> None:
    """Paths that are walked here give what JSONata gives, and time is virtual."""
    given = {"list": [1, 2], "one": [1], "deep": {"er": {"x": None}}, "objects": [{"a": 1}, {"a": 2}]}
    assert output({"A": passing(f"{{% {expression} %}}")}, input=given) == expected


@pytest.mark.parametrize(
    "expression", ["$states.input.none", "$states.input.list.none", "$none", "1 + 'a'", "$eval('1')"]
)
def test_what_has_no_value_fails(expression: str) -> None:
    """An expression that fails or gives nothing is an error with a name, in any state."""
    replayed = run({"A": passing({"a": [f"{{% {expression} %}}"]})}, input={"list": []})
    assert (replayed.status, replayed.error) == ("FAILED", "States.QueryEvaluationError")
    assert expression in (replayed.cause or "")


def test_chance_follows_from_the_seed() -> None:
    """Random numbers and identifiers are the same for the same seed, and differ from each other."""
    states = {"A": passing("{% [$random(), $random(), $uuid(), $random(5)] %}")}
    first = output(states, seed=1)
    assert output(states, seed=1) == first != output(states, seed=2)
    assert len({str(value) for value in first}) == 4
    assert output(states, seed=2)[3] == first[3]


def test_a_function_is_given_its_payload() -> None:
    """Lambda is called with what the state says, and its answer is the result."""
    functions = Functions(run=lambda invocation: {"twice": invocation.payload["n"] * 2}, seconds=lambda _: 1.5)
    arguments = {"FunctionName": "arn:function", "Payload": {"n": "{% $states.input %}"}}
    states = {"A": task("lambda:invoke", arguments, Output="{% $states.result.Payload %}")}
    replayed = run(states, Services(functions=functions), input=4)
    assert (replayed.output, replayed.seconds, replayed.events) == ({"twice": 8}, 1.5, 7)
    assert [(item.name, item.payload) for item in functions.invocations] == [("arn:function", {"n": 4})]


def test_there_is_no_function_unless_given() -> None:
    """An unknown function is an error of the service."""
    states = {"A": task("lambda:invoke", {"FunctionName": "f"})}
    assert run(states).error == "Lambda.ResourceNotFoundException"


def test_other_services_are_functions() -> None:
    """Anything else may answer an integration, and come before what is there, at once or after a while."""

    async def later(call: Any) -> Any:
        await call.clock.sleep(3)
        return {"got": call.arguments, "state": call.state}

    others = {"dynamodb:getItem": lambda call: [call.resource], "lambda:invoke": later}
    states = {
        "A": task("dynamodb:getItem", {"Key": 1}, Assign={"first": "{% $states.result %}"}, Next="B"),
        "B": task("lambda:invoke", {"n": 2}, Output="{% [$first, $states.result] %}"),
    }
    replayed = run(states, Services(others=others))
    assert replayed.output == ["dynamodb:getItem", {"got": {"n": 2}, "state": "B"}]
    assert replayed.seconds == 3


def test_text_and_values_are_the_same_definition() -> None:
    """A definition is taken as text too."""
    definition = machine({"A": passing(1)})
    assert replay(json.dumps(definition)) == replay(definition)


def test_nothing_runs_of_a_wrong_definition() -> None:
    """What Step Functions refuses is refused before anything runs, all problems at once."""
    with pytest.raises(DefinitionError) as raised:
        run({"A": job(Next="B"), "C": passing(1)})
    assert raised.value.problems == ("States.A.Next: state 'B' does not exist", "States.C: this state is unreachable")

"""Executions that take turns: `AWS.StepFunctions(overlap="skip")` or ``"queue"``.

Before: the state machine of a flow. After, three. The one that is started finds the last turn and takes the next one::

    Parameters check  refuses an input that does not fit what the flow declares, if it declares its parameters
    Last turn      lists the turns in the datastore: the last one is first
    Look ahead     (skip) reads whether the execution of that turn still runs
    Free           (skip) chooses: it runs -> Skipped
    Turn           runs turn-N; the name is taken -> Last turn

The second one has an execution for each turn, named after its number::

    Turn taken     notes the turn in the datastore
    Look ahead     (queue) reads whether the turn before still runs
    Free           (queue) chooses: it runs -> Pause, Look ahead
    Run            runs the flow

The third one is the flow's own. Step Functions gives a name to one execution only, so no two executions have one turn.
A turn ends with its execution, however that ends: an aborted execution leaves nothing behind. A redriven execution
starts again at Turn, whose name is taken by its first turn: so it takes another turn. The note of a turn only says
where to begin the search. https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import DRIVE, Catcher, Choice, Rule, State, StateMachine, Succeed, Task, Wait
from laminar_codegen.ir.expressions import Expression, Ref, Value
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.retriers import Retrier, of_service
from laminar_codegen.lower_states.objects import Objects, insertion
from laminar_runtime.storage.layout import turns_prefix

__all__ = ["take_turns"]

#: S3 lists keys in ascending order, so the number of a key is this less the number of the turn: the last turn is first.
_MOST = 9_000_000_000
_LAST, _LOOK, _FREE, _TURN, _SKIPPED = "Last turn", "Look ahead", "Free", "Turn", "Skipped"
_TAKEN, _PAUSE, _RUN, _FIRST = "Turn taken", "Pause", "Run", "First"
_OF_TURNS = Ref(f"aws_sfn_state_machine.{labels.MACHINE_OF_TURNS}.arn")
_GIVEN = "$states.context.Execution.Input"
#: Both names are in use: https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
_NAME_TAKEN = ("StepFunctions.ExecutionAlreadyExists", "StepFunctions.ExecutionAlreadyExistsException")
_GONE = ("Sfn.ExecutionDoesNotExist", "Sfn.ExecutionDoesNotExistException")
#: A description may be a little late. After these seconds an execution that is not found was ended 90 days ago.
_LATE = Retrier(_GONE, 2, 5)
#: The wait before another look: a tenth of the wait so far, within these seconds. So the history stays short.
_SHORTEST, _LONGEST = 15, 600


def take_turns(
    machines: Sequence[StateMachine], graph: Graph, overlap: Literal["skip", "queue"]
) -> tuple[StateMachine, ...]:
    """Return state machines whose executions take turns.

    Args:
        machines: The state machines of the deployment. The first is the one that applications start.
        graph: The graph of the first flow, whose datastore has notes of the turns.
        overlap: Whether an execution that finds another one running ends at once, or waits.
    """
    first, *others = machines
    objects = Objects(graph.flow, graph.encryption)
    comment = f"{first.comment}, one execution at a time"
    states = (*_check(graph), *_finding(objects, overlap))
    started = StateMachine(name=labels.MAIN, comment=comment, states=states)
    comment = "Runs an execution when it is its turn"
    turns = StateMachine(name=labels.MACHINE_OF_TURNS, comment=comment, states=_turn(objects, overlap))
    return (started, turns, attrs.evolve(first, name=labels.MACHINE_IN_TURN), *others)


def _check(graph: Graph) -> Iterator[State]:
    """Yield the states that refuse an input, so that it takes no turn. The flow has them too: it is checked again."""
    if graph.inputs is not None and graph.keeps_input:
        # Imported here, so that the compile of a flow with untyped parameters does not load it.
        from laminar_codegen.lower_states.input_check import input_states

        yield from input_states(graph.flow, graph.inputs, _LAST)


def _last_turn(objects: Objects, after: str) -> Task:
    found = f"{_MOST} - $number($split($states.result.Contents[0].Key, '/')[-1])"
    # After a name that was taken, the search goes on from there.
    known = "$exists($states.input.turn_taken) ? $states.input.turn_taken : 0"
    turn = f"$max([$exists($states.result.Contents[0]) ? {found} : 0, {known}])"
    listed = objects.list(_LAST, "Finds the last turn", turns_prefix(objects.flow), {"turn": Expression(turn)}, after)
    return attrs.evolve(listed, arguments={**_mapping(listed), "MaxKeys": 1})


def _mapping(task: Task) -> dict[str, Value]:
    assert not isinstance(task.arguments, Expression)  # noqa: S101 - a list has arguments by name
    return dict(task.arguments)


def _finding(objects: Objects, overlap: str) -> tuple[State, ...]:
    """Return the states that take the next turn, or none while the last one runs."""
    turn = Task(
        name=_TURN,
        comment="Takes the next turn, and runs in it",
        integration="states:startExecution.sync:2",
        arguments={
            "StateMachineArn": _OF_TURNS,
            "Name": Expression("'turn-' & ($states.input.turn + 1)"),
            "Input": {
                "turn": Expression("$states.input.turn + 1"),
                # A redriven execution runs under another name: finished layers end at once.
                "name": Expression(DRIVE),
                "input": Expression(_GIVEN),
                "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": Expression("$states.context.Execution.Id"),
            },
        },
        catch=(Catcher(_NAME_TAKEN, _LAST, {"turn_taken": Expression("$states.input.turn + 1")}),),
        next=None,
    )
    if overlap == "queue":
        return (_last_turn(objects, _TURN), turn)
    look = _look(("'", _OF_TURNS, "'"), "$states.input.turn", {"turn": Expression("$states.input.turn")}, _TURN)
    skipped = Succeed(
        name=_SKIPPED, comment="Another execution runs: this one ends", output=Expression("{'skipped': true}")
    )
    return (
        _last_turn(objects, _FIRST),
        _first("$states.input.turn = 0", _TURN),
        look,
        _choose(_SKIPPED, _TURN),
        skipped,
        turn,
    )


def _first(condition: str, free: str) -> Choice:
    comment = "Has nothing to look at before the first turn"
    return Choice(name=_FIRST, comment=comment, rules=(Rule(Expression(condition), free),), default=_LOOK)


def _look(machine: Sequence[str | Ref], turn: str, output: dict[str, Value], after: str) -> Task:
    """Return the state that reads whether the execution of a turn runs; if there is none, it has ended."""
    arn = Expression("$replace(", *machine, f", ':stateMachine:', ':execution:') & ':turn-' & ({turn})")
    return Task(
        name=_LOOK,
        comment="Reads whether the execution before still runs",
        integration="aws-sdk:sfn:describeExecution",
        arguments={"ExecutionArn": arn, "IncludedData": "METADATA_ONLY"},
        output={**output, "runs": Expression("$states.result.Status in ['RUNNING', 'PENDING_REDRIVE']")},
        of_service=(*of_service("aws-sdk:sfn:describeExecution"), _LATE),
        catch=(Catcher(_GONE, after, output),),
        next=_FREE,
    )


def _choose(runs: str, free: str) -> Choice:
    comment = "Chooses by whether the execution before still runs"
    return Choice(name=_FREE, comment=comment, rules=(Rule(Expression("$states.input.runs"), runs),), default=free)


def _turn(objects: Objects, overlap: str) -> tuple[State, ...]:
    """Return the states of a turn."""
    number = insertion(f"$string({_MOST} - {_GIVEN}.turn)")
    key = f"{turns_prefix(objects.flow)}{number}"
    after = _FIRST if overlap == "queue" else _RUN
    taken = objects.put(_TAKEN, "Notes the turn, for the executions after it", key, "{}", after)
    run = Task(
        name=_RUN,
        comment="Runs the flow",
        integration="states:startExecution.sync:2",
        arguments={
            "StateMachineArn": Ref(f"aws_sfn_state_machine.{labels.MACHINE_IN_TURN}.arn"),
            "Name": Expression(f"{_GIVEN}.name"),
            "Input": Expression(f"{_GIVEN}.input"),
        },
        next=None,
    )
    if overlap == "skip":
        return (taken, run)
    waited = "($millis() - $toMillis($states.context.Execution.StartTime)) / 1000"
    seconds = f"$round($max([{_SHORTEST}, $min([{_LONGEST}, ({waited}) / 10])]))"
    pause = Wait(name=_PAUSE, comment="Gives the execution before time to end", seconds=Expression(seconds), next=_LOOK)
    return (
        taken,
        _first(f"{_GIVEN}.turn = 1", _RUN),
        _look(("$states.context.StateMachine.Id",), f"{_GIVEN}.turn - 1", {}, _RUN),
        _choose(_PAUSE, _RUN),
        pause,
        run,
    )

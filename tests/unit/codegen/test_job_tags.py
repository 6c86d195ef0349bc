"""The tags that all jobs of an execution have, in machines with the variable and without it."""

from __future__ import annotations

from typing import Any

import pytest

from laminar_codegen.ir.asl import JOB_TAGS, Map, Parallel, State, Succeed, Task, all_states
from laminar_codegen.ir.expressions import Expression, Ref
from laminar_codegen.lower_states.job_tags import IN_INPUT, replace_tags
from tests.support.deployments import machines_of
from tests.support.graph_notation import graphs_in


def _job(name: str) -> Task:
    tags = Expression("$merge([{'team': '", Ref("var.team"), f"'}}, {JOB_TAGS}, {{'x': '$tagsy'}}])")
    return Task(name=name, integration="batch:submitJob", arguments={"Tags": tags, "Name": "$tags"}, next=None)


def _tags(states: tuple[State, ...]) -> list[Any]:
    tasks = (state for state in all_states(states) if isinstance(state, Task))
    return [state.arguments["Tags"].parts for state in tasks if not isinstance(state.arguments, Expression)]


def test_jobs_within_other_states_find_their_tags_too() -> None:
    """The variable is replaced in expressions, and in nothing that looks like it."""
    inner = Map(name="M", items=Expression("[]"), states=(_job("A"),), next=None)
    beside = Parallel(name="P", branches=((_job("B"),), (inner,)), next="S")
    replaced = replace_tags((beside, Succeed(name="S")), IN_INPUT)
    expected = ("{% $merge([{'team': '", Ref("var.team"), f"'}}, {IN_INPUT}, {{'x': '$tagsy'}}]) %}}")
    assert _tags(replaced) == [expected, expected]
    assert all(state.arguments["Name"] == "$tags" for state in all_states(replaced) if isinstance(state, Task))  # type: ignore[index]


@pytest.mark.parametrize("events", [None, 20_000])
def test_each_machine_knows_where_its_tags_are(events: int | None) -> None:
    """The main machine assigns the variable in its first state; parts of it have the tags in their input."""
    main, *parts = machines_of(graphs_in("A\nB\nC after A, B\nD after C"), events=events)
    assert bool(parts) == bool(events)
    first, *_ = main.states
    assert isinstance(first, Task)
    assert "laminar:flow" in first.assign["tags"].parts[0]  # type: ignore[union-attr, operator]
    for part in parts:
        jobs = tuple(state for state in part.states if isinstance(state, Task) and "Tags" in dict(state.arguments))  # type: ignore[call-overload]
        assert {f"{IN_INPUT}, " in state.arguments["Tags"].parts[0] for state in jobs} <= {True}  # type: ignore[index]

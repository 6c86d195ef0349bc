"""Plans of random flows: every layer once, after what it depends on, and no later than a nesting must have it."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Iterator
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from laminar_codegen.ir.plan import (
    ExactJoins,
    FanOut,
    JoinNode,
    Parallel,
    Run,
    Sequence,
    Step,
    layers_of,
    print_plan,
    structure,
    unstructure,
)
from laminar_codegen.limits import JOIN_INPUTS
from laminar_codegen.lower_states.states import emit_states
from laminar_codegen.planning.make_plan import DEPTH, make_plan
from laminar_codegen.planning.makespan import critical_path, makespan
from laminar_codegen.render.terraform_json import render_template
from tests.support.random_graphs import closure, dags, graph_of, order_of, series_parallel, waits_of
from tests.support.sizes import size

Depends = dict[str, set[str]]


def _steps(plan: Step, depth: int = 0) -> Iterator[tuple[Step, int]]:
    yield plan, depth
    match plan:
        case Sequence(children) | Parallel(children):
            for child in children:
                yield from _steps(child, depth + 1)
        case ExactJoins(chains):
            for chain in chains:
                for node in chain:
                    yield from _steps(node.step, depth + 2)


def _check(depends: Depends, plan: Step) -> None:
    """Assert what every plan must fulfil."""
    assert Counter(layers_of(plan)) == Counter(list(depends))
    names = [node.name for step, _ in _steps(plan) for node in _nodes(step)]
    assert len(names) == len(set(names))
    for step, depth in _steps(plan):
        assert depth <= DEPTH
        match step:
            case Sequence(children):
                assert len(children) > 1
                assert not any(isinstance(child, Sequence) for child in children)
            case Parallel(children):
                assert len(children) > 1
                assert not any(isinstance(child, Parallel) for child in children)
            case ExactJoins():
                _check_joins(step)


def _check_joins(joins: ExactJoins) -> None:
    """Chains wait for other chains only, and for nothing that follows from what else they wait for."""
    assert len(joins.paths) > 1
    waits, order = waits_of(joins), closure(waits_of(joins))
    for chain in joins.paths:
        for node in chain:
            assert set(node.after) <= set(waits) - {own.name for own in chain}
            assert not any((one, other) in order for one in waits[node.name] for other in waits[node.name])
            if isinstance(node.step, Run | FanOut):
                assert node.name == node.step.layer


def _nodes(step: Step) -> list[JoinNode]:
    return [node for chain in step.paths for node in chain] if isinstance(step, ExactJoins) else []


def _paths(plan: Step, path: tuple[tuple[bool, int], ...] = ()) -> Iterator[tuple[str, tuple[tuple[bool, int], ...]]]:
    match plan:
        case Run(layer) | FanOut(layer):
            yield layer, path
        case Sequence(children) | Parallel(children):
            for index, child in enumerate(children):
                yield from _paths(child, (*path, (isinstance(plan, Sequence), index)))


def _keeps(depends: Depends, plan: Step) -> bool:
    """Return whether each layer starts after all that it depends on ended: where two paths part, it is a sequence."""
    paths = dict(_paths(plan))
    for name, above in depends.items():
        for parent in above:
            one, other = next((a, b) for a, b in zip(paths[parent], paths[name], strict=False) if a != b)
            if not (one[0] and one[1] < other[1]):
                return False
    return True


def _durations(draw: st.DrawFn, depends: Depends) -> dict[str, float]:
    """Return seconds of each layer: many alike, some none, a few many times as long."""
    seconds = st.sampled_from([0.0, 1.0, 1.0, 2.5, 10.0, 1000.0]) | st.floats(0, 100, allow_subnormal=False)
    return {name: draw(seconds) for name in depends}


@st.composite
def _timed(draw: st.DrawFn) -> tuple[Depends, dict[str, float]]:
    depends = draw(dags(most=25))
    return depends, _durations(draw, depends)


@given(dags(), st.randoms(use_true_random=False))
def test_each_layer_once_and_after_what_it_depends_on(depends: Depends, chance: random.Random) -> None:
    """Any DAG becomes a tree of sequences and branches that runs each layer once, all it depends on before it."""
    wide = {name for name in depends if chance.random() < 0.3}
    plan = make_plan(graph_of(depends, fans_out=wide))
    _check(depends, plan)
    assert closure(depends) <= order_of(plan)
    assert {step.layer for step, _ in _steps(plan) if isinstance(step, FanOut)} == wide


@given(_timed(), st.sampled_from(["barriers", "exact", "auto"]), st.data())
def test_durations_change_nothing_but_the_time(
    flow: tuple[Depends, dict[str, float]], joins: Literal["barriers", "exact", "auto"], data: st.DataObject
) -> None:
    """However barriers are placed, by the durations of all layers or of some, each layer runs once and in order."""
    depends, seconds = flow
    known = data.draw(st.sets(st.sampled_from(sorted(depends)), min_size=1))
    plan = make_plan(graph_of(depends), durations={name: seconds[name] for name in known}, joins=joins)
    _check(depends, plan)
    assert closure(depends) <= order_of(plan)


@given(_timed(), st.booleans())
def test_exact_joins_add_no_dependency(flow: tuple[Depends, dict[str, float]], profiled: bool) -> None:  # noqa: FBT001
    """With exact joins a layer comes after what it depends on, and after nothing else: no flow can end sooner."""
    depends, seconds = flow
    graph = graph_of(depends)
    plan = make_plan(graph, durations=seconds if profiled else None, joins="exact")
    _check(depends, plan)
    assert order_of(plan) == closure(depends)
    assert makespan(plan, seconds) == pytest.approx(critical_path(graph, seconds))


@given(_timed())
def test_barriers_or_exact_joins_by_what_barriers_cost(flow: tuple[Depends, dict[str, float]]) -> None:
    """Where a profile decides, the flow is no more than 2 % longer than its longest path; no plan is shorter."""
    depends, seconds = flow
    graph = graph_of(depends)
    ideal = critical_path(graph, seconds)
    assert makespan(make_plan(graph, durations=seconds, joins="auto"), seconds) <= ideal * 1.02 + 1e-9
    assert makespan(make_plan(graph, durations=seconds), seconds) >= ideal - 1e-9


@given(series_parallel())
def test_nested_flows_get_no_false_dependency(flow: tuple[Depends, set[tuple[str, str]]]) -> None:
    """A flow that series and branches can say is said exactly: no layer waits for one that it does not depend on."""
    depends, order = flow
    plan = make_plan(graph_of(depends))
    _check(depends, plan)
    assert order_of(plan) == order


@given(dags(most=12))
def test_dependencies_that_follow_from_others_change_nothing(depends: Depends) -> None:
    """Naming also what a layer depends on indirectly gives the same plan up to the order of equals."""
    order = closure(depends)
    full = {name: {parent for parent, child in order if child == name} for name in depends}
    assert order_of(make_plan(graph_of(full))) == order_of(make_plan(graph_of(depends)))


@given(dags())
def test_a_plan_survives_json(depends: Depends) -> None:
    """A plan written as JSON and read again is the same plan."""
    plan = make_plan(graph_of(depends, fans_out=list(depends)[::2]))
    assert structure(json.loads(json.dumps(unstructure(plan)))) == plan
    joined = make_plan(graph_of(depends), joins="exact")
    assert structure(json.loads(json.dumps(unstructure(joined)))) == joined


@given(dags())
def test_a_plan_is_printed_a_layer_a_line(depends: Depends) -> None:
    """The printed plan has each step once, indented by its depth."""
    plan = make_plan(graph_of(depends))
    lines = print_plan(plan).splitlines()
    assert [(len(line) - len(line.lstrip())) // 2 for line in lines] == [depth for _, depth in _steps(plan)]
    assert sorted(line.split()[1] for line in lines if "Run" in line) == sorted(depends)


def _chain(count: int) -> Depends:
    return {f"L{i}": {f"L{i - 1}"} if i else set() for i in range(count)}


def _fan(count: int) -> Depends:
    return {"Start": set(), **{f"L{i}": {"Start"} for i in range(count)}, "End": {f"L{i}" for i in range(count)}}


def _diamonds(count: int) -> Depends:
    depends: Depends = {"J0": set()}
    for i in range(count):
        depends |= {f"A{i}": {f"J{i}"}, f"B{i}": {f"J{i}"}, f"J{i + 1}": {f"A{i}", f"B{i}"}}
    return depends


def _caterpillar(count: int) -> Depends:
    """Return a chain with a layer beside each link: said exactly, it nests as deep as it is long."""
    depends: Depends = {"A0": set(), "B0": set()}
    for i in range(1, count):
        depends |= {f"A{i}": {f"B{i - 1}"}, f"B{i}": {f"B{i - 1}"}}
    return depends


def _two_caterpillars(count: int) -> Depends:
    one = _caterpillar(count)
    depends = {f"{side}{name}": {f"{side}{above}" for above in rest} for side in "XY" for name, rest in one.items()}
    return depends | {"End": set(depends)}


def _zigzag(count: int) -> Depends:
    """Return each of the lower layers after two neighbours of the upper: one large part that no nesting says."""
    uppers: Depends = {f"U{i}": set() for i in range(count)}
    return uppers | {f"D{i}": {f"U{i}", f"U{(i + 1) % count}"} for i in range(count)}


def _wavefront(count: int) -> Depends:
    """Return a square of layers, each after those to its left and above."""
    return {
        f"W{i}_{j}": {name for name, there in ((f"W{i - 1}_{j}", i), (f"W{i}_{j - 1}", j)) if there}
        for i in range(count)
        for j in range(count)
    }


@pytest.mark.parametrize(
    "depends",
    [
        _chain(size(1200, full=2000)),
        _fan(size(600, full=2000)),
        _diamonds(size(400, full=500)),
        _caterpillar(30),
        _caterpillar(size(250, full=500)),
        _two_caterpillars(size(100, full=200)),
        _zigzag(size(200, full=500)),
        _wavefront(size(14, full=25)),
    ],
    ids=["chain", "fan", "diamonds", "short caterpillar", "caterpillar", "caterpillars", "zigzag", "wavefront"],
)
def test_large_flows_are_planned_and_emitted(depends: Depends) -> None:
    """Hundreds of layers, wide, long or nested, make a plan, a state machine and its text; a chain is a thousand."""
    graph = graph_of(depends)
    plan = make_plan(graph)
    _check(depends, plan)
    assert _keeps(depends, plan)
    assert structure(unstructure(plan)) == plan
    assert print_plan(plan).count("Run") == len(depends)
    assert json.loads(render_template(emit_states(graph, plan)))["States"]


def test_nesting_is_exact_as_deep_as_it_goes() -> None:
    """A chain with layers beside it is said exactly up to the deepest nesting, and cut into slices beyond that."""
    exact, cut = _caterpillar(DEPTH // 2), _caterpillar(DEPTH)
    assert order_of(make_plan(graph_of(exact))) == closure(exact)
    assert order_of(make_plan(graph_of(cut))) > closure(cut)


def test_a_cut_is_put_only_into_the_part_that_is_too_deep() -> None:
    """Of two parts beside each other that nest too deep, neither waits for the other."""
    order = order_of(make_plan(graph_of(_two_caterpillars(60))))
    assert not any(one[0] != other[0] and other != "End" for one, other in order)


def _random(count: int, above: int) -> Depends:
    """Return each layer after up to so many of all before it."""
    chance = random.Random(1)  # noqa: S311 - the same flow each time
    return {
        f"R{i}": {f"R{chance.randrange(i)}" for _ in range(chance.randint(0, above))} if i else set()
        for i in range(count)
    }


@pytest.mark.parametrize("joins", ["barriers", "exact", "auto"])
@pytest.mark.parametrize(
    "depends",
    [
        _caterpillar(size(150, full=300)),
        _two_caterpillars(size(50, full=100)),
        _zigzag(size(150, full=300)),
        _wavefront(size(11, full=20)),
        _random(size(250, full=600), 2),
        _random(size(150, full=400), 6),
    ],
    ids=["caterpillar", "caterpillars", "zigzag", "wavefront", "sparse", "dense"],
)
def test_large_flows_are_planned_by_their_durations(
    depends: Depends, joins: Literal["barriers", "exact", "auto"]
) -> None:
    """Hundreds of layers, of which a few take most of the time, are planned in each way, and nest no deeper."""
    chance = random.Random(1)  # noqa: S311 - the same durations each time
    seconds = {name: chance.lognormvariate(0, 2) for name in depends}
    graph = graph_of(depends)
    plan = make_plan(graph, durations=seconds, joins=joins)
    _check(depends, plan)
    least = critical_path(graph, seconds)
    most = {"barriers": math.fsum(seconds.values()), "exact": least, "auto": least * 1.02}[joins]
    assert least - 1e-6 <= makespan(plan, seconds) <= most + 1e-6
    if joins == "barriers":
        assert _keeps(depends, plan)


def test_what_waits_for_more_than_can_be_listed_waits_for_a_barrier() -> None:
    """Exact joins list the marks of what a layer waits for, at most 1,000 at once."""
    count = JOIN_INPUTS + 2
    depends: Depends = {f"A{i}": set() for i in range(count)}
    depends |= {f"B{i}": {f"A{i}"} for i in range(count)} | {"End": {f"A{i}" for i in range(count)}}
    plan = make_plan(graph_of(depends), joins="exact")
    _check(depends, plan)
    assert max((len(node.after) for step, _ in _steps(plan) for node in _nodes(step)), default=0) <= JOIN_INPUTS
    assert _keeps(depends, plan)

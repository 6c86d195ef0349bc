"""Orders taken apart: against what is found by trying all."""

from __future__ import annotations

import itertools

from hypothesis import assume, given
from hypothesis import strategies as st

from laminar_codegen.planning.barrier_candidates import barrier_candidates
from laminar_codegen.planning.decompose import Decomposition, ParallelParts, PrimePart, SeriesParts
from laminar_codegen.planning.duration_samples import SAMPLES, sample_durations
from laminar_codegen.planning.modular_decomposition import modules
from laminar_codegen.planning.partial_order import (
    Members,
    Predecessors,
    closure,
    earliest_finish,
    restrict,
    topological_numbering,
)
from laminar_codegen.planning.path_cover import path_cover, transitive_reduction


@st.composite
def orders(draw: st.DrawFn, least: int = 1, most: int = 9) -> Predecessors:
    """Draw an order over a few layers."""
    count = draw(st.integers(least, most))
    return [sorted(draw(st.sets(st.integers(0, member - 1), max_size=3))) if member else [] for member in range(count)]


@st.composite
def prime_orders(draw: st.DrawFn) -> Predecessors:
    """Draw an N with a few layers in the place of each of its own, and a few more layers after those."""
    sizes = [draw(st.integers(1, 2)) for _ in range(4)]
    ends = list(itertools.accumulate(sizes))
    parts = [list(range(end - size, end)) for end, size in zip(ends, sizes, strict=True)]
    above = {2: parts[0], 3: parts[0] + parts[1]}
    predecessors: list[list[int]] = []
    for index, part in enumerate(parts):
        inside = draw(st.booleans())
        predecessors += [[*above.get(index, []), *(part[:place] if inside else [])] for place in range(len(part))]
    for _ in range(draw(st.integers(0, 3))):
        predecessors.append(sorted(draw(st.sets(st.integers(0, len(predecessors) - 1), max_size=3))))
    assume(isinstance(Decomposition(predecessors).split(tuple(range(len(predecessors)))), PrimePart))
    return predecessors


def _relations(predecessors: Predecessors) -> list[list[int]]:
    """For each pair of layers whether the first comes before the other (1), after it (-1) or neither (0)."""
    before = closure(predecessors)
    layers = range(len(predecessors))
    return [[(before[other] >> one & 1) - (before[one] >> other & 1) for other in layers] for one in layers]


def _is_module(relations: list[list[int]], members: Members) -> bool:
    others = set(range(len(relations))) - set(members)
    return all(len({relations[other][member] for member in members}) == 1 for other in others)


@given(orders(least=2))
def test_orders_fall_apart(predecessors: Predecessors) -> None:
    """Parts beside each other have nothing to do with each other, parts in turn all, and a prime order neither."""
    members = tuple(range(len(predecessors)))
    relations = _relations(predecessors)
    split = Decomposition(predecessors).split(members)
    match split:
        case ParallelParts(parts) | SeriesParts(parts):
            assert sorted(itertools.chain.from_iterable(parts)) == list(members)
            wanted = isinstance(split, SeriesParts)
            for one, other in itertools.combinations(parts, 2):
                assert all(relations[above][below] == wanted for above, below in itertools.product(one, other))
        case PrimePart():
            for size in range(1, len(members)):
                for part in itertools.combinations(members, size):
                    rest = [member for member in members if member not in part]
                    found = {relations[one][other] for one, other in itertools.product(part, rest)}
                    assert found not in ({0}, {1})


@given(prime_orders())
def test_modules_are_as_large_as_can_be(predecessors: Predecessors) -> None:
    """The modules of a prime order are those that no other module has in it, but for the whole."""
    members, relations = range(len(predecessors)), _relations(predecessors)
    found = [
        set(part)
        for size in range(1, len(members))
        for part in itertools.combinations(members, size)
        if _is_module(relations, part)
    ]
    largest = [part for part in found if not any(part < other for other in found)]
    assert modules(predecessors) == sorted(sorted(part) for part in largest)


@given(orders(most=7))
def test_chains_leave_the_fewest_dependencies_between_them(predecessors: Predecessors) -> None:
    """Each layer is in one chain, and no choice of chains has more of the dependencies within them."""
    order = transitive_reduction(predecessors)
    assert closure(order) == closure(predecessors)
    chains = path_cover(order)
    assert sorted(itertools.chain.from_iterable(chains)) == list(range(len(predecessors)))
    assert all(one in order[other] for chain in chains for one, other in itertools.pairwise(chain))
    edges = [(predecessor, member) for member, above in enumerate(order) for predecessor in above]
    most = max(
        size
        for size in range(len(predecessors))
        for chosen in itertools.combinations(edges, size)
        if len({one for one, _ in chosen}) == len({other for _, other in chosen}) == size
    )
    assert len(predecessors) - len(chains) == most


@given(orders(least=2, most=12), st.data())
def test_cuts_are_barriers_that_can_be(predecessors: Predecessors, data: st.DataObject) -> None:
    """What is before a barrier depends on nothing after it, and its bound is what its sides take at least."""
    members = tuple(range(len(predecessors)))
    assume(not isinstance(Decomposition(predecessors).split(members), ParallelParts))
    relations = _relations(predecessors)
    seconds = data.draw(st.lists(st.integers(0, 9).map(float), min_size=len(predecessors), max_size=len(predecessors)))
    found = barrier_candidates(predecessors, members, seconds, most=5, balance=data.draw(st.sampled_from([2, 4, 16])))
    assert 1 <= len(found) <= 5
    assert [cut.lower_bound for cut in found] == sorted(cut.lower_bound for cut in found)
    for cut in found:
        assert cut.before
        assert cut.after
        assert sorted(cut.before + cut.after) == list(members)
        assert not any(relations[after][before] == 1 for after, before in itertools.product(cut.after, cut.before))
        sides = [
            max(earliest_finish(restrict(predecessors, side), [seconds[at] for at in side]))
            for side in (cut.before, cut.after)
        ]
        assert cut.lower_bound == sum(sides)


def test_layers_are_numbered_after_what_they_depend_on() -> None:
    """And else in the order in which they are given, however what they depend on is."""
    names, predecessors = topological_numbering({"D": {"B", "A"}, "B": set(), "A": set(), "C": {"D", "A"}})
    assert names == ("B", "A", "D", "C")
    assert predecessors == [[], [], [0, 1], [1, 2]]


def test_courses_are_fair() -> None:
    """Each layer takes each of the durations once, one on average; few pairs of layers are long together."""
    found = sample_durations(100)
    assert all(sorted(course) == sorted(found[0]) for course in found)
    assert all(abs(sum(course) - SAMPLES) < 1e-9 for course in found)
    longest = [course.index(max(course)) for course in found]
    assert max(longest.count(place) for place in range(SAMPLES)) <= 2 * len(found) / SAMPLES

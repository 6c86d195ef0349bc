"""Random flows, as graphs: made without Python files, so that thousands of them can be tried."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

import attrs
from hypothesis import strategies as st

from laminar_codegen.ir.graph import Container, Dimension, Graph, LayerNode, Retry
from laminar_codegen.ir.plan import ExactJoins, FanOut, Parallel, PipelinedFanOut, Run, Sequence, Step, SubMachine
from laminar_codegen.problems import Location
from laminar_codegen.targets.batch.target import BatchTarget

_LAYER = LayerNode(
    name="",
    location=Location("flow.py", 1),
    summary="",
    depends=(),
    hints=(),
    hooks=(),
    container=Container(("python", "main.py"), 1, 2048, None, None),
    foreach=(),
    retry=Retry(1, 0.1, 2, 0),
    executor=BatchTarget(),
)
_OVER = (Dimension("Parameters", "items", 0),)


def graph_of(
    depends: Mapping[str, Iterable[str]], *, fans_out: Iterable[str] = (), attempts: Mapping[str, int] | None = None
) -> Graph:
    """Return the graph of layers with their dependencies; some fan out, some are retried."""
    wide, tries = set(fans_out), attempts or {}
    layers = (
        attrs.evolve(
            _LAYER,
            name=name,
            depends=tuple(sorted({*above, *(("Parameters",) if name in wide else ())})),
            foreach=_OVER if name in wide else (),
            retry=Retry(tries.get(name, 1), 0.1, 2, 0),
        )
        for name, above in depends.items()
    )
    return Graph("Random", Location("flow.py", 1), "", tuple(layers), in_memory=False, timeout=3600)


@st.composite
def dags(draw: st.DrawFn, most: int = 40) -> dict[str, set[str]]:
    """Draw the dependencies of layers, sparse or dense, with the layers registered in any order."""
    count = draw(st.integers(1, most))
    names = draw(st.permutations([f"L{number}" for number in range(count)]))
    sparse = draw(st.integers(0, 3))
    depends: dict[str, set[str]] = {}
    for place, name in enumerate(names):
        bits = (1 << place) - 1
        for _ in range(sparse + 1):
            bits &= draw(st.integers(0, (1 << place) - 1))
        depends[name] = {above for number, above in enumerate(names[:place]) if bits >> number & 1}
    return {name: depends[name] for name in draw(st.permutations(names))}


def closure(depends: Mapping[str, Iterable[str]]) -> set[tuple[str, str]]:
    """Return the transitive closure of dependencies."""
    above: dict[str, set[str]] = {}

    def visit(name: str) -> set[str]:
        if name not in above:
            above[name] = set(depends[name]).union(*(visit(parent) for parent in depends[name]))
        return above[name]

    return {(parent, name) for name in depends for parent in visit(name)}


def in_order(depends: Mapping[str, Iterable[str]], done: Iterable[str]) -> bool:
    """Return whether each layer ran after its dependencies."""
    place = {name: number for number, name in enumerate(done)}
    return all(place[parent] < place[name] for name, above in depends.items() for parent in above)


_TREES = st.recursive(
    st.none(),
    lambda inner: st.tuples(st.booleans(), st.lists(inner, min_size=2, max_size=4)),
    max_leaves=30,
)


@st.composite
def series_parallel(draw: st.DrawFn) -> tuple[dict[str, set[str]], set[tuple[str, str]]]:
    """Draw a flow of nested series and branches, with the order of its layers."""
    numbers = itertools.count()
    depends: dict[str, set[str]] = {}

    def build(tree: tuple[bool, list[object]] | None, after: set[str]) -> tuple[set[str], set[str]]:
        """Add the layers of a tree, after others: all of them, and those at its end."""
        if tree is None:
            name = f"L{next(numbers)}"
            depends[name] = set(after)
            return {name}, {name}
        series, children = tree
        names: set[str] = set()
        ends: set[str] = set()
        for child in children:
            found, last = build(child, ends or after if series else after)  # type: ignore[arg-type]
            names |= found
            ends = last if series else ends | last
        return names, ends

    build(draw(_TREES), set())
    order = draw(st.permutations(list(depends)))
    return {name: depends[name] for name in order}, closure(depends)


def order_of(plan: Step) -> set[tuple[str, str]]:
    """Return the pairs of layers of which a plan ends one before the other starts; in a chain, split by split."""
    return _order_of(plan)[1]


def _order_of(plan: Step) -> tuple[list[str], set[tuple[str, str]]]:
    match plan:
        case Run(layer) | FanOut(layer):
            return [layer], set()
        case PipelinedFanOut(layers):
            return list(layers), set(itertools.combinations(layers, 2))
        case SubMachine(_, step):
            return _order_of(step)
        case Sequence(children) | Parallel(children):
            parts = [_order_of(child) for child in children]
            order = set().union(*(part[1] for part in parts))
            if isinstance(plan, Sequence):
                for one, other in itertools.combinations(parts, 2):
                    order |= set(itertools.product(one[0], other[0]))
            return [name for part in parts for name in part[0]], order
        case ExactJoins():
            inside = {node.name: _order_of(node.step) for chain in plan.paths for node in chain}
            order = set().union(*(part[1] for part in inside.values()))
            for one, other in closure(waits_of(plan)):
                order |= set(itertools.product(inside[one][0], inside[other][0]))
            return [name for part in inside.values() for name in part[0]], order


def waits_of(joins: ExactJoins) -> dict[str, set[str]]:
    """Return the direct predecessors of each node of exact joins, in its own path and in others."""
    return {
        node.name: {*node.after, *(before.name for before in chain[max(0, place - 1) : place])}
        for chain in joins.paths
        for place, node in enumerate(chain)
    }

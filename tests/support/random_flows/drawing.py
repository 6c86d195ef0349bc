"""Draws random flows."""

from __future__ import annotations

import builtins

import attrs
from hypothesis import strategies as st

from tests.support.random_flows.spec import (
    CALL_TROUBLES,
    KINDS,
    PARAMETERS,
    Failure,
    FlowSpec,
    Hook,
    Kind,
    LayerSpec,
    Over,
    Read,
    Trouble,
)

__all__ = ["flows"]

_MOST_SPLITS = 8
_ERRORS = ("OSError", "ValueError", "FileNotFoundError")
_CAUGHT = ("OSError", "ValueError", "Exception")
_WIDTHS = st.one_of(
    st.sampled_from([(2,), (3,), (1,), (2,), (3,), (1,), (2, 0, 1), (0, 1), (1, 2), (0,)]),
    st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple),
)
_CONTAINERS = ((1, 1500), (1, 1500), (0.25, 512), (2, 5000))
_LAYER_NAMES = ("value", "one", "odd", "rest", "after", "items", "finished", "missing")
_PARAMETER_NAMES = ("flag", "list", "missing", "finished")
_ENTRIES = ("always", "value", "finished", "unfinished", "flag", "never", "always")
_DEEDS = {
    "submission": ("index", "attempt", "value", "command", "more", "reads"),
    "execution": ("reads",),
    "retry": ("double", "cpu", "first", "value", "reads"),
}
_SEEING = frozenset({"value", "reads"})
_FLAG = (Read(PARAMETERS, ("flag",)),)


def _sometimes(draw: st.DrawFn, one_in: int) -> bool:
    """Draw a flag that is seldom true, and false in shrunk examples."""
    return draw(st.integers(0, one_in - 1)) == one_in - 1


@st.composite
def flows(draw: st.DrawFn, *, most: int = 8, name: str = "Random") -> FlowSpec:
    """Draw a flow of up to that many layers."""
    count = draw(st.integers(1, most))
    spec = FlowSpec(name=name, layers=(), order=())
    dense = draw(st.integers(1, 3))
    for number in range(count):
        layer = draw(_layers(spec, f"L{number}", dense))
        spec = attrs.evolve(spec, layers=(*spec.layers, layer))
    names = tuple(layer.name for layer in spec.layers)
    resizes = not any(layer.on_lambda for layer in spec.layers)
    spec = attrs.evolve(
        spec,
        order=tuple(draw(st.permutations(names))) if _sometimes(draw, 3) else names,
        bases=2 if _sometimes(draw, 4) else 1,
        hooks=draw(_flow_hooks(resizes=resizes)) if _sometimes(draw, 5) else (),
        parameters={"flag": draw(st.integers(0, 3)), "list": draw(st.lists(st.integers(0, 9), max_size=3))},
    )
    return attrs.evolve(spec, troubles=draw(_troubles(spec)) if _sometimes(draw, 2) else ())


@st.composite
def _layers(draw: st.DrawFn, spec: FlowSpec, name: str, dense: int) -> LayerSpec:
    """Draw a layer that may depend on those of a flow."""
    before = [layer.name for layer in spec.layers]
    role = draw(st.sampled_from(["plain", "fan", "fan", "fan", "follow", "follow"]))
    fans = [layer.name for layer in spec.layers if layer.over]
    if role == "follow" and fans:
        parents, over = draw(_following(spec, fans))
    else:
        parents = [parent for parent in before if draw(st.integers(0, 3)) < dense]
        if before and not parents and not _sometimes(draw, 4):
            parents = [draw(st.sampled_from(before))]
        sharding = [parent for parent in parents if spec.layer(parent).widths]
        # A dimension is most often a sharded attribute.
        sources = sharding if sharding and not _sometimes(draw, 6) else [*parents, PARAMETERS]
        fans_out = role != "plain" and (sharding or _sometimes(draw, 5))
        over = draw(_dimensions(spec, sources)) if fans_out else ()
    # Only layers that read nothing else may run item by item.
    own = role == "follow" and over and not _sometimes(draw, 4)
    # Hooks may change the containers of jobs only.
    on_lambda = _sometimes(draw, 6)
    catch = draw(st.sets(st.sampled_from(_CAUGHT), max_size=2)) if _sometimes(draw, 4) else ()
    layer = LayerSpec(
        name=name,
        flow=draw(st.integers(0, 1)),
        over=over,
        reads=_own(over) if own else draw(_reads(spec, parents, fully=not _sometimes(draw, 2))),
        widths=draw(_WIDTHS) if draw(st.integers(0, 5)) else (),
        attempts=draw(st.integers(1, 3)),
        catch=tuple(sorted(catch)),
        picky=bool({"OSError", "Exception"} & {*catch}) and draw(st.booleans()),
        container=draw(st.sampled_from(_CONTAINERS)) if not on_lambda else _CONTAINERS[0],
        on_lambda=on_lambda,
        inherits=_sometimes(draw, 3),
        hooks=draw(_hooks(parents, resizes=not on_lambda)) if _sometimes(draw, 6 if own else 3) else (),
    )
    # It reads its own element, and each split stores one of these.
    goes_on = [(item.index, item.attribute) for item in over] in ([(None, "value")], [(None, "one")])
    elements = own and goes_on and not any(hook.reads for hook in layer.hooks)
    if elements and not _sometimes(draw, 3):
        layer = attrs.evolve(layer, pipelined=True)
    elif over:
        limit = draw(st.integers(1, 3)) if _sometimes(draw, 3) else None
        tolerated = draw(st.sampled_from([1, 0, 2, 0.5])) if _sometimes(draw, 3) else None
        per_job = draw(st.integers(1, 3)) if _sometimes(draw, 4) else None
        layer = attrs.evolve(layer, limit=limit, per_job=per_job, tolerated=tolerated)
    with_it = attrs.evolve(spec, layers=(*spec.layers, layer))
    return attrs.evolve(layer, failures=draw(_failures(with_it, layer)))


@st.composite
def _following(draw: st.DrawFn, spec: FlowSpec, fans: list[str]) -> tuple[list[str], tuple[Over, ...]]:
    """Draw the dependencies and dimensions of a layer that goes over all splits of a fan-out."""
    splits = spec.splits()
    wide = [name for name in fans if splits[name] > 1]
    source = draw(st.sampled_from(wide or fans))
    attribute = draw(
        st.sampled_from(["items", "items", "value", "one"] if spec.layer(source).widths else ["value", "one"])
    )
    over = Over(source, attribute, None)
    if spec.elements(over) > _MOST_SPLITS:
        over = attrs.evolve(over, attribute="value")
    others = [layer.name for layer in spec.layers if layer.name != source]
    parents = [source, draw(st.sampled_from(others))] if others and _sometimes(draw, 4) else [source]
    return parents, (over,)


def _own(over: tuple[Over, ...]) -> tuple[Read, ...]:
    names: dict[str, set[str]] = {}
    for item in over:
        names.setdefault(item.layer, set()).add(item.attribute)
    return tuple(Read(layer, tuple(sorted(attributes))) for layer, attributes in names.items())


@st.composite
def _dimensions(draw: st.DrawFn, spec: FlowSpec, sources: list[str]) -> tuple[Over, ...]:
    """Draw the dimensions of a fan-out that is not too wide."""
    found: list[Over] = []
    width = 1
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 2, 3]))):
        over = draw(_dimension(spec, draw(st.sampled_from(sources))))
        if width * spec.elements(over) <= _MOST_SPLITS:
            found.append(over)
            width *= spec.elements(over)
    return tuple(found)


@st.composite
def _dimension(draw: st.DrawFn, spec: FlowSpec, source: str) -> Over:
    if source == PARAMETERS:
        return Over(PARAMETERS, draw(st.sampled_from(["flag", "list"])), draw(st.sampled_from([0, None])))
    layer = spec.layer(source)
    attribute = draw(st.sampled_from(["items", "items", "items", "value", "one"] if layer.widths else ["value", "one"]))
    splits = spec.splits()[source]
    chosen = draw(st.integers(0, max(splits - 1, 0)))
    return Over(
        source,
        attribute,
        draw(st.sampled_from([None, None, chosen])) if layer.over else draw(st.sampled_from([0, None])),
    )


@st.composite
def _reads(draw: st.DrawFn, spec: FlowSpec, parents: list[str], *, fully: bool) -> tuple[Read, ...]:
    """Draw reads of some layers, and maybe of the parameters."""
    reads = []
    for parent in parents:
        names = (
            _LAYER_NAMES
            if fully
            else tuple(sorted(draw(st.sets(st.sampled_from(_LAYER_NAMES), min_size=1, max_size=3))))
        )
        reads.append(Read(parent, names))
    if _sometimes(draw, 3):
        reads.append(Read(PARAMETERS, draw(_parameter_names())))
    return tuple(reads)


def _parameter_names() -> st.SearchStrategy[tuple[str, ...]]:
    return st.sets(st.sampled_from(_PARAMETER_NAMES), min_size=1).map(lambda names: tuple(sorted(names)))


@st.composite
def _failures(draw: st.DrawFn, spec: FlowSpec, layer: LayerSpec) -> tuple[Failure, ...]:
    """Draw errors that are caught, or that do not occur in the last attempt."""
    if not _sometimes(draw, 2):
        return ()
    splits = spec.splits()[layer.name]
    found = []
    for _ in range(draw(st.integers(1, 2))):
        index = draw(st.sampled_from([None, *range(splits)]))
        error, attempts = draw(st.sampled_from(_ERRORS)), draw(st.integers(1, 3))
        caught = any(issubclass(getattr(builtins, error), getattr(builtins, name)) for name in layer.catch)
        if caught or attempts < layer.attempts:
            found.append(Failure(index, attempts, error))
    return tuple(found)


@st.composite
def _hooks(draw: st.DrawFn, parents: list[str], *, resizes: bool) -> tuple[Hook, ...]:
    """Draw hooks of a layer, which read layers before it."""
    found = []
    for kind in draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3)):
        seen = draw(st.sets(st.sampled_from(parents), max_size=2)) if parents else set()
        reads = tuple(Read(parent, ("value", "items", "finished")) for parent in sorted(seen))
        found.append(draw(_hook(kind, reads, _ENTRIES, resizes=resizes)))
    return tuple(found)


@st.composite
def _flow_hooks(draw: st.DrawFn, *, resizes: bool) -> tuple[Hook, ...]:
    """Draw hooks of each layer, which read the parameters."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=2))
    return tuple(draw(_hook(kind, _FLAG, ("always", "flag", "spares"), resizes=resizes)) for kind in kinds)


@st.composite
def _hook(draw: st.DrawFn, kind: Kind, reads: tuple[Read, ...], entries: tuple[str, ...], *, resizes: bool) -> Hook:
    if kind == "entry":
        does = draw(st.sampled_from(entries))
        return Hook(kind, does, _FLAG if does == "flag" else reads)
    does = draw(st.sampled_from(_DEEDS[kind])) if resizes else "reads"
    return Hook(kind, does, reads if does in _SEEING else (), generator=_sometimes(draw, 3))


@st.composite
def _troubles(draw: st.DrawFn, spec: FlowSpec) -> tuple[Trouble, ...]:
    """Draw a layer that fails, and maybe one after it that fails when the first one no longer does."""
    first = draw(st.sampled_from(spec.layers))
    found = [draw(_trouble(spec, first))]
    after = [layer for layer in spec.layers if first.name in spec.ancestors(layer.name)]
    if after and _sometimes(draw, 3):
        found.append(draw(_trouble(spec, draw(st.sampled_from(after)))))
    return tuple(found)


@st.composite
def _trouble(draw: st.DrawFn, spec: FlowSpec, layer: LayerSpec) -> Trouble:
    kinds = [kind for kind in ("entry", "submission", "execution") if layer.has_hooks(kind)]
    if layer.has_hooks("retry") and layer.attempts > 1 and layer.failures:
        kinds.append("retry")
    if layer.over and _sometimes(draw, 4):
        kinds.append("plan")
    where = draw(st.sampled_from([*CALL_TROUBLES, "call", *kinds]))
    splits = spec.splits()[layer.name]
    index = draw(st.sampled_from([None, *range(splits)])) if where not in {"entry", "plan"} else None
    return Trouble(layer.name, where, index)

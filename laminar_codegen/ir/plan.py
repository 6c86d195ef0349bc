"""The plan of a flow: a tree of steps in sequence and in parallel. A closed union of frozen values.

::

    Sequence
      Run Load
      Parallel
        Run Clean
        FanOut Train
      Run Report
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, assert_never

import attrs

from laminar_codegen.ir.structs import Struct

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = [
    "ExactJoins",
    "FanOut",
    "JoinNode",
    "Pack",
    "PackedLayer",
    "Packing",
    "Parallel",
    "PipelinedFanOut",
    "Run",
    "Sequence",
    "Step",
    "SubMachine",
    "layers_of",
    "print_plan",
    "steps_in",
    "structure",
    "unstructure",
    "walk",
]


#: Which layers share jobs: none, those of plain chains, or those of the fastest and cheapest plan.
Packing = Literal["off", "chains", "auto"]


@attrs.frozen(eq=False, repr=False)
class Run(Struct):
    """Runs a layer once."""

    layer: str


@attrs.frozen(eq=False, repr=False)
class FanOut(Struct):
    """Runs a layer once for each split. The number of splits is known only at run time."""

    layer: str


@attrs.frozen(eq=False, repr=False)
class Sequence(Struct):
    """Runs steps one after the other.

    Args:
        steps: At least two, none of them a sequence.
    """

    steps: tuple[Step, ...]


@attrs.frozen(eq=False, repr=False)
class Parallel(Struct):
    """Runs branches in parallel, and ends when all have ended.

    Args:
        branches: At least two, none of them parallel itself.
    """

    branches: tuple[Step, ...]


@attrs.frozen(eq=False, repr=False)
class PipelinedFanOut(Struct):
    """Runs fan-outs item by item: a split needs only the split of the layer before it with the same index.

    Args:
        layers: At least two.
    """

    layers: tuple[str, ...]


@attrs.frozen(eq=False, repr=False)
class PackedLayer(Struct):
    """A layer of a `Pack`.

    Args:
        name: Its name.
        after: The layers of the pack that end before it starts.
        cpu: The virtual CPUs that it takes of those of the job.
        memory: The memory that it takes, in MiB.
    """

    name: str
    after: tuple[str, ...]
    cpu: float
    memory: int


@attrs.frozen(eq=False, repr=False)
class Pack(Struct):
    """Runs layers in one job: again and again the first one that waits for no other layer and fits.

    Args:
        layers: At least two, each after those that it waits for.
        cpu: The virtual CPUs of the job.
        memory: Its memory, in MiB.
    """

    layers: tuple[PackedLayer, ...]
    cpu: float
    memory: int

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its layers."""
        return tuple(layer.name for layer in self.layers)


@attrs.frozen(eq=False, repr=False)
class JoinNode(Struct):
    """A step of `ExactJoins`.

    Args:
        name: Its name, unique in the plan.
        step: The step.
        after: The nodes of other paths that end before it starts.
    """

    name: str
    step: Step
    after: tuple[str, ...]


@attrs.frozen(eq=False, repr=False)
class ExactJoins(Struct):
    """Runs paths in parallel, in which nodes wait for single nodes of other paths.

    Args:
        paths: The nodes of each path, in their order.
    """

    paths: tuple[tuple[JoinNode, ...], ...]


@attrs.frozen(eq=False, repr=False)
class SubMachine(Struct):
    """Runs a step as an execution of its own state machine, because a definition and a history have limits.

    Args:
        name: The name of that machine.
        inner: The step. Its field is not named ``step``, which is the tag of `unstructure`.
    """

    name: str
    inner: Step


Step = Run | FanOut | PipelinedFanOut | Pack | Sequence | Parallel | ExactJoins | SubMachine


def print_plan(step: Step) -> str:
    """Return the plan as indented text.

    Args:
        step: The plan.

    Example:
        >>> print(print_plan(Sequence((Run("A"), FanOut("B")))), end="")
        Sequence
          Run A
          FanOut B
    """
    return "".join(f"{line}\n" for line in _lines(step, 0))


def _lines(step: Step, depth: int) -> Iterator[str]:
    indent = "  " * depth
    match step:
        case Run(layer) | FanOut(layer):
            yield f"{indent}{type(step).__name__} {layer}"
        case Sequence(children) | Parallel(children):
            yield f"{indent}{type(step).__name__}"
            for child in children:
                yield from _lines(child, depth + 1)
        case PipelinedFanOut(layers):
            yield f"{indent}PipelinedFanOut {', '.join(layers)}"
        case Pack():
            yield from (f"{indent}{line}" for line in _lines_of_pack(step))
        case ExactJoins(paths):
            yield f"{indent}ExactJoins"
            for path in paths:
                yield f"{indent}  Path"
                for node in path:
                    after = f" after {', '.join(node.after)}" if node.after else ""
                    yield f"{indent}    Node {node.name}{after}"
                    yield from _lines(node.step, depth + 3)
        case SubMachine(name, step):
            yield f"{indent}SubMachine {name}"
            yield from _lines(step, depth + 1)
        case _:
            assert_never(step)


def _lines_of_pack(pack: Pack) -> Iterator[str]:
    yield f"Pack of {pack.cpu:g} vCPU, {pack.memory} MiB"
    for layer in pack.layers:
        after = f" after {', '.join(layer.after)}" if layer.after else ""
        yield f"  Run {layer.name}{after}"


def steps_in(step: Step) -> tuple[Step, ...]:
    """Return the steps that a step consists of; none if it runs layers itself.

    Args:
        step: The step.
    """
    match step:
        case Run() | FanOut() | PipelinedFanOut() | Pack():
            return ()
        case Sequence(children) | Parallel(children):
            return tuple(children)
        case ExactJoins(paths):
            return tuple(node.step for path in paths for node in path)
        case SubMachine(_, inner):
            return (inner,)
        case _:
            assert_never(step)


def walk(step: Step) -> Iterator[Step]:
    """Yield a plan and all steps in it, from its start to its end, each before those that it consists of.

    Args:
        step: The plan.
    """
    yield step
    for inner in steps_in(step):
        yield from walk(inner)


def layers_of(step: Step) -> Iterator[str]:
    """Yield the layers that a plan runs, from its start to its end.

    Args:
        step: The plan.
    """
    for part in walk(step):
        match part:
            case Run(layer) | FanOut(layer):
                yield layer
            case PipelinedFanOut(layers):
                yield from layers
            case Pack():
                yield from part.names


def unstructure(step: Step) -> dict[str, Any]:
    """Return the plan as plain values for JSON.

    Args:
        step: The plan.

    Example:
        >>> unstructure(Run("A"))
        {'layer': 'A', 'step': 'Run'}
    """
    plain: dict[str, Any] = _converter().unstructure(step, unstructure_as=Step)
    return plain


def structure(plain: dict[str, Any]) -> Step:
    """Return the plan for plain values.

    Args:
        plain: The result of `unstructure`.
    """
    return _converter().structure(plain, Step)  # type: ignore[arg-type] # to mypy a union is not a type


def _converter() -> Converter:
    from cattrs.preconf.json import make_converter
    from cattrs.strategies import configure_tagged_union

    converter = make_converter()
    configure_tagged_union(Step, converter, tag_name="step")
    return converter

"""The plan: what runs after what, and beside what, as a tree. A closed union of frozen values.

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
from typing import TYPE_CHECKING, Any, assert_never

import attrs

if TYPE_CHECKING:
    from cattrs import Converter

__all__ = [
    "Chain",
    "ExactJoins",
    "FanOut",
    "JoinNode",
    "Nested",
    "Parallel",
    "Run",
    "Sequence",
    "Step",
    "layers_of",
    "print_plan",
    "structure",
    "unstructure",
]


@attrs.frozen
class Run:
    """Runs a layer once."""

    layer: str


@attrs.frozen
class FanOut:
    """Runs a layer once for each element of what it fans out over, a number known only at run time."""

    layer: str


@attrs.frozen
class Sequence:
    """Runs steps one after the other.

    Args:
        steps: At least two, none of them a sequence.
    """

    steps: tuple[Step, ...]


@attrs.frozen
class Parallel:
    """Runs branches beside each other, and ends when all have ended.

    Args:
        branches: At least two, none of them parallel itself.
    """

    branches: tuple[Step, ...]


@attrs.frozen
class Chain:
    """Runs fan-outs item by item: each has a split for each of the one before, and needs that one only.

    Args:
        layers: At least two.
    """

    layers: tuple[str, ...]


@attrs.frozen
class JoinNode:
    """A step of `ExactJoins`.

    Args:
        name: Its name, unique in the plan.
        step: The step.
        after: The nodes of other chains that end before it starts.
    """

    name: str
    step: Step
    after: tuple[str, ...]


@attrs.frozen
class ExactJoins:
    """Runs chains beside each other; a node also waits for nodes of other chains, and for nothing else.

    Args:
        chains: The nodes of each, one after the other.
    """

    chains: tuple[tuple[JoinNode, ...], ...]


@attrs.frozen
class Nested:
    """Runs a step as an execution of its own state machine: a definition and a history have limits.

    Args:
        name: The name of that machine.
        step: The step.
    """

    name: str
    step: Step


Step = Run | FanOut | Chain | Sequence | Parallel | ExactJoins | Nested


def print_plan(step: Step) -> str:
    """The plan as indented text.

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
        case Chain(layers):
            yield f"{indent}Chain {', '.join(layers)}"
        case ExactJoins(chains):
            yield f"{indent}ExactJoins"
            for chain in chains:
                yield f"{indent}  Chain"
                for node in chain:
                    after = f" after {', '.join(node.after)}" if node.after else ""
                    yield f"{indent}    Node {node.name}{after}"
                    yield from _lines(node.step, depth + 3)
        case Nested(name, step):
            yield f"{indent}Nested {name}"
            yield from _lines(step, depth + 1)
        case _:
            assert_never(step)


def layers_of(step: Step) -> Iterator[str]:
    """The layers that a plan runs, from its start to its end.

    Args:
        step: The plan.
    """
    match step:
        case Run(layer) | FanOut(layer):
            yield layer
        case Chain(layers):
            yield from layers
        case Sequence(children) | Parallel(children):
            for child in children:
                yield from layers_of(child)
        case ExactJoins(chains):
            for chain in chains:
                for node in chain:
                    yield from layers_of(node.step)
        case Nested(_, inner):
            yield from layers_of(inner)
        case _:
            assert_never(step)


def unstructure(step: Step) -> dict[str, Any]:
    """The plan as plain values, which JSON can say.

    Args:
        step: The plan.

    Example:
        >>> unstructure(Run("A"))
        {'layer': 'A', 'step': 'Run'}
    """
    plain: dict[str, Any] = _converter().unstructure(step, unstructure_as=Step)
    return plain


def structure(plain: dict[str, Any]) -> Step:
    """The plan that plain values say.

    Args:
        plain: What `unstructure` gave.
    """
    return _converter().structure(plain, Step)  # type: ignore[arg-type] # a union is no type to mypy


def _converter() -> Converter:
    from cattrs.preconf.json import make_converter
    from cattrs.strategies import configure_tagged_union

    converter = make_converter()
    configure_tagged_union(Step, converter, tag_name="step")
    return converter

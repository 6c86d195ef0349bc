"""Looks at plans, and changes them into others that mean the same."""

from __future__ import annotations

import itertools
import random

import attrs

from laminar_codegen.ir.plan import (
    ExactJoins,
    FanOut,
    Pack,
    Parallel,
    PipelinedFanOut,
    Run,
    Sequence,
    Step,
    SubMachine,
    walk,
)

__all__ = ["chains_of", "nest_steps", "packs_of"]


def chains_of(plan: Step) -> list[tuple[str, ...]]:
    """Return the layers of each chain of a plan."""
    return [step.layers for step in walk(plan) if isinstance(step, PipelinedFanOut)]


def packs_of(plan: Step) -> list[tuple[str, ...]]:
    """Return the layers of each pack of a plan."""
    return [step.names for step in walk(plan) if isinstance(step, Pack)]


def nest_steps(plan: Step, choice: random.Random) -> Step:
    """Have some steps run as executions of machines of their own, as those of flows that are large do."""
    numbers = itertools.count(1)

    def visit(step: Step) -> Step:
        match step:
            case Sequence(children):
                step = Sequence(tuple(visit(child) for child in children))
            case Parallel(children):
                step = Parallel(tuple(visit(child) for child in children))
            case ExactJoins(chains):
                step = ExactJoins(
                    tuple(tuple(attrs.evolve(node, step=visit(node.step)) for node in chain) for chain in chains)
                )
            case Run() | FanOut() | PipelinedFanOut() | Pack():
                pass
            case _:
                raise AssertionError(step)
        return SubMachine(f"part_{next(numbers)}", step) if choice.random() < 0.2 else step

    return visit(plan)

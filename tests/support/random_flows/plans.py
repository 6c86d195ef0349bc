"""Looks at plans, and changes them into others that mean the same."""

from __future__ import annotations

import itertools
import random

import attrs

from laminar_codegen.ir.plan import ExactJoins, FanOut, Parallel, PipelinedFanOut, Run, Sequence, Step, SubMachine

__all__ = ["chains_of", "nest_steps"]


def chains_of(plan: Step) -> list[tuple[str, ...]]:
    """Return the layers of each chain of a plan."""
    match plan:
        case PipelinedFanOut(layers):
            return [layers]
        case Sequence(children) | Parallel(children):
            return [chain for child in children for chain in chains_of(child)]
        case ExactJoins(chains):
            return [found for chain in chains for node in chain for found in chains_of(node.step)]
        case SubMachine(_, step):
            return chains_of(step)
        case _:
            return []


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
            case Run() | FanOut() | PipelinedFanOut():
                pass
            case _:
                raise AssertionError(step)
        return SubMachine(f"part_{next(numbers)}", step) if choice.random() < 0.2 else step

    return visit(plan)

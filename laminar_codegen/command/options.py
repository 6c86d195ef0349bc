"""The arguments that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from laminar_codegen.pipeline import Scheduling
from laminar_codegen.planning.make_plan import Joins

__all__ = ["add_flow", "add_scheduling", "scheduling_of"]


def add_flow(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names a flow.

    Args:
        parser: The parser of a command that reads a flow.
    """
    parser.add_argument("flow", help="the flow's file or module; of several flows one, as in FILE:FLOW")


def add_scheduling(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how flows are planned.

    Args:
        parser: The parser of a command that compiles.
    """
    parser.add_argument(
        "--profile",
        type=Path,
        metavar="FILE",
        help="how long layers take, as 'laminar-codegen measure' prints it: barriers are placed by it (default: what "
        "the flow's AWS.StepFunctions(profile=...) says)",
    )
    parser.add_argument(
        "--joins",
        choices=get_args(Joins),
        help=(
            "what to do where dependencies are not nested: put barriers in, wait for exactly what a layer depends on "
            "(more states), or that where a profile shows that barriers cost 2 %% and more (default: what the flow's "
            "AWS.StepFunctions(joins=...) says, or else barriers)"
        ),
    )


def scheduling_of(options: argparse.Namespace) -> Scheduling:
    """Return what the options say.

    Args:
        options: The parsed options.
    """
    return Scheduling(joins=options.joins, profile=options.profile)

"""The arguments that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from laminar_codegen.ir.plan import Packing
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
    """Add the options for planning flows.

    Args:
        parser: The parser of a command that compiles.
    """
    parser.add_argument(
        "--profile",
        type=Path,
        metavar="FILE",
        help="a profile, as 'laminar-codegen measure' prints it, for placing barriers and the layers of "
        "AWS.Auto, and for --pack auto (default: the profile of the flow's AWS.StepFunctions(profile=...))",
    )
    parser.add_argument(
        "--joins",
        choices=get_args(Joins),
        help=(
            "how to plan dependencies that are not nested: 'barriers'; 'exact', which waits for the dependencies of "
            "each layer only, with more states; 'auto', which is exact where barriers cost 2 %% or more by the profile "
            "(default: that of the flow's AWS.StepFunctions(joins=...), or else barriers)"
        ),
    )
    parser.add_argument(
        "--pack",
        choices=get_args(Packing),
        help=(
            "which layers share jobs, so that fewer start up: 'off'; 'chains', layers of equal containers one after "
            "the other; 'auto', those of the fastest and then cheapest plan by the profile (default: that of the "
            "flow's AWS.StepFunctions(pack=...), or else off)"
        ),
    )


def scheduling_of(options: argparse.Namespace) -> Scheduling:
    """Return the chosen options for planning.

    Args:
        options: The parsed options.
    """
    return Scheduling(joins=options.joins, profile=options.profile, pack=options.pack)

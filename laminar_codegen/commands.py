"""The commands ``laminar-codegen check`` and ``laminar-codegen profile``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence

from laminar_codegen import loader, pipeline
from laminar_codegen.estimate import PRICE, estimate
from laminar_codegen.limits import DEFINITION_BYTES, HISTORY_EVENTS
from laminar_codegen.measure import measure
from laminar_codegen.options import add_schedule, schedule_of
from laminar_codegen.pipeline import Compilation
from laminar_codegen.render import size_of
from laminar_codegen.schedule import critical_path, makespan
from laminar_codegen.states import all_states
from laminar_runtime.deployment import Deployment

__all__ = ["check", "profile"]

_EXITS = "exit codes: 0 fine, 1 the flow is at fault, 2 wrong usage, 3 a bug of ours"


def check(words: Sequence[str]) -> int:
    """Compile a flow, and print what an execution of it takes.

    Args:
        words: The arguments of the command.

    Returns:
        0: a flow with problems is told by an error.

    Raises:
        CompileError: If the flow cannot be compiled; it tells every reason.
    """
    parser = argparse.ArgumentParser(
        prog="laminar-codegen check",
        description="Checks a flow: prints all problems, or what an execution of it takes.",
        epilog=_EXITS,
    )
    parser.add_argument("flow", help="the flow's file, or FILE:FLOW if it has several")
    add_schedule(parser)
    options = parser.parse_args(words)
    schedule = schedule_of(options)
    compilation = pipeline.compile_flow(options.flow, schedule)
    print("\n".join(_report(compilation)))
    return 0

"""The command ``laminar-codegen graph``: draws the layers of a flow and its plan."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from laminar_codegen.command.exits import Exit, explain
from laminar_codegen.command.options import add_flow, add_scheduling, scheduling_of
from laminar_codegen.ir.picture import Picture
from laminar_codegen.pipeline import Compilation, compile_flow
from laminar_codegen.planning.picture import make_picture
from laminar_codegen.problems import NotWrittenError
from laminar_codegen.render.dot import render_dot
from laminar_codegen.render.mermaid import render_mermaid
from laminar_codegen.render.picture_svg import render_svg

__all__ = ["DESCRIPTION", "EXITS", "add_arguments", "run"]

DESCRIPTION = """\
Draws a flow: its layers, what each depends on, fans out over and runs on, its hooks, and the barriers of its plan.

  laminar-codegen graph flow.py
  laminar-codegen graph flow.py --format svg --output flow.svg
  laminar-codegen graph flow.py:Report --format dot --profile durations.json
"""

#: The exit codes, for the help.
EXITS = explain()

_FORMATS: Mapping[str, Callable[[Sequence[Picture]], str]] = {
    "mermaid": render_mermaid,
    "dot": render_dot,
    "svg": render_svg,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Args:
        parser: Its parser.
    """
    add_flow(parser)
    parser.add_argument(
        "--format",
        choices=[*_FORMATS],
        default="mermaid",
        help="Mermaid, for Markdown; DOT, for Graphviz; or SVG, which needs no other program (default: mermaid)",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write the picture there (default: standard output)"
    )
    add_scheduling(parser)


def run(options: argparse.Namespace) -> int:
    """Print the picture of a flow, or write it to a file.

    Args:
        options: The parsed arguments.

    Returns:
        0.

    Raises:
        CompileError: If the flow cannot be compiled, with all problems.
        NotWrittenError: If the file cannot be written.
    """
    compilation = compile_flow(options.flow, scheduling_of(options))
    text = _FORMATS[options.format]([*_pictures(compilation)])
    if options.output is not None:
        try:
            options.output.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise NotWrittenError(f"cannot write {options.output}: {error.strerror}") from error
        return Exit.OK
    # Bytes, so that the picture is the same whatever the locale.
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()
    return Exit.OK


def _pictures(compilation: Compilation) -> Iterator[Picture]:
    before = ""
    for unit in compilation.units:
        picture = make_picture(unit.graph, unit.plan)
        yield attrs.evolve(picture, lines=(f"after {before}", *picture.lines)) if before else picture
        before = picture.title

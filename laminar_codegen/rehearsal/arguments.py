"""The words of the command ``rehearse``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from laminar_codegen.command.exits import explain
from laminar_codegen.command.options import add_flow, add_scheduling
from laminar_codegen.ir.graph import Graph
from laminar_codegen.targets.volumes import volumes_of
from laminar_runtime.command.local_values import parse_variable, parse_volume
from laminar_runtime.command.parameters import add_parameters
from laminar_runtime.configurations import volume_folders
from laminar_runtime.exceptions import FlowError

__all__ = ["make_parser", "read_volumes"]

_DESCRIPTION = """\
Compiles a flow, deploys the document to an embedded AWS and runs an execution there: no account and no container is
needed. Every job is a process of this machine that reads and writes an embedded S3.

  laminar-codegen rehearse flow.py
  laminar-codegen rehearse --param 'day="2026-01-31"' --save results flow.py
  laminar-codegen rehearse --document infrastructure/report flow.py:Report
"""


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command's words."""
    parser = argparse.ArgumentParser(
        prog="laminar-codegen rehearse",
        description=_DESCRIPTION,
        epilog=explain("its execution failed, or its document cannot be deployed"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_flow(parser)
    _add_start(parser)
    add_scheduling(parser)
    _add_document(parser)
    _add_run(parser)
    return parser


def _add_start(parser: argparse.ArgumentParser) -> None:
    """Add what an execution is started with, and how many jobs it may have at once."""
    start = parser.add_mutually_exclusive_group()
    add_parameters(start)
    start.add_argument(
        "--event",
        type=Path,
        metavar="FILE",
        help="send the event in this file to the rules of the document, and run what they start (default: start the "
        "flow as an application does)",
    )
    parser.add_argument(
        "--concurrency", type=_count, metavar="N", help="how many jobs run at once (default: the processors)"
    )


def _add_document(parser: argparse.ArgumentParser) -> None:
    """Add what is deployed."""
    parser.add_argument(
        "--document",
        type=Path,
        metavar="PATH",
        help="rehearse the documents of this folder, or this main.tf.json, as they stand there; HCL and calls of "
        "modules by Terraform (default: what the flow is compiled to)",
    )
    parser.add_argument(
        "--var",
        action="append",
        default=[],
        type=parse_variable,
        metavar="NAME=VALUE",
        help="a variable of the document, as with Terraform; may be given again (default: what the document says, else "
        "a value made for the rehearsal)",
    )
    parser.add_argument(
        "--var-file",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a file of variables, *.tfvars or *.tfvars.json; may be given again",
    )
    parser.add_argument(
        "--deployment",
        metavar="NAME",
        help="the deployment to start, if the document has several (default: the only one)",
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    """Add how an execution runs, what is shown of it, and what is left of it."""
    parser.add_argument(
        "--real-time",
        action="store_true",
        help="let waits of the state machine and the pauses of retries take their time (default: the clock skips them "
        "while nothing runs)",
    )
    parser.add_argument(
        "--volume",
        action="append",
        default=[],
        type=_volume,
        metavar="NAME=DIR",
        help="the folder of a volume of the flow's containers; may be given again (default: that of the environment "
        "variable LAMINAR_VOLUME_NAME, else one that is made for the rehearsal)",
    )
    parser.add_argument("--quiet", action="store_true", help="do not show what tasks print")
    parser.add_argument("--save", type=Path, metavar="DIR", help="save all artifacts as files in DIR/<Layer>/")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write the page of the execution, one HTML file, also if it failed"
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave the embedded AWS running at the end, until it is interrupted"
    )
    parser.add_argument(
        "--unused",
        action="store_true",
        help="list the actions that roles are granted and that the execution did not use",
    )


def _volume(text: str) -> tuple[str, Path]:
    name, folder = parse_volume(text)
    if not Path(folder).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} names no folder: {folder} does not exist")
    return name, Path(folder)


def read_volumes(
    graphs: Iterable[Graph], given: Sequence[tuple[str, Path]], environment: Mapping[str, str]
) -> dict[str, Path]:
    """Return the folders of the volumes of flows: those of ``--volume``, and of the environment.

    Args:
        graphs: The graphs of the flows.
        given: The names and the folders.
        environment: The environment.

    Raises:
        FlowError: If the flows have no volume of a name.
    """
    layers = [layer for graph in graphs for layer in graph.layers]
    known = {volume["name"] for layer in layers for volume in volumes_of(layer.container)}
    if unknown := dict(given).keys() - known:
        there = f"its volumes are {', '.join(sorted(known))}" if known else "it has none"
        raise FlowError(f"the flow has no volume named {', '.join(sorted(unknown))}: {there}")
    found = {name: environment.get(volume_folders.variable_of(name)) for name in known}
    return {**{name: Path(folder).absolute() for name, folder in found.items() if folder}, **dict(given)}


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)

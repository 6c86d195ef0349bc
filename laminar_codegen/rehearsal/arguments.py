"""The words of the command ``rehearse``."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from laminar_codegen.command.exits import explain
from laminar_codegen.command.options import add_flow, add_scheduling
from laminar_codegen.ir.graph import Graph
from laminar_codegen.targets.batch.volumes import volumes_of
from laminar_runtime import Flow
from laminar_runtime.configurations import volume_folders
from laminar_runtime.exceptions import FlowError
from laminar_runtime.inputs.declarations import fields_of
from laminar_runtime.inputs.shapes import Anything, Shape, accepts_null, describe, is_text
from laminar_runtime.layer import RESERVED, Parameters
from laminar_runtime.stored_parameters import convert

__all__ = ["make_parser", "read_parameters", "read_volumes"]

_DESCRIPTION = """\
Compiles a flow, deploys the document to an embedded AWS and runs an execution there: no account and no container is
needed. Every job is a process of this machine that reads and writes an embedded S3.

  laminar-codegen rehearse flow.py
  laminar-codegen rehearse --param 'day="2026-01-31"' --save results flow.py
  laminar-codegen rehearse --document infrastructure/report flow.py:Report
"""

#: What a call of a flow means by itself, or a layer: none is a name of a parameter.
_NO_PARAMETERS = RESERVED | {"execution", "self"}


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
    start.add_argument(
        "--param",
        action="append",
        default=[],
        type=_parameter,
        metavar="NAME=VALUE",
        help="a parameter of the flow, its value as JSON, or as plain text if the flow declares it as text, a date, a "
        "path or an enum; may be given again",
    )
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
        type=_assignment,
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
        "--keep", action="store_true", help="leave the embedded AWS running at the end, until it is interrupted"
    )
    parser.add_argument(
        "--unused",
        action="store_true",
        help="list the actions that roles are granted and that the execution did not use",
    )


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name.isidentifier()):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    if name in _NO_PARAMETERS:
        raise argparse.ArgumentTypeError(f"{name!r} is reserved: no flow can have a parameter of that name")
    return name, value


def _volume(text: str) -> tuple[str, Path]:
    try:
        name, folder = volume_folders.parse(text)
    except FlowError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
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


def read_parameters(flow: Flow, given: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
    """Return the values of ``--param``: JSON, or text as it is where a flow declares a parameter as text.

    Args:
        flow: The flow.
        given: The names and the texts.

    Raises:
        ValueError: If a text is not JSON.
        FlowError: If the values do not fit what the flow declares.
    """
    fields = fields_of(flow.classes[Parameters.__name__], flow.name)
    shapes = {field.name: describe(field.hint) for field in fields}
    return convert(flow, {name: _read(name, text, shapes.get(name)) for name, text in given})


def _refuse_constant(text: str) -> NoReturn:
    """Refuse a number that JSON does not have, and that the state machine would refuse as input."""
    raise ValueError(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_constant(text)


def _read(name: str, text: str, shape: Shape | None) -> Any:
    if shape is not None and is_text(shape):
        return None if text == "null" and accepts_null(shape) else text
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError(f"the value of {name!r} is nested too deeply") from None
    except ValueError as error:
        if shape not in {None, Anything()}:
            return text  # the type of the parameter says more of what is wrong
        fix = f"Text is quoted, as in --param '{name}=\"text\"'"
        raise ValueError(f"the value of {name!r} is not JSON: {error}. {fix}") from None


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)

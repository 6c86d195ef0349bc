"""The words of the command ``rehearse``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from laminar_codegen.command.exits import explain
from laminar_codegen.command.options import add_flow, add_scheduling
from laminar_runtime.layer import RESERVED

__all__ = ["make_parser"]

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
    start = parser.add_mutually_exclusive_group()
    start.add_argument(
        "--param",
        action="append",
        default=[],
        type=_parameter,
        metavar="NAME=JSON",
        help="a parameter of the flow, its value as JSON; may be given again",
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
    add_scheduling(parser)
    _add_document(parser)
    parser.add_argument(
        "--real-time",
        action="store_true",
        help="let waits of the state machine and the pauses of retries take their time (default: the clock skips them "
        "while nothing runs)",
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
    return parser


def _add_document(parser: argparse.ArgumentParser) -> None:
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


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (equals and name.isidentifier()):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=JSON")
    if name in _NO_PARAMETERS:
        raise argparse.ArgumentTypeError(f"{name!r} is reserved: no flow can have a parameter of that name")
    try:
        return name, json.loads(value)
    except RecursionError:
        raise argparse.ArgumentTypeError(f"the value of {name!r} is nested too deeply") from None
    except ValueError as error:
        msg = f"the value of {name!r} is not JSON: {error}. Text is quoted, as in --param '{name}=\"text\"'"
        raise argparse.ArgumentTypeError(msg) from None


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)

"""The command ``laminar-codegen measure``: prints the durations of the layers of a flow in past executions."""

from __future__ import annotations

import argparse
import json
import sys

from laminar_codegen.command.exits import Exit, explain
from laminar_codegen.command.options import add_flow
from laminar_codegen.frontend import loader
from laminar_codegen.planning.past_durations import measure
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.deployed.deployment import Deployment
from laminar_runtime.exceptions import ExecutionError

__all__ = ["DESCRIPTION", "EXITS", "add_arguments", "run"]

DESCRIPTION = """\
Prints the durations of the layers of a flow, the median of its last executions, as JSON.

  laminar-codegen measure flow.py > durations.json
  laminar-codegen --profile durations.json flow.py > main.tf.json
  laminar-codegen measure --deployment report --last 30 flow.py
"""

#: The exit codes, for the help.
EXITS = explain("no execution was found")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Args:
        parser: Its parser.
    """
    add_flow(parser)
    parser.add_argument(
        "--execution", action="append", default=[], metavar="ID", help="an execution to measure; may be given again"
    )
    parser.add_argument(
        "--last",
        type=_number,
        default=10,
        metavar="N",
        help="how many executions to measure, the newest ones, if none is named (default: 10)",
    )
    parser.add_argument(
        "--deployment",
        metavar="NAME",
        help="the deployment whose executions to measure, by its datastore and histories (default: the flow's own "
        "datastore)",
    )


def _number(text: str) -> int:
    """Parse a number of executions."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Print the durations of the layers of a flow in past executions, as JSON that `--profile` reads.

    Args:
        options: The parsed arguments.

    Returns:
        0.

    Raises:
        ExecutionError: If no execution was found, or no layer has ended in any.
    """
    source = loader.load(options.flow)
    measured: dict[str, dict[str, float]] = {}
    counts: dict[str, int] = {}
    for flow in (source.flow, *source.following):
        deployment = Deployment.find(options.deployment) if options.deployment else None
        if deployment is not None:
            flow.configuration.scheduler = AWS.StepFunctions(deployment=deployment.name)
        known = [str(execution.id) for execution in flow.datastore.list_executions(flow=flow)]
        executions = options.execution or known[-options.last :]
        if not executions:
            raise ExecutionError(f"flow '{flow.name}' has no executions in {flow.datastore.root}: run it first")
        measured[flow.name] = measure(flow, executions, deployment)
        counts[flow.name] = len(executions)
    if not any(measured.values()):
        where = f"execution {', '.join(options.execution)}" if options.execution else "the last executions"
        raise ExecutionError(f"no layer of flow '{source.flow.name}' has ended in {where}: name others by --execution")
    for name, count in counts.items():
        print(f"measured {count:,} execution{'' if count == 1 else 's'} of {name}", file=sys.stderr)
    print(json.dumps(measured, indent=2))
    return Exit.OK

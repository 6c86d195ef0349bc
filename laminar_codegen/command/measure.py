"""The command ``laminar-codegen measure``: prints what past executions of a flow say, as a profile."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

from laminar_codegen.command.exits import Exit, explain
from laminar_codegen.command.options import add_flow
from laminar_codegen.frontend import loader
from laminar_codegen.planning.durations_file import profile_text
from laminar_codegen.planning.past_durations import measure
from laminar_codegen.planning.past_starts import Start, start_times
from laminar_codegen.planning.profile import LayerTimes
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.deployed.deployment import Deployment
from laminar_runtime.exceptions import ExecutionError

__all__ = ["DESCRIPTION", "EXITS", "add_arguments", "other_host", "run"]

DESCRIPTION = """\
Prints a profile, as JSON: how long the layers of a flow took in its last executions, and their splits. Of a deployment
also how long its jobs waited to be placed and to start, by target and image.

  laminar-codegen measure flow.py > profile.json
  laminar-codegen --profile profile.json flow.py > main.tf.json
  laminar-codegen measure --deployment report --last 30 flow.py
"""

#: The domains of AWS: https://docs.aws.amazon.com/general/latest/gr/rande.html, and those of its other partitions.
_AWS = re.compile(
    r"\.(amazonaws\.(com|com\.cn|eu)|api\.aws|api\.amazonwebservices\.(com\.cn|eu)"
    r"|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$"
)

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
        help="the deployment whose executions to measure, by its datastore, histories and jobs (default: by the flow's "
        "own datastore)",
    )


def _number(text: str) -> int:
    """Parse a number of executions."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Print what past executions of a flow say, as JSON that `--profile` reads.

    Args:
        options: The parsed arguments.

    Returns:
        0.

    Raises:
        ExecutionError: If no execution was found, or no layer has ended in any.
    """
    source = loader.load(options.flow)
    layers: dict[str, Mapping[str, LayerTimes]] = {}
    starts: list[Start] = []
    notes: dict[str, None] = {}
    deployment = Deployment.find(options.deployment) if options.deployment else None
    for flow in (source.flow, *source.following):
        if deployment is not None:
            flow.configuration.scheduler = AWS.StepFunctions(deployment=deployment.name)
        known = [str(execution.id) for execution in flow.datastore.list_executions(flow=flow)]
        executions = options.execution or known[-options.last :]
        if not executions:
            raise ExecutionError(f"flow '{flow.name}' has no executions in {flow.datastore.root}: run it first")
        found = measure(flow, executions, deployment)
        layers[flow.name] = found.layers
        starts += found.starts
        count = len(executions)
        notes[f"measured {count:,} execution{'' if count == 1 else 's'} of {flow.name}"] = None
        notes.update(dict.fromkeys(found.notes))
    if not any(layers.values()):
        where = f"execution {', '.join(options.execution)}" if options.execution else "the last executions"
        raise ExecutionError(f"no layer of flow '{source.flow.name}' has ended in {where}: name others by --execution")
    place = None if deployment is None else other_host(deployment.client().meta.endpoint_url)
    if place is not None:
        notes[f"the starts of jobs are left out: {place} is not AWS, where they take longer"] = None
        starts = []
    if starts:
        notes[f"measured {len(starts):,} start{'' if len(starts) == 1 else 's'} of jobs and functions"] = None
    for note in notes:
        print(note, file=sys.stderr)
    print(profile_text(layers, start_times(starts)))
    return Exit.OK


def other_host(address: str) -> str | None:
    """Return the host that executions run on, None if it is AWS. In a rehearsal, and the like, jobs start at once.

    Args:
        address: The address of Step Functions.

    Example:
        >>> other_host("https://states.eu-central-1.amazonaws.com"), other_host("http://127.0.0.1:4566")
        (None, '127.0.0.1')
    """
    host = urlsplit(address).hostname or ""
    return None if _AWS.search(host) else host

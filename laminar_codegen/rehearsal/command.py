"""The command ``laminar-codegen rehearse``."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from laminar_codegen import pipeline
from laminar_codegen.command.exits import Exit, explain
from laminar_codegen.command.options import add_flow, add_scheduling, scheduling_of
from laminar_codegen.ir.graph import Graph
from laminar_codegen.rehearsal import results
from laminar_codegen.rehearsal.aws import EmbeddedAws, JobEvent, Workspace
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.image import lay_out
from laminar_codegen.rehearsal.progress import Progress
from laminar_codegen.targets.aws_lambda.labels import task_functions
from laminar_runtime import Execution
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.exceptions import ExecutionError
from laminar_runtime.layer import RESERVED

__all__ = ["main"]

_DESCRIPTION = """\
Compiles a flow and runs the compiled state machine here, on an embedded AWS: no account and no container is needed.
Every job is a process of this machine that reads and writes an embedded S3.

  laminar-codegen rehearse flow.py
  laminar-codegen rehearse --param 'day="2026-01-31"' --save results flow.py
"""

#: What a call of a flow means by itself, or a layer: none is a name of a parameter.
_NO_PARAMETERS = RESERVED | {"execution", "self"}
#: How many lines of a failed job are shown, and the exit codes that tell of signals.
_TAIL, _SIGNALS = 20, 128


def main(words: Sequence[str]) -> int:
    """Run the command.

    Args:
        words: Its arguments.

    Returns:
        0 if the execution succeeded, 1 if it failed.

    Raises:
        CompileError: If the flow cannot be compiled.
    """
    options = _parser().parse_args(list(words))
    compilation = pipeline.compile_flow(options.flow, scheduling_of(options))
    if options.save is not None:
        # Found out now, and not when the execution has ended: its results would be lost.
        options.save.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="laminar-image-")))
        progress = Progress(compilation.graphs[0].flow, sys.stderr)
        aws = stack.enter_context(
            EmbeddedAws(
                workspace=Workspace(directory=lay_out(compilation.source.file, folder, compilation.source.module)),
                concurrency=options.concurrency,
                observer=progress.observe,
                invocations=progress.observe_invocation,
            )
        )
        stack.enter_context(_environment(aws.environment))
        deployment = deploy(compilation, aws)
        progress.functions = _functions(compilation.graphs, deployment.name)
        flow, following = compilation.source.flow, compilation.source.following
        for chained in (flow, *following):
            # Those that follow are of the same deployment.
            chained.configuration.scheduler = AWS.StepFunctions(deployment=deployment.name)
        with progress:
            execution = flow(**dict(options.param))
            try:
                execution.wait()
            except ExecutionError as error:
                return _failed(error, progress.failures)
        ended = (chained.execution(execution.key("").execution) for chained in (flow, *following))
        # All of it at once: if something cannot be saved, nothing is printed.
        print("\n".join([line for one in ended for line in _report(one, options.save)]))
    return Exit.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="laminar-codegen rehearse",
        description=_DESCRIPTION,
        epilog=explain("its execution failed"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_flow(parser)
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        type=_parameter,
        metavar="NAME=JSON",
        help="a parameter of the flow, its value as JSON; may be given again",
    )
    parser.add_argument(
        "--concurrency", type=_count, metavar="N", help="how many jobs run at once (default: the processors)"
    )
    add_scheduling(parser)
    parser.add_argument("--save", type=Path, metavar="DIR", help="save all artifacts as files in DIR/<Layer>/")
    return parser


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


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Have this process' own AWS calls go to the embedded AWS."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _failed(error: ExecutionError, failures: Sequence[JobEvent]) -> int:
    print(f"laminar-codegen: {error}", file=sys.stderr)
    # Jobs that were stopped because of another's failure were ended by a signal: 128 and its number. Those that could
    # not be started, and tasks on AWS Lambda, have no exit code.
    own = [event for event in failures if event.exit_code is None or event.exit_code < _SIGNALS]
    for event in (own or failures)[-1:]:
        lines = event.log.read_text(encoding="utf-8", errors="replace").splitlines() if event.log.exists() else []
        if not lines:
            print(f"{event.job_name}, attempt {event.attempt}, printed nothing: {event.reason}", file=sys.stderr)
            continue
        print(f"the last lines of {event.job_name}, attempt {event.attempt}:", file=sys.stderr)
        print("\n".join(f"  {line}" for line in lines[-_TAIL:]), file=sys.stderr)
    return Exit.INVALID


def _functions(graphs: Sequence[Graph], deployment: str) -> dict[str, str]:
    """Return the titles of tasks on AWS Lambda by the name of their function."""
    return {
        f"{deployment}-{label}": f"{graph.flow}-{layer}"
        for graph in graphs
        for layer, label in task_functions(graph).items()
    }


def _report(execution: Execution, folder: Path | None) -> Iterator[str]:
    yield f"execution {execution.id} of {execution.flow.name} SUCCEEDED"
    for result in results.collect(execution):
        if result.warning:
            print(f"laminar-codegen: warning: {result.warning}", file=sys.stderr)
            if result.value is None:
                continue
        yield f"  {result}" if folder is None else f"  {result}  -> {results.save(result, folder)}"

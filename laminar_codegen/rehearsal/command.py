"""The command ``laminar-codegen rehearse``."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from laminar_codegen.command.exits import Exit
from laminar_codegen.ir.graph import Graph
from laminar_codegen.rehearsal import failures, summary
from laminar_codegen.rehearsal.arguments import make_parser, read_volumes
from laminar_codegen.rehearsal.aws import EmbeddedAws, JobEvent, Workspace
from laminar_codegen.rehearsal.collection import begin_collecting, collect_rarely
from laminar_codegen.rehearsal.compute_cost import estimate_compute
from laminar_codegen.rehearsal.deploy import account_of, deploy_document, find_deployment
from laminar_codegen.rehearsal.document.errors import DocumentError
from laminar_codegen.rehearsal.image import lay_out, own_paths, shown_paths
from laminar_codegen.rehearsal.kept import explain_access, leave_access, wait_for_interrupt
from laminar_codegen.rehearsal.permission_report import report_idle_grants, report_refusals
from laminar_codegen.rehearsal.progress import Progress
from laminar_codegen.rehearsal.sample_event import start_by_event
from laminar_codegen.rehearsal.scratch import scratch_folder
from laminar_codegen.rehearsal.subject import Subject, find_subject
from laminar_codegen.rehearsal.through_terraform import TerraformError, apply_folder
from laminar_codegen.targets.aws_lambda.labels import task_functions
from laminar_runtime import Execution, results
from laminar_runtime.command.parameters import read_parameters
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.deployed.deployment import Deployment
from laminar_runtime.deployed.execution import DeployedExecution
from laminar_runtime.exceptions import ExecutionError, FlowError, MissingError
from laminar_runtime.report import write_page
from laminar_runtime.task_environment import SHOWN_PATHS

__all__ = ["main"]

_UNFINISHED = (
    "laminar-codegen: warning: execution {} of '{}' SUCCEEDED, but these layers did not finish: {}. What the document "
    "starts for them is no task of the flow, or writes to another datastore than {}"
)
#: How many lines of a failed job are shown, and the exit codes that stand for signals.
_TAIL, _SIGNALS = 20, 128


@collect_rarely()
def main(words: Sequence[str]) -> int:
    """Run the command.

    Args:
        words: Its arguments.

    Returns:
        0 if the execution succeeded, 1 if it failed.

    Raises:
        CompileError: If the flow cannot be compiled.
        DocumentError: If its document cannot be deployed.
    """
    parser = make_parser()
    options = parser.parse_args(list(words))
    subject = find_subject(options, os.environ)
    try:
        if subject.event is None:
            # With an event its trigger gives the parameters.
            options.param = read_parameters(subject.source.flow, options.param)
        options.volume = read_volumes(subject.graphs, options.volume, os.environ)
    except FlowError as error:
        parser.error(str(error))
    if options.save is not None:
        # Found out now, and not when the execution has ended: its results would be lost.
        _make_folder(options.save, parser)
    try:
        return _rehearse(subject, options)
    except TerraformError as error:
        print(f"laminar-codegen: {error}", file=sys.stderr)
        return Exit.USAGE


def _make_folder(folder: Path, parser: argparse.ArgumentParser) -> None:
    """Make the folder of the results, or refuse the option that names it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = "it is a file" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror
        parser.error(f"argument --save: '{folder}' cannot be made: {what}. Name a folder that can be written to")
    if not os.access(folder, os.W_OK | os.X_OK):
        parser.error(f"argument --save: '{folder}' cannot be written to. Name a folder that can be")


def _rehearse(subject: Subject, options: argparse.Namespace) -> int:
    source = subject.source
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(scratch_folder())
        folder = scratch / "image"
        folder.mkdir()
        progress = Progress(
            subject.graphs[0].flow,
            sys.stderr,
            quiet=options.quiet,
            own_paths=lambda text: own_paths(text, source.file, folder, source.module),
        )
        aws = stack.enter_context(
            EmbeddedAws(
                workspace=Workspace(
                    lay_out(source.file, folder, source.module),
                    {SHOWN_PATHS: json.dumps(shown_paths(source.file, folder, source.module))},
                    volumes=options.volume,
                ),
                concurrency=options.concurrency,
                directory=scratch / "logs",
                observer=progress.observe,
                invocations=progress.observe_invocation,
                region=subject.region,
                real_time=options.real_time,
                enforces=True,
            )
        )
        try:
            deployment = _deploy(subject, options, aws)
        except DocumentError:
            _report_permissions(aws, unused=False)
            raise
        stack.enter_context(begin_collecting())
        stack.enter_context(_environment(aws.environment))
        progress.functions = _functions(subject.graphs, deployment.name)
        try:
            ended = _execute(subject, options, aws, deployment, progress)
        except DocumentError:
            _report_permissions(aws, unused=False)
            raise
        _report_permissions(aws, unused=options.unused)
        if options.keep:
            leave_access(scratch, deployment, aws.environment)
            print("\n".join(explain_access(deployment, aws.environment)), file=sys.stderr, flush=True)
            wait_for_interrupt()
    return ended


def _report_permissions(aws: EmbeddedAws, *, unused: bool) -> None:
    """Say which calls were refused and, if asked, which granted actions were not used."""
    for line in (*report_refusals(aws.guard), *(report_idle_grants(aws.guard) if unused else ())):
        print(f"laminar-codegen: {line}", file=sys.stderr)


def _deploy(subject: Subject, options: argparse.Namespace, aws: EmbeddedAws) -> Deployment:
    flow = subject.source.flow.name
    if subject.configuration is not None:
        return deploy_document(subject.configuration, aws, flow, subject.given, options.deployment)
    assert subject.folder is not None  # noqa: S101 - only documents of a folder need Terraform
    words = [f"-var-file={file.resolve()}" for file in options.var_file]
    words += [f"-var={name}={value}" for name, value in options.var]
    apply_folder(subject.folder, aws, account_of(aws), subject.given, words)
    return find_deployment(aws, flow, options.deployment)


def _execute(
    subject: Subject, options: argparse.Namespace, aws: EmbeddedAws, deployment: Deployment, progress: Progress
) -> int:
    """Run an execution as an application would, or those that an event starts, and show what became of them."""
    flows = (subject.source.flow, *subject.source.following)
    for flow in flows:
        # Those that follow are of the same deployment.
        flow.configuration.scheduler = AWS.StepFunctions(deployment=deployment.name)
    executions, failure = _run(subject, options, aws, deployment, progress)
    if options.report is not None and executions:
        _write_page(options.report, executions[-1], deployment, progress)
    taken = summary.measure(aws.client("stepfunctions"))
    if failure is not None:
        print("\n".join(failures.describe(failure, progress.own_paths, quiet=options.quiet)), file=sys.stderr)
        if not failures.has_traceback(failure):
            _show_log(progress)
        _show_cost(subject, progress, taken)
        return Exit.INVALID
    skipped = [*_find_skips(executions, aws, deployment)]
    ended = [
        (flow.execution(execution.key("").execution), graph)
        for execution in executions
        if execution not in skipped
        for flow, graph in zip(flows, subject.graphs, strict=True)
    ]
    ran = {graph.flow: _find_runs(progress, graph) for graph in subject.graphs}
    _warn_of_missing_layers(ended, ran, deployment)
    # All of it at once: if something cannot be saved, nothing is printed.
    report = [line for one, _ in ended for line in _report(one, options.save)]
    report += [
        f"execution {one.id} of {one.flow.name} SUCCEEDED: it was skipped, as another one ran" for one in skipped
    ]
    for one, graph in ended:
        for line in summary.skips(one, graph, ran[graph.flow]):
            print(line, file=sys.stderr)
    _show_cost(subject, progress, taken)
    print("\n".join(report))
    return Exit.OK


def _write_page(file: Path, execution: Execution, deployment: Deployment, progress: Progress) -> None:
    """Write the page of an execution, with the paths of the user's files."""
    handle: Any = DeployedExecution(deployment, execution.key("").execution, flow=execution.flow)
    file.write_text(progress.own_paths(write_page(handle, flow=execution.flow)), encoding="utf-8")
    print(f"laminar-codegen: wrote {file}", file=sys.stderr)


def _run(
    subject: Subject, options: argparse.Namespace, aws: EmbeddedAws, deployment: Deployment, progress: Progress
) -> tuple[Sequence[Execution], ExecutionError | None]:
    """Start executions and wait for them. Return them, and the error of the first one that failed."""
    executions: list[Execution] = []
    with progress:
        try:
            executions += _start(subject, options, aws, deployment)
            for execution in executions:
                aws.await_execution(deployment.execution_arn(execution.key("").execution))
                execution.wait()
        except ExecutionError as error:
            return executions, error
    return executions, None


def _warn_of_missing_layers(
    ended: Sequence[tuple[Execution, Graph]], ran: Mapping[str, set[str]], deployment: Deployment
) -> None:
    """Warn of layers that must run and did not finish, though their execution succeeded."""
    for one, graph in ended:
        if missing := ", ".join(summary.layers_without_end(one, graph, ran[graph.flow])):
            print(_UNFINISHED.format(one.id, graph.flow, missing, deployment.datastore_root), file=sys.stderr)


def _find_runs(progress: Progress, graph: Graph) -> set[str]:
    """Return the layers of a flow that tasks ran of. The jobs of flows that follow have their flow's name."""
    return {name.removeprefix(f"{graph.flow}-") for name, tasks in progress.runs.items() if tasks}


def _start(subject: Subject, options: argparse.Namespace, aws: EmbeddedAws, deployment: Deployment) -> list[Execution]:
    flow = subject.source.flow
    if subject.event is None:
        return [flow(**options.param)]
    return [flow.execution(name) for name in start_by_event(subject.event, aws, deployment)]


def _find_skips(executions: Sequence[Execution], aws: EmbeddedAws, deployment: Deployment) -> Iterator[Execution]:
    client = aws.client("stepfunctions")
    for one in executions:
        if summary.was_skipped(client, deployment.execution_arn(one.key("").execution)):
            yield one


def _show_cost(subject: Subject, progress: Progress, taken: summary.Taken) -> None:
    print(taken, file=sys.stderr)
    print(estimate_compute(subject.graphs, progress.runs, subject.durations, progress.seconds), file=sys.stderr)


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


def _show_log(progress: Progress) -> None:
    """Show what the job printed last that failed by itself."""
    # Jobs that were stopped because of another's failure were ended by a signal: 128 and its number. Those that could
    # not be started, and tasks on AWS Lambda, have no exit code.
    failed: Sequence[JobEvent] = progress.failures
    own = [event for event in failed if event.exit_code is None or event.exit_code < _SIGNALS]
    for event in (own or failed)[-1:]:
        text = event.log.read_text(encoding="utf-8", errors="replace") if event.log.exists() else ""
        lines = progress.own_paths(text).splitlines()
        if not lines:
            print(f"{event.job_name}, attempt {event.attempt}, printed nothing: {event.reason}", file=sys.stderr)
            continue
        print(f"the last lines of {event.job_name}, attempt {event.attempt}:", file=sys.stderr)
        print("\n".join(f"  {line}" for line in lines[-_TAIL:]), file=sys.stderr)


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
            _warn(result.warning)
            if result.value is None:
                continue
        yield f"  {result}{'' if folder is None else _save(result, folder)}"


def _save(result: results.Result, folder: Path) -> str:
    """Save a result, and return where to; or warn of one that cannot be read."""
    try:
        return f"  -> {results.save(result, folder)}"
    except MissingError as error:
        _warn(str(error))
        return ""


def _warn(text: str) -> None:
    print(f"laminar-codegen: warning: {text}", file=sys.stderr)

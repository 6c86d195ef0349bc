"""The command ``laminar-codegen compile``: compiles a flow, and prints the document or writes it into a folder.

With ``--check`` it compares the folder with the document, for continuous integration.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from laminar_codegen.command.exits import Exit, explain
from laminar_codegen.command.options import add_flow, add_scheduling, scheduling_of
from laminar_codegen.ir.plan import print_plan
from laminar_codegen.ir.terraform import Module
from laminar_codegen.pipeline import Compilation, Unit, compile_flow
from laminar_codegen.render.terraform_json import render_document, render_template
from laminar_runtime.configurations.schedulers.step_functions import check_module
from laminar_runtime.exceptions import SchedulerError

__all__ = ["DESCRIPTION", "EXITS", "add_arguments", "run"]

DESCRIPTION = """\
Compiles a flow into a Terraform document, on standard output.

  laminar-codegen flow.py > main.tf.json && terraform init && terraform apply
  laminar-codegen --emit hcl --output infrastructure/report flow.py:Report
  laminar-codegen --output infrastructure/report --check flow.py:Report
"""

#: The exit codes, for the help.
EXITS = explain("--check found other files")


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Compile a flow, and print the document, write it into a folder, or compare a folder with it.

    Args:
        parser: The parser of the command, which reports arguments that contradict each other.
        options: The parsed arguments.

    Returns:
        0, or 1 if the compared folder differs.

    Raises:
        CompileError: If the flow cannot be compiled, with all problems.
        NotWrittenError: If the folder cannot be read or written.
    """
    _check_options(parser, options)
    module = None if options.module is None else Module(options.module, options.module_version)
    compilation = compile_flow(options.flow, scheduling_of(options), module)
    if options.output is not None:
        # Most runs print the document, and need nothing of folders.
        from laminar_codegen.command import folder

        if options.check:
            return Exit.OK if folder.check(compilation.document, options.emit, options.output) else Exit.INVALID
        folder.write(compilation.document, options.emit, options.output)
        return Exit.OK
    # Bytes, so that the document is the same whatever the locale.
    sys.stdout.buffer.write(_stage(compilation, options.emit).encode())
    sys.stdout.buffer.flush()
    return Exit.OK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Args:
        parser: Its parser.
    """
    add_flow(parser)
    stages = ("terraform", "hcl", "asl", "plan", "graph", "deployer-policy")
    parser.add_argument(
        "--emit",
        choices=stages,
        default="terraform",
        help="what to print (default: terraform, a document in JSON); deployer-policy: IAM policies for who applies it",
    )
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="write the document there as a module, JSON or, with --emit hcl, HCL"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; end with 1 and a diff if the files in --output DIR differ, with 2 if they cannot be read",
    )
    parser.add_argument(
        "--module",
        metavar="SOURCE",
        help="let the document call the Terraform module 'flow' at SOURCE for the resources that deployments share, "
        "such as roles and alarms; a path is relative to the document's folder (default: the module of the flow's "
        "AWS.StepFunctions(module=...), or else none)",
    )
    parser.add_argument(
        "--module-version", metavar="CONSTRAINT", help="the accepted versions of a module in a registry"
    )
    add_scheduling(parser)


def _check_options(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if options.check and options.output is None:
        parser.error("--check needs --output DIR: it compares the files there")
    if options.output is not None and options.emit not in {"terraform", "hcl"}:
        parser.error(f"--output takes --emit terraform or hcl, not {options.emit}")
    _check_module(parser, options)


def _check_module(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if options.module is None:
        if options.module_version is not None:
            parser.error("--module-version needs --module SOURCE")
        return
    if options.emit not in {"terraform", "hcl"}:
        parser.error(f"--module is for --emit terraform or hcl, not {options.emit}")
    try:
        check_module(options.module, options.module_version, ("--module", "--module-version"))
    except SchedulerError as error:
        parser.error(str(error))


def _stage(compilation: Compilation, stage: str) -> str:
    match stage:
        case "graph":
            return "".join(map(str, compilation.graphs))
        case "plan":
            return _plans(compilation.units)
        case "asl":
            return render_template(compilation.machines)
        case "hcl":
            from laminar_codegen.render.hcl import render_hcl

            return render_hcl(compilation.document)
        case "deployer-policy":
            from laminar_codegen.policies.deployer import deployer_policies
            from laminar_codegen.targets.registry import calls_of_kinds

            policies = deployer_policies(compilation.document, compilation.deployment, calls_of_kinds())
            return json.dumps(policies, indent=2) + "\n"
        case "terraform":
            return render_document(compilation.document)
        case _:
            raise ValueError(f"unknown stage {stage!r}")


def _plans(units: Sequence[Unit]) -> str:
    """Return the plan of each flow, under the flow's name if there are several."""
    if len(units) == 1:
        return print_plan(units[0].plan)
    return "".join(f"{unit.graph.flow}\n{textwrap.indent(print_plan(unit.plan), '  ')}" for unit in units)

"""The compiler for the runtime's scheduler: compiles a flow object to plain values, and runs Terraform."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from laminar_codegen.api.errors import TerraformFailedError
from laminar_codegen.frontend.loader import Source
from laminar_codegen.ir.plan import unstructure
from laminar_codegen.pipeline import compile_source
from laminar_codegen.problems import NotWrittenError
from laminar_codegen.render.kept_revisions import old_addresses
from laminar_codegen.render.split_document import split_document
from laminar_codegen.render.terraform_json import removed_blocks, render_document
from laminar_codegen.render.write_folder import leftover_warnings, write_module
from laminar_runtime import Flow
from laminar_runtime.configurations.schedulers.step_functions import StepFunctions

__all__ = ["TerraformFailedError", "compile_plain", "create", "file_of"]


def compile_plain(flow: Flow, scheduler: StepFunctions | None = None) -> dict[str, Any]:
    """Compile a flow object.

    Args:
        flow: The flow.
        scheduler: How it is deployed; the flow's own scheduler unless given.

    Returns:
        ``{"flow": name, "plan": tree, "document": Terraform's}``, all of them JSON values.

    Raises:
        CompileError: If it cannot be compiled, with all problems.
    """
    file = file_of(flow)
    compilation = compile_source(Source(flow, Path(file).absolute(), file, given=scheduler))
    return {
        "flow": compilation.units[0].graph.flow,
        "plan": unstructure(compilation.units[0].plan),
        "document": json.loads(render_document(compilation.document)),
    }


def file_of(flow: Flow) -> str:
    """Return the file that defines a flow, for error messages.

    Args:
        flow: The flow.
    """
    try:
        return inspect.getsourcefile(type(flow)) or "<flow>"
    except (OSError, TypeError):  # it has none, as in an interactive session
        return "<flow>"


def create(
    ir: Mapping[str, Any],
    directory: Path,
    *,
    variables: Mapping[str, Any],
    apply: bool,
    executable: str = "terraform",
) -> str | None:
    """Write a compiled document into a folder, and have Terraform initialise it and show what it plans.

    Args:
        ir: The result of `compile_plain`.
        directory: The folder; it is made if it is not there.
        variables: The values of the document's variables.
        apply: Whether the plan is applied.
        executable: The command of Terraform, or of OpenTofu.

    Returns:
        The name of the deployment, as Terraform has it, if the plan was applied.

    Raises:
        TerraformFailedError: If Terraform or python-terraform is missing, Terraform is too old or fails, or a
            variable is not a JSON value.
        NotWrittenError: If the document cannot be written, or the folder has one in HCL; the folder is as it was.
    """
    try:
        from laminar_codegen.api import terraform_cli
    except ModuleNotFoundError as error:
        msg = f"create() runs Terraform by python-terraform ({error}): install laminar-terraform[create]"
        raise TerraformFailedError(msg) from None

    terraform_cli.check_version(executable)
    terraform_cli.check_variables(variables)
    files = split_document(_keep(ir["document"], directory))
    if others := leftover_warnings(directory, files):
        # With the files of both syntaxes Terraform would refuse the folder.
        raise NotWrittenError("\n".join(others))
    write_module(directory, files)
    return terraform_cli.deploy(directory, variables, apply=apply, executable=executable)


def _keep(document: Mapping[str, Any], directory: Path) -> Mapping[str, Any]:
    """Return a document that deregisters no job definition which the folder's document has."""
    declared = document.get("resource", {}).get("aws_batch_job_definition", {})
    moved = [block["from"] for (block,) in document.get("moved", [])]
    kept = old_addresses(directory, declared, moved)
    return {**document, "removed": removed_blocks(kept)} if kept else document

"""The compiler as the runtime's scheduler calls it: a flow object in, plain values out, and Terraform driven."""

from __future__ import annotations

import contextlib
import inspect
import json
import logging
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from python_terraform import IsFlagged, Terraform

from laminar_codegen.frontend.loader import Source
from laminar_codegen.ir.plan import unstructure
from laminar_codegen.ir.terraform import TERRAFORM
from laminar_codegen.pipeline import compile_source
from laminar_codegen.problems import NotWrittenError
from laminar_codegen.render.split_document import split_document
from laminar_codegen.render.terraform_json import render_document
from laminar_codegen.render.write_folder import left_over, write_module
from laminar_runtime import Flow
from laminar_runtime.configurations.schedulers.step_functions import StepFunctions
from laminar_runtime.exceptions import SchedulerError

__all__ = ["TerraformFailedError", "compile_plain", "create"]

# What Terraform says of a failure is in our error: it is not printed a second time where logging is not configured.
logging.getLogger("python_terraform").addHandler(logging.NullHandler())


class TerraformFailedError(SchedulerError):
    """Terraform is missing, or failed."""


def compile_plain(flow: Flow, scheduler: StepFunctions | None = None) -> dict[str, Any]:
    """Compile a flow object.

    Args:
        flow: The flow.
        scheduler: What says how it is deployed, the flow's own scheduler unless given.

    Returns:
        ``{"flow": name, "plan": tree, "document": Terraform's}``, JSON values all through.

    Raises:
        CompileError: If it cannot be compiled; it tells every reason.
    """
    file = _file_of(flow)
    compilation = compile_source(Source(flow, Path(file).absolute(), file, given=scheduler))
    return {
        "flow": compilation.units[0].graph.flow,
        "plan": unstructure(compilation.units[0].plan),
        "document": json.loads(render_document(compilation.document)),
    }


def _file_of(flow: Flow) -> str:
    """The file that defines a flow, to be named in what is said of it."""
    try:
        return inspect.getsourcefile(type(flow)) or "<flow>"
    except (OSError, TypeError):  # it has none, as in an interactive session
        return "<flow>"


def create(ir: Mapping[str, Any], directory: Path, *, variables: Mapping[str, Any], apply: bool) -> str | None:
    """Write a compiled document into a folder, and have Terraform initialise it and show what it plans.

    Args:
        ir: What `compile_plain` gave.
        directory: The folder; it is made if it is not there.
        variables: The values of the document's variables.
        apply: Whether the plan is applied.

    Returns:
        The name of the deployment, wherever Terraform has it from, if the plan was applied.

    Raises:
        TerraformFailedError: If Terraform is missing, too old, or fails, or cannot be told a variable.
        NotWrittenError: If the document cannot be written, or the folder has one in HCL; the folder is as it was.
    """
    with _told():
        _check_terraform()
    _check_variables(variables)
    files = split_document(ir["document"])
    if others := left_over(directory, files):
        # Written beside them, the document would leave a folder that Terraform refuses.
        raise NotWrittenError("\n".join(others))
    write_module(directory, files)
    terraform = Terraform(working_dir=str(directory))
    with _told(), tempfile.TemporaryDirectory(prefix="laminar-") as folder:
        _run(terraform, "init", {"input": False, "no_color": IsFlagged})
        plan = str(Path(folder, "plan"))
        # python-terraform writes variables to a file, so that no value stands on a command line.
        _run(terraform, "plan", {"input": False, "no_color": IsFlagged, "out": plan, "var": dict(variables)})
        if apply:
            _run(terraform, "apply", {"input": False, "no_color": IsFlagged}, plan)
            return _deployment(terraform)
    return None


def _deployment(terraform: Terraform) -> str:
    """The name of what was deployed: a file of variables may have said it."""
    code, out, err = _start(terraform, "output", {"json": IsFlagged, "no_color": IsFlagged})
    if code != 0:
        raise TerraformFailedError(f"terraform output failed in {terraform.working_dir}:\n{err.strip()}".rstrip())
    return str(json.loads(out)["deployment"]["value"])


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Errors of the machine, such as a full disk, told as what keeps Terraform from running."""
    try:
        yield
    except OSError as error:
        raise TerraformFailedError(f"cannot run terraform: {error}") from error


def _check_terraform() -> None:
    """Raise if there is no Terraform, or none that takes the document."""
    wanted = f"install Terraform {TERRAFORM} or newer"
    if shutil.which("terraform") is None:
        raise TerraformFailedError(f"there is no terraform on the PATH: {wanted}")
    code, out, err = _start(Terraform(), "version", {"json": IsFlagged})
    found = re.match(r'\{\s*"terraform_version": "(\d+)\.(\d+)', out)
    if code != 0 or found is None:
        raise TerraformFailedError(f"terraform does not tell its version: {wanted}\n{(err or out).strip()}".rstrip())
    if tuple(map(int, found.groups())) < tuple(map(int, TERRAFORM.split("."))):
        version = ".".join(found.groups())
        raise TerraformFailedError(f"the terraform on the PATH is of version {version}: {wanted}")


def _check_variables(variables: Mapping[str, Any]) -> None:
    """Raise if the values of variables cannot be told to Terraform."""
    for name, value in variables.items():
        try:
            json.dumps({name: value}, allow_nan=False)
        except (TypeError, ValueError) as error:
            msg = (
                f"Terraform cannot be told the variable {name!r} of AWS.StepFunctions: {error}: give plain JSON values"
            )
            raise TerraformFailedError(msg) from error


def _start(terraform: Terraform, command: str, options: dict[str, Any], *arguments: str) -> tuple[int, str, str]:
    """Run Terraform to its end, and give its exit code and what it said."""
    with warnings.catch_warnings():
        # It logs failures by a method of Python's logging that is deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        code, out, err = terraform.cmd(command, *arguments, capture_output=True, **options)
    return code, out or "", err or ""


def _run(terraform: Terraform, command: str, options: dict[str, Any], *arguments: str) -> None:
    """Run Terraform, and print what it says when it says it."""
    try:
        # What python-terraform runs it keeps to itself until it ends, and leaves alone when this process is stopped.
        words = terraform.generate_cmd_string(command, *arguments, **options)
        code, err = _follow(words, terraform.working_dir)
    finally:
        # They hold the values of variables.
        terraform.temp_var_files.clean_up()
    if code != 0:
        ended = f"was ended by signal {-code}" if code < 0 else "failed"
        raise TerraformFailedError(f"terraform {command} {ended} in {terraform.working_dir}:\n{err.strip()}".rstrip())
    print(err, end="", file=sys.stderr, flush=True)


def _follow(words: Sequence[str], directory: str) -> tuple[int, str]:
    """Print on what a command prints.

    If the user stops this process it waits until Terraform has ended in order: with its state written, its lock given
    back.

    Args:
        words: The command.
        directory: Where it runs.

    Returns:
        Its exit code, and what it wrote to standard error.

    Raises:
        KeyboardInterrupt: When it has ended, if it was stopped.
    """
    stopped: KeyboardInterrupt | None = None
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(  # noqa: S603 - Terraform, with arguments of ours
            words,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            # It is told to end once for each time that we are. It takes a second time for a wish to end at once.
            start_new_session=True,
        ) as process,
    ):
        while True:
            try:
                for line in process.stdout or ():
                    print(line.decode(errors="backslashreplace"), end="", flush=True)
                process.wait()
                break
            except KeyboardInterrupt as error:
                stopped = error
                process.send_signal(signal.SIGINT)
            except BaseException:
                # What it says cannot be printed on: it ends in order all the same.
                process.send_signal(signal.SIGINT)
                process.communicate()
                raise
        errors.seek(0)
        told = errors.read().decode(errors="backslashreplace")
    if stopped is not None:
        print(told, end="", file=sys.stderr, flush=True)
        raise stopped
    return process.returncode, told

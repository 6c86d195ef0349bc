"""Runs the command ``terraform``: checks its version, and initialises, plans and applies a folder."""

from __future__ import annotations

import contextlib
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

from laminar_codegen.api.errors import TerraformFailedError
from laminar_codegen.ir.terraform import TERRAFORM

__all__ = ["check_variables", "check_version", "deploy"]

# Our error has the output of a failed Terraform: without a configured logging it must not be printed twice.
logging.getLogger("python_terraform").addHandler(logging.NullHandler())


def deploy(directory: Path, variables: Mapping[str, Any], *, apply: bool, executable: str = "terraform") -> str | None:
    """Initialise a folder, show its plan, and apply that if asked to.

    Args:
        directory: The folder.
        variables: The values of the document's variables.
        apply: Whether the plan is applied.
        executable: The command of Terraform, or of OpenTofu.

    Returns:
        The name of the deployment if the plan was applied, else None.

    Raises:
        TerraformFailedError: If Terraform fails.
    """
    terraform = Terraform(working_dir=str(directory), terraform_bin_path=executable)
    with _machine_errors(), tempfile.TemporaryDirectory(prefix="laminar-") as folder:
        _run(terraform, "init", {"input": False, "no_color": IsFlagged})
        plan = str(Path(folder, "plan"))
        # python-terraform writes variables to a file, so that no value is on a command line.
        _run(terraform, "plan", {"input": False, "no_color": IsFlagged, "out": plan, "var": dict(variables)})
        if apply:
            _run(terraform, "apply", {"input": False, "no_color": IsFlagged}, plan)
            return _deployment(terraform)
    return None


def _deployment(terraform: Terraform) -> str:
    """Return the name of the deployment, which may come from a file of variables."""
    code, out, err = _start(terraform, "output", {"json": IsFlagged, "no_color": IsFlagged})
    if code != 0:
        raise TerraformFailedError(f"terraform output failed in {terraform.working_dir}:\n{err.strip()}".rstrip())
    return str(json.loads(out)["deployment"]["value"])


@contextlib.contextmanager
def _machine_errors() -> Iterator[None]:
    """Raise errors of the machine, such as a full disk, as failures of Terraform."""
    try:
        yield
    except OSError as error:
        raise TerraformFailedError(f"cannot run terraform: {error}") from error


def check_version(executable: str = "terraform") -> None:
    """Check the version of Terraform, or of OpenTofu, which has the version of the Terraform that it is like.

    Args:
        executable: Its command, on the PATH or with a path.

    Raises:
        TerraformFailedError: If it is missing, or too old for the documents.
    """
    wanted = f"install Terraform {TERRAFORM} or newer"
    if shutil.which(executable) is None:
        raise TerraformFailedError(f"{executable} is not on the PATH: {wanted}")
    with _machine_errors():
        code, out, err = _start(Terraform(terraform_bin_path=executable), "version", {"json": IsFlagged})
    found = re.match(r'\{\s*"terraform_version": "(\d+)\.(\d+)', out)
    if code != 0 or found is None:
        raise TerraformFailedError(
            f"{executable} does not print its version: {wanted}\n{(err or out).strip()}".rstrip()
        )
    if tuple(map(int, found.groups())) < tuple(map(int, TERRAFORM.split("."))):
        version = ".".join(found.groups())
        raise TerraformFailedError(f"the {executable} on the PATH has version {version}: {wanted}")


def check_variables(variables: Mapping[str, Any]) -> None:
    """Check the values of variables.

    Args:
        variables: The values by name.

    Raises:
        TerraformFailedError: If one is not a JSON value.
    """
    for name, value in variables.items():
        try:
            json.dumps({name: value}, allow_nan=False)
        except (TypeError, ValueError) as error:
            msg = f"the variable {name!r} of AWS.StepFunctions is not a JSON value: {error}: give plain JSON values"
            raise TerraformFailedError(msg) from error


def _start(terraform: Terraform, command: str, options: dict[str, Any], *arguments: str) -> tuple[int, str, str]:
    """Run Terraform to its end, and return its exit code, standard output and standard error."""
    with warnings.catch_warnings():
        # It logs failures by a method of Python's logging that is deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        code, out, err = terraform.cmd(command, *arguments, capture_output=True, **options)
    return code, out or "", err or ""


def _run(terraform: Terraform, command: str, options: dict[str, Any], *arguments: str) -> None:
    """Run Terraform, and print its output line by line."""
    try:
        # python-terraform shows no output before the end, and does not stop Terraform with this process.
        words = terraform.generate_cmd_string(command, *arguments, **options)
        code, err = _follow(words, terraform.working_dir)
    finally:
        # The temporary files hold the values of variables.
        terraform.temp_var_files.clean_up()
    if code != 0:
        ended = f"was ended by signal {-code}" if code < 0 else "failed"
        raise TerraformFailedError(f"terraform {command} {ended} in {terraform.working_dir}:\n{err.strip()}".rstrip())
    print(err, end="", file=sys.stderr, flush=True)


def _follow(words: Sequence[str], directory: str) -> tuple[int, str]:
    """Run a command, and print its output line by line.

    If the user stops this process it waits until Terraform has written its state and released its lock.

    Args:
        words: The command.
        directory: Where it runs.

    Returns:
        Its exit code, and its output on standard error.

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
            # It gets each signal of this process once. A second one would end it at once.
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
                # Its output cannot be printed: let it write its state and release its lock all the same.
                process.send_signal(signal.SIGINT)
                process.communicate()
                raise
        errors.seek(0)
        printed = errors.read().decode(errors="backslashreplace")
    if stopped is not None:
        print(printed, end="", file=sys.stderr, flush=True)
        raise stopped
    return process.returncode, printed

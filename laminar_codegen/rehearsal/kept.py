"""An embedded AWS that stays at the end of a rehearsal, and how others reach it."""

from __future__ import annotations

import json
import os
import shlex
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from laminar_codegen.rehearsal.scratch import folders_in_use
from laminar_runtime.deployed.deployment import Deployment

__all__ = ["explain_access", "kept_rehearsals", "leave_access", "wait_for_interrupt"]

#: The file in the folder of a rehearsal that says how to reach its embedded AWS.
_ACCESS = "access.json"

#: What the AWS provider of Terraform needs besides the environment.
_PROVIDER = """\
  provider "aws" {
    s3_use_path_style           = true
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_region_validation      = true
  }"""


def explain_access(deployment: Deployment, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield lines on how to reach the embedded AWS from another shell.

    Args:
        deployment: What was deployed.
        environment: By which SDKs find the embedded AWS.
    """
    yield "The embedded AWS runs until this command is interrupted. To use it, in another shell:"
    yield ""
    yield from (f"  export {name}={shlex.quote(value)}" for name, value in environment.items())
    yield ""
    yield f"The AWS command line: aws stepfunctions list-executions --state-machine-arn {deployment.state_machine_arn}"
    yield f"Without that environment: laminar list rehearsal:{deployment.name}"
    yield f"An application: AWS.StepFunctions(deployment={deployment.name!r}) finds the flow, in that environment"
    yield "Terraform: the provider reads that environment, and needs besides"
    yield ""
    yield _PROVIDER


def leave_access(folder: Path, deployment: Deployment, environment: Mapping[str, str]) -> None:
    """Leave for other processes of this user how to reach the embedded AWS.

    Args:
        folder: The folder of the rehearsal, which only its owner reads.
        deployment: What was deployed.
        environment: By which SDKs find the embedded AWS.
    """
    left = {"deployment": deployment.name, "environment": dict(environment)}
    (folder / _ACCESS).write_text(json.dumps(left), encoding="utf-8")


def kept_rehearsals(parent: Path | None = None) -> dict[str, dict[str, str]]:
    """Return how to reach the embedded AWS of each rehearsal that is kept, by the names of their deployments.

    Args:
        parent: Where the folders of rehearsals are; the folder of temporary files unless given.
    """
    found: dict[str, dict[str, str]] = {}
    for folder in sorted(folders_in_use(parent), key=os.path.getmtime):
        try:
            left = json.loads((folder / _ACCESS).read_text(encoding="utf-8"))
            found[str(left["deployment"])] = {str(name): str(value) for name, value in left["environment"].items()}
        except (AttributeError, KeyError, OSError, TypeError, ValueError):
            continue  # it is not kept, or just ends
    return found


def wait_for_interrupt() -> None:
    """Wait until the user interrupts this process."""
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return

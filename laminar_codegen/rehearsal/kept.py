"""An embedded AWS that stays at the end of a rehearsal, and how others reach it."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Iterator, Mapping

from laminar_runtime.deployed.deployment import Deployment

__all__ = ["explain_access", "wait_for_interrupt"]

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
    yield f"An application: AWS.StepFunctions(deployment={deployment.name!r}) finds the flow, in that environment"
    yield "Terraform: the provider reads that environment, and needs besides"
    yield ""
    yield _PROVIDER


def wait_for_interrupt() -> None:
    """Wait until the user interrupts this process."""
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return

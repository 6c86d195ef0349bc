"""Find deployed flows: by name, by ARN, or by the outputs of Terraform."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records
from laminar_runtime.deployed.deployment import Deployment, parameter_name
from laminar_runtime.deployed.execution import DeployedExecution
from laminar_runtime.exceptions import DeploymentError, FlowError, NotFoundError
from laminar_runtime.identifiers import RESUMED

if TYPE_CHECKING:
    from pathlib import Path

    from laminar_runtime.flow import Flow

__all__ = ["execution", "find", "from_terraform"]

#: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
_ARN = r"(arn:[a-z-]+:states:([a-z0-9-]+):[0-9]{12}):(stateMachine|execution):([^:\s]+)(?::([^:\s]+))?"


def find(target: str, *, flow: Flow | type[Flow] | None = None) -> Deployment:
    """Find a deployed flow.

    Args:
        target: The name of the deployment, in the account and region of the environment; or the ARN of its state
            machine, in the region of the ARN.
        flow: The flow, or its class, for who has its code: then parameters and results may be of any type.

    Returns:
        The deployment.

    Raises:
        NotFoundError: If it does not exist.
        AccessDeniedError: If a permission is missing.
        DeploymentError: If AWS cannot be called.
        FlowError: If the deployment is one of another flow, or the target is no text.

    Example::

        deployed.find("nightly").start({"day": "2026-01-01"})
        deployed.find("arn:aws:states:eu-west-1:123456789012:stateMachine:nightly")
    """
    if not isinstance(target, str):  # such as os.environ.get of a variable that is not set
        raise FlowError(f"{target!r} is not the name of a deployment, and no ARN: give a text")
    if not target.startswith("arn:"):
        return _with_code(Deployment.find(target), flow)
    parsed = re.fullmatch(_ARN, target)
    if parsed is None or parsed[3] != "stateMachine":
        more = "; deployed.execution(...) takes the ARN of an execution" if parsed else ""
        raise FlowError(f"{target!r} is not the ARN of a state machine{more}")
    _, region, _, name, _ = parsed.groups()
    found = Deployment.find(name, region=region)
    if found.state_machine_arn != target:
        msg = (
            f"{target} is not the state machine of a deployment: the SSM parameter {parameter_name(name)} names "
            f"{found.state_machine_arn}"
        )
        raise NotFoundError(msg)
    return _with_code(found, flow)


def execution(arn: str, *, flow: Flow | type[Flow] | None = None) -> DeployedExecution:
    """Find an execution of a deployed flow.

    Args:
        arn: The ARN of the execution, or of a resume of it.
        flow: The flow, or its class, for who has its code.

    Returns:
        The execution. AWS is not asked whether it exists.

    Raises:
        NotFoundError: If its state machine is that of no deployment.
        FlowError: If it is not the ARN of an execution.

    Example::

        deployed.execution("arn:aws:states:eu-west-1:123456789012:execution:nightly:2026-01-01").status()
    """
    parsed = re.fullmatch(_ARN, arn)
    if parsed is None or parsed[3] != "execution" or not parsed[5]:
        raise FlowError(f"{arn!r} is not the ARN of an execution")
    place, _, _, machine, name = parsed.groups()
    return find(f"{place}:stateMachine:{machine}", flow=flow).execution(name.partition(RESUMED)[0])


def from_terraform(
    outputs: str | Path | Mapping[str, Any], *, output: str = "state_machine_arn", flow: Flow | type[Flow] | None = None
) -> Deployment:
    """Find a deployed flow by an output of the Terraform configuration that deployed it.

    Args:
        outputs: What ``terraform output -json`` prints, as an object or a file; or a folder, where it is run.
        output: The output with the ARN of the state machine.
        flow: The flow, or its class, for who has its code.

    Returns:
        The deployment.

    Raises:
        DeploymentError: If there is no such output, or Terraform cannot be run.
        NotFoundError: If the state machine is that of no deployment.

    Example::

        deployed.from_terraform("infrastructure/")
    """
    found = outputs if isinstance(outputs, Mapping) else _read_outputs(outputs)
    value = found.get(output)
    arn = value.get("value") if isinstance(value, Mapping) else value
    if not isinstance(arn, str):
        known = ", ".join(sorted(found)) or "none"
        raise DeploymentError(f"Terraform has no output '{output}' with an ARN. Its outputs: {known}")
    return find(arn, flow=flow)


def _read_outputs(place: str | Path) -> Mapping[str, Any]:
    from pathlib import Path  # loaded on use: it takes longer than this module

    path = Path(place)
    if path.is_dir():
        text = _run_terraform(path)
    else:
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise DeploymentError(f"the outputs of Terraform cannot be read: {error}") from None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise DeploymentError(f"{path} does not have what terraform output -json prints: {error}") from None
    if not isinstance(found, dict):
        raise DeploymentError(f"{path} does not have what terraform output -json prints, which is an object")
    return found


def _run_terraform(folder: Path) -> str:
    import shutil
    import subprocess

    program = next(filter(None, map(shutil.which, ("terraform", "tofu"))), None)
    if program is None:
        raise DeploymentError("neither terraform nor tofu is installed: pass what terraform output -json prints")
    ended = subprocess.run(  # noqa: S603 - a fixed command
        [program, "output", "-json", "-no-color"], cwd=folder, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise DeploymentError(f"terraform output failed in {folder}: {ended.stderr.strip()}")
    return ended.stdout


def _with_code(found: Deployment, flow: Flow | type[Flow] | None) -> Deployment:
    """Return a deployment with the code of its flow."""
    if flow is None:
        return found
    own = flow() if isinstance(flow, type) else flow
    return _records.evolve(found, flow=own._bind(found))  # noqa: SLF001 - one unit

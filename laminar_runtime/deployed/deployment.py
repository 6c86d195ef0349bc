"""A deployed flow: found by its name, started by parameters in JSON or, with the flow's code, of any type.

For each deployed flow Terraform creates an SSM parameter ``/laminar/<name>`` with the value
``{"state_machine_arn": ..., "datastore_root": ...}``; that of a flow with typed parameters has their JSON schema, too.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records
from laminar_runtime.causes.texts import parse_object
from laminar_runtime.deployed.clients import Clients, calls
from laminar_runtime.deployed.execution import DeployedExecution
from laminar_runtime.exceptions import DeploymentError, NotFoundError
from laminar_runtime.identifiers import LONGEST_DEPLOYED, RESUMED, check_execution_id, new_execution_id
from laminar_runtime.storage.pruning import Pruned

if TYPE_CHECKING:
    import datetime as dt

    from mypy_boto3_stepfunctions.client import SFNClient

    from laminar_runtime.flow import Flow

__all__ = ["Deployment", "parameter_name"]

#: The ARN of a state machine, and the root of a datastore, as the compiler writes them.
_MACHINE = r"arn:[a-z-]+:states:[a-z0-9-]+:[0-9]{12}:stateMachine:[^\s:]+"
_ROOT = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/\S*)?"


def parameter_name(deployment: str) -> str:
    """Return the name of the SSM parameter that describes a deployment.

    Args:
        deployment: The name of the deployment.

    Example:
        >>> parameter_name("nightly")
        '/laminar/nightly'
    """
    return f"/laminar/{deployment}"


@_records.frozen
class Deployment:
    """A deployment of a flow.

    Args:
        name: The name of the deployment.
        state_machine_arn: The ARN of its state machine.
        datastore_root: The root of its datastore, ``s3://bucket/prefix``.
        flows: The flows of a chain, in the order in which its state machine runs them; empty for a single flow.
        schema: The JSON schema of the parameters, as JSON; empty if they have no types, or the schema was too long.
        flow: The flow, for who has its code: parameters and results may then be of any type.

    Example::

        Deployment.find("nightly").start({"day": "2026-01-01"}, id="2026-01-01")
    """

    name: str
    state_machine_arn: str
    datastore_root: str
    flows: tuple[str, ...] = _records.field(default=(), converter=tuple)
    schema: str = _records.field(default="", kw_only=True, repr=False)
    flow: Flow | None = _records.field(default=None, kw_only=True, repr=lambda flow: getattr(flow, "name", "None"))

    @classmethod
    def find(cls, name: str, *, region: str | None = None) -> Deployment:
        """Find a deployment in the account of the environment.

        Args:
            name: The name of the deployment.
            region: The region; None for that of the environment.

        Returns:
            The deployment.

        Raises:
            NotFoundError: If it does not exist.
            DeploymentError: If AWS cannot be called.
        """
        parameter = parameter_name(name)
        clients = Clients(region)
        try:
            with calls(f"cannot look up the deployment '{name}'", DeploymentError):
                found = clients("ssm").get_parameter(Name=parameter)
        except NotFoundError:
            msg = (
                f"no flow is deployed as '{name}' in this account and region: the SSM parameter {parameter} does not "
                "exist. Apply the Terraform that laminar-codegen compiled, or use the name of a deployment"
            )
            raise NotFoundError(msg) from None
        try:
            return cls(name, **_parse_parameter(found["Parameter"]["Value"]))
        except ValueError as error:
            msg = (
                f"the SSM parameter {parameter} does not describe a deployment: {error}. Apply the Terraform that "
                "laminar-codegen compiled again: it writes the parameter"
            )
            raise DeploymentError(msg) from error

    def start(
        self,
        parameters: Mapping[str, Any] | None = None,
        *,
        id: str | None = None,  # noqa: A002 - the name that users pass it by
        tags: Mapping[str, str] | None = None,
    ) -> DeployedExecution:
        """Start an execution, once for an id.

        The parameters of a flow that declares their types are checked before: see `deployed.starting`.

        If an execution with this id was started before with the same parameters, nothing happens, whether it runs or
        has ended. Step Functions knows the names of executions for 90 days after their end:
        https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html

        Args:
            parameters: The flow's parameters: JSON values, or values of any type if the deployment has the flow's code.
            id: The execution's id. By default a new id is made.
            tags: Tags of the jobs of the execution. They are not part of what an id stands for: those of the first
                start count.

        Returns:
            The execution.

        Raises:
            FlowError: If the id, the parameters or the tags are not valid. The message names all that is wrong.
            StartedBeforeError: If an execution with this id was started with other parameters.
            NotFoundError: If the state machine does not exist.
            AccessDeniedError: If a permission is missing.
            DeploymentError: If the execution cannot be started otherwise.

        Example::

            execution = deployed.find("nightly").start({"day": "2026-01-01"}, id="2026-01-01", tags={"team": "risk"})
        """
        from laminar_runtime.deployed import starting

        execution = check_execution_id(new_execution_id() if id is None else id, longest=LONGEST_DEPLOYED)
        if self.flow is not None:
            self.flow._start(execution, parameters or {}, tags or {})  # noqa: SLF001 - one unit
        else:
            starting.start(self, execution, starting.Start(parameters=parameters, tags=tags or {}))
        return self.execution(execution)

    def execution(self, id: str) -> DeployedExecution:  # noqa: A002 - the name that users pass it by
        """Return the handle of an execution. AWS is not asked whether it exists.

        Args:
            id: The execution's id. The name of a resume stands for the execution that was resumed.
        """
        return DeployedExecution(self, check_execution_id(id.partition(RESUMED)[0]), flow=self.flow)

    def prune(self, older_than: dt.timedelta, *, dry_run: bool = False) -> list[Pruned]:
        """Remove executions that wrote nothing for a time and do not run, and values that nothing names any more.

        All executions of the flow in the datastore count, whichever deployment ran them. They can no longer be resumed,
        and Step Functions keeps what it knows of them. The bucket needs versions.

        Args:
            older_than: The time.
            dry_run: Whether to count only.

        Returns:
            What was removed, or would be, of each flow of the deployment.

        Raises:
            FlowError: If the time is not above 0.
            NotFoundError: If the flow of the deployment is not known.
            DatastoreError: If the bucket has no versions, or an object cannot be removed.
            AccessDeniedError: If a permission is missing.
            ExecutionError: If AWS cannot be called otherwise.

        Example::

            deployed.find("nightly").prune(datetime.timedelta(days=90))
        """
        from laminar_runtime.deployed import pruning

        return pruning.prune_deployment(self, older_than, dry_run=dry_run)

    def execution_arn(self, execution: str) -> str:
        """Return the ARN of an execution.

        Args:
            execution: The execution's id.
        """
        return f"{self.state_machine_arn.replace(':stateMachine:', ':execution:')}:{execution}"

    def client(self) -> SFNClient:
        """Return a client of Step Functions with the credentials of the environment, in the deployment's region."""
        client: SFNClient = self.clients("stepfunctions")
        return client

    @functools.cached_property
    def clients(self) -> Clients:
        """The clients of AWS' services in the deployment's region."""
        return Clients(self.state_machine_arn.split(":")[3])

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "clients"}

    def _repr_html_(self) -> str:
        from laminar_runtime.deployed import pages

        return pages.of_deployment(self)


def _parse_parameter(text: str) -> dict[str, Any]:
    """Return the fields of a deployment from its SSM parameter.

    Raises:
        ValueError: If the value is not valid. A root that is a local path is refused. With it, anyone who can write the
            parameter could make an application write to a folder of its machine, and unpickle files from there.
    """
    value = parse_object(text)
    machine, root, flows = value.get("state_machine_arn"), value.get("datastore_root"), value.get("flows", [])
    if not (isinstance(machine, str) and re.fullmatch(_MACHINE, machine)):
        raise ValueError(f"its state_machine_arn {machine!r} is not the ARN of a state machine")
    if not (isinstance(root, str) and re.fullmatch(_ROOT, root)):
        raise ValueError(f"its datastore_root {root!r} does not have the form s3://bucket or s3://bucket/prefix")
    if not (isinstance(flows, list) and all(isinstance(flow, str) for flow in flows)):
        raise ValueError(f"its flows {flows!r} are not a list of names")
    schema = value.get("parameters")
    # One of another form, as of a later release, is no reason not to find the deployment.
    written = json.dumps(schema) if isinstance(schema, dict) else ""
    return {"state_machine_arn": machine, "datastore_root": root, "flows": tuple(flows), "schema": written}

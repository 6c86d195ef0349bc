"""A deployed flow: AWS Step Functions has its executions."""

from __future__ import annotations

import datetime as dt
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from laminar_runtime import deployed
from laminar_runtime.causes.texts import parse_object
from laminar_runtime.command import parameters as words
from laminar_runtime.command.following import follow
from laminar_runtime.command.targets import Row
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.deployed import Deployment
from laminar_runtime.deployed.clients import calls
from laminar_runtime.exceptions import ExecutionError
from laminar_runtime.flow import Flow
from laminar_runtime.flow_files import FlowFile
from laminar_runtime.handles import ExecutionHandle
from laminar_runtime.identifiers import RESUMED, new_execution_id
from laminar_runtime.storage import runs
from laminar_runtime.storage.layout import STARTED_BY
from laminar_runtime.storage.pruning import Pruned

__all__ = ["DeployedTarget", "find_by_arn", "find_by_name", "find_of_file"]

#: The most executions that one request returns:
#: https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html
_PAGE = 1000


def find_by_name(name: str) -> DeployedTarget:
    """Find a deployment by its name.

    Args:
        name: The name.

    Raises:
        NotFoundError: If there is none.
    """
    return DeployedTarget(deployed.find(name))


def find_by_arn(arn: str) -> DeployedTarget:
    """Find a deployment by the ARN of its state machine, or of one of its executions, which is then meant.

    Args:
        arn: The ARN.

    Raises:
        NotFoundError: If it is that of no deployment.
    """
    if ":execution:" not in arn:
        return DeployedTarget(deployed.find(arn))
    execution = deployed.execution(arn)
    return DeployedTarget(execution.deployment, execution.id)


def find_of_file(file: FlowFile, text: str) -> DeployedTarget:
    """Find the deployment of the flow of a file.

    Args:
        file: The file.
        text: The file, as the user named it.

    Raises:
        NotFoundError: If it is not deployed.
    """
    sys.path.insert(0, str(file.place.folder))  # what unpickling imports, as for a run
    scheduler = file.flow.configuration.scheduler
    own = scheduler if isinstance(scheduler, AWS.StepFunctions) else AWS.StepFunctions()
    return DeployedTarget(
        deployed.find(own.find(file.flow.name).name, flow=file.flow), words=f"--deployed {shlex.quote(text)}"
    )


class DeployedTarget:
    """The executions of a deployed flow.

    Args:
        deployment: The deployment.
        chosen: The execution that is meant, if the target names one.
        words: The words of a command that name it, if the name of the deployment is not enough.
    """

    def __init__(self, deployment: Deployment, chosen: str | None = None, words: str = "") -> None:
        self.deployment, self._chosen, self._words = deployment, chosen, words

    @property
    def name(self) -> str:
        """The name of the deployment."""
        return self.deployment.name

    @property
    def words(self) -> str:
        """The words of a command that name it."""
        return self._words or self.name

    @property
    def flow(self) -> Flow | None:
        """The flow, for who has its code."""
        return self.deployment.flow

    @property
    def here(self) -> bool:
        """False: AWS runs it."""
        return False

    @property
    def chosen(self) -> str | None:
        """The execution that the target itself names, as an ARN does."""
        return self._chosen

    @property
    def layers(self) -> Sequence[str]:
        """The names of the flow's layers, for who has its code."""
        return () if self.flow is None else tuple(self.flow.registry)

    def read(self, given: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
        """Return the values of parameters: of the declared types, for who has the flow's code, else JSON or text.

        Without the code, the schema of the deployment, if it has one, says which parameters are text.

        Args:
            given: Their names and texts.
        """
        flow = self.flow
        return words.read_json(given, self.deployment.schema) if flow is None else words.read_parameters(flow, given)

    def run(self, parameters: Mapping[str, Any], id: str | None) -> ExecutionHandle:  # noqa: A002 - as users say it
        """Start an execution, show its progress, and wait for its end.

        Args:
            parameters: The parameters.
            id: Its id; None for a new one.
        """
        handle = self._start(parameters, id)
        follow(self.deployment.execution(handle.id), self.name)
        return handle.wait()

    def start(self, given: Sequence[tuple[str, str]], id: str | None) -> ExecutionHandle:  # noqa: A002 - the same
        """Start an execution.

        Args:
            given: The names and texts of the parameters.
            id: Its id; None for a new one.
        """
        return self._start(self.read(given), id)

    def _start(self, parameters: Mapping[str, Any], name: str | None) -> ExecutionHandle:
        with runs.noting_starter("command"):
            return self.deployment.start(parameters, id=name or new_execution_id())

    def resume(self, id: str, from_layer: str | None) -> ExecutionHandle:  # noqa: A002 - the same
        """Resume an execution.

        Args:
            id: Its id.
            from_layer: A layer that runs again, with all layers after it.
        """
        return self.execution(id).resume(from_layer=from_layer)

    def execution(self, id: str) -> ExecutionHandle:  # noqa: A002 - the same
        """Return an execution.

        Args:
            id: Its id.
        """
        return self.deployment.execution(id)

    def row(self, id: str) -> Row:  # noqa: A002 - the same
        """Return what a list has of an execution, of its last resume.

        Args:
            id: Its id.
        """
        found = self.deployment.execution(id).describe()
        return self._row(found, _starter(found))

    def rows(self, *, starters: bool) -> Iterator[Row]:
        """Yield the executions, the newest first, a page of them at a time. Those that were resumed are listed twice.

        Args:
            starters: Whether the rows have what started the executions, which takes a request for each.
        """
        client: Any = self.deployment.client()
        given: dict[str, Any] = {"stateMachineArn": self.deployment.state_machine_arn, "maxResults": _PAGE}
        while True:
            with calls(f"the executions of '{self.name}' cannot be listed", ExecutionError):
                page = client.list_executions(**given)
            for found in page["executions"]:
                resumed = RESUMED in found["name"]
                yield self._row(found, "resume" if resumed else self._find_starter(found) if starters else "")
            if not page.get("nextToken"):
                return
            given["nextToken"] = page["nextToken"]

    def prune(self, older_than: dt.timedelta, *, dry_run: bool) -> Sequence[Pruned]:
        """Remove executions that wrote nothing for a time, and values that nothing names any more, or count them.

        Args:
            older_than: The time.
            dry_run: Whether to count only.
        """
        return self.deployment.prune(older_than, dry_run=dry_run)

    def _find_starter(self, found: Mapping[str, Any]) -> str:
        with calls(f"execution {found['name']} of '{self.name}' cannot be described", ExecutionError):
            return _starter(self.deployment.client().describe_execution(executionArn=found["executionArn"]))

    def _row(self, found: Mapping[str, Any], starter: str) -> Row:
        status = "RUNNING" if found["status"] == "PENDING_REDRIVE" else found["status"]
        return Row(
            id=found["name"].partition(RESUMED)[0],
            flow=self.name,
            status=status,
            created=_ms(found.get("startDate")),
            stopped=_ms(found.get("stopDate")),
            started_by=starter,
        )


def _ms(time: Any) -> int | None:
    return None if time is None else round(time.timestamp() * 1000)


def _starter(described: Mapping[str, Any]) -> str:
    """Return what started an execution, by its input; empty if that does not say it."""
    if RESUMED in described["name"] or described.get("redriveCount"):
        return "resume"
    found = parse_object(described.get("input") or "{}").get(STARTED_BY)
    return found if isinstance(found, str) else ""

"""Flows scheduled by AWS Step Functions: this process only starts an execution, and may wait for it."""

from __future__ import annotations

from typing import Any

import attrs

from laminar_runtime.configurations import datastores
from laminar_runtime.configurations.schedulers.delegated import Delegated
from laminar_runtime.deployment import Deployment
from laminar_runtime.exceptions import SchedulerError
from laminar_runtime.flow import Execution, Flow

__all__ = ["StepFunctions"]


@attrs.define(slots=False, eq=False)
class StepFunctions(Delegated):
    """Runs flows as state machines that Terraform deployed from what ``laminar-codegen`` compiled.

    Args:
        deployment: The name that the flow was deployed under, Terraform's ``name`` variable: the flow's name unless
            given.

    Example:
        >>> from laminar_runtime import Flow
        >>> class Report(Flow): ...
        >>> flow = Report(scheduler=StepFunctions())
        >>> execution = flow(day="2026-01-01")  # doctest: +SKIP
        >>> execution.wait().layer("Publish").url  # doctest: +SKIP
    """

    deployment: str | None = None
    _found: dict[str, Deployment] = attrs.field(factory=dict, init=False, repr=False)

    def find(self, flow: Flow) -> Deployment:
        """The flow's deployment.

        Args:
            flow: The flow.

        Raises:
            DeploymentError: If there is none in this account and region.
        """
        name = self.deployment or flow.name
        if name not in self._found:
            self._found[name] = Deployment.find(name)
        return self._found[name]

    def datastore(self, *, flow: Flow) -> datastores.DataStore:
        """Where the deployment keeps artifacts."""
        return datastores.from_root(self.find(flow).datastore_root, flow.configuration.datastore)

    def run(self, *, execution: Execution) -> None:
        """Start an execution and return.

        Args:
            execution: The execution. Started twice under one id it runs once.

        Raises:
            SchedulerError: If it is to be resumed: redrive it with AWS's own tools.
            DeploymentError: If it cannot be started.
        """
        if execution.retry:
            msg = (
                "resuming a deployed execution is not done here yet: redrive it in the AWS console, or with "
                "'aws stepfunctions redrive-execution', and the state machine goes on where it failed"
            )
            raise SchedulerError(msg)
        self.find(execution.flow).start(execution.key("").execution)

    def wait_for(self, *, execution: Execution, timeout: float | None) -> None:
        """Wait until an execution ended.

        Args:
            execution: The execution.
            timeout: Seconds to wait at most; without end if None.

        Raises:
            ExecutionError: If it failed, or has not ended in time.
        """
        self.find(execution.flow).wait(execution.key("").execution, timeout=timeout)

    def compile(self, *, execution: Execution) -> dict[str, Any]:
        """Compile the flow into what ``laminar-codegen --emit plan`` prints as JSON.

        This is the one place where the runtime imports the compiler: it needs the ``codegen`` extra.

        Args:
            execution: An execution of the flow, which need not have been started.

        Returns:
            The plan as plain values.

        Raises:
            SchedulerError: If the compiler is not installed.
            CompileError: If the flow cannot be compiled; it tells every reason.
        """
        try:
            from laminar_codegen import pipeline
        except ImportError as error:
            msg = f"the compiler is not installed ({error}): install laminar-terraform[codegen]"
            raise SchedulerError(msg) from error
        return pipeline.compile_plan(execution.flow)

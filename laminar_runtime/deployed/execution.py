"""The handle of an execution of a deployed flow."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records
from laminar_runtime.deployed import descriptions
from laminar_runtime.deployed.clients import calls
from laminar_runtime.deployed.descriptions import RUNS, is_running
from laminar_runtime.exceptions import ExecutionError

if TYPE_CHECKING:
    from laminar_runtime.causes.objects import S3Objects
    from laminar_runtime.costs import Cost
    from laminar_runtime.deployed.deployment import Deployment
    from laminar_runtime.failures.record import Failures
    from laminar_runtime.flow import Flow
    from laminar_runtime.handles import Status
    from laminar_runtime.timings import Timings

__all__ = ["DeployedExecution"]

#: How many failures are read.
_SHOWN = 10


@_records.frozen
class DeployedExecution:
    """An execution of a deployed flow. `laminar_runtime.handles.ExecutionHandle` describes its methods.

    Each method asks AWS. It needs neither the flow's code nor its libraries. In asyncio, ``await execution`` waits for
    its end, and `laminar_runtime.deployed.aio` has all methods.

    Args:
        deployment: The deployment.
        id: The execution's id.
        flow: The flow, for who has its code.

    Example::

        execution = deployed.find("nightly").execution("2026-01-01")
        print(execution.status())
    """

    deployment: Deployment
    id: str
    flow: Flow | None = _records.field(default=None, kw_only=True, repr=False)

    @property
    def arn(self) -> str:
        """The ARN of its first start. A resume may have another one."""
        return self.deployment.execution_arn(self.id)

    @property
    def flow_name(self) -> str:
        """The flow's name, if it is known; else that of the deployment, as for a chain of flows."""
        return self.deployment.name if self.flow is None else self.flow.name

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return descriptions.title(self.deployment, self.id)

    @property
    def known_flow(self) -> str:
        """The flow's name, empty if unknown."""
        return "" if self.flow is None else self.flow.name

    def describe(self) -> dict[str, Any]:
        """Return what Step Functions says of it: of its last resume, or of itself if it was not resumed.

        Returns:
            The answer of https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html

        Raises:
            NotFoundError: If it does not exist.
            AccessDeniedError: If a permission is missing.
            ExecutionError: If it cannot be described otherwise.
        """
        return dict(descriptions.describe(self.deployment, self.id))

    def status(self) -> Status:
        """Return how far it is.

        Returns:
            ``RUNNING``, ``SUCCEEDED``, ``FAILED``, ``TIMED_OUT`` or ``ABORTED``.

        Raises:
            NotFoundError: If it does not exist.
            ExecutionError: If it cannot be described.
        """
        return self.status_of(self.describe())

    @staticmethod
    def status_of(described: Mapping[str, Any]) -> Status:
        """Return how far an execution is.

        Args:
            described: Its description.
        """
        # A redrive that waits for its turn runs, too.
        found: Status = described["status"]
        return "RUNNING" if found in RUNS else found

    def wait(self, *, timeout: float | None = None, poll: float | None = None) -> DeployedExecution:
        """Wait for its end.

        Args:
            timeout: The maximum wait in seconds; None for no limit.
            poll: The seconds between two looks at it, at least 0.1. By default they grow from 0.1 to 10.

        Returns:
            The execution.

        Raises:
            WaitTimeoutError: If it did not end in time. It continues to run.
            TimeLimitError: If it ran longer than its flow may.
            AbortedError: If it was stopped.
            ExecutionFailedError: If it failed otherwise. It has the failures.
            NotFoundError: If it does not exist.
            FlowError: If the time between two looks is negative.
        """
        from laminar_runtime.deployed import waiting

        first = self.describe()
        with calls(self.title, ExecutionError):
            steps = waiting.waiting(self.title, first, timeout, poll)
            self.check(waiting.drive(steps, lambda: self.look(first)))
        return self

    async def wait_async(self, *, timeout: float | None = None, poll: float | None = None) -> DeployedExecution:  # noqa: ASYNC109 - as in `wait`
        """Wait for its end in the event loop, as `wait` does in a thread.

        Args:
            timeout: The maximum wait in seconds; None for no limit.
            poll: The seconds between two looks at it.

        Returns:
            The execution.
        """
        import asyncio

        from laminar_runtime.deployed import waiting

        first = await asyncio.to_thread(self.describe)
        with calls(self.title, ExecutionError):
            steps = waiting.waiting(self.title, first, timeout, poll)
            last = await waiting.drive_async(steps, lambda: self.look(first))
        await asyncio.to_thread(self.check, last)
        return self

    def look(self, described: Mapping[str, Any]) -> Any:
        """Describe the start, or resume, that is waited for.

        Args:
            described: Its description.
        """
        return self.deployment.client().describe_execution(executionArn=described["executionArn"])

    def check(self, described: Mapping[str, Any]) -> None:
        """Check that it succeeded.

        Args:
            described: Its description, after its end.

        Raises:
            ExecutionError: If it did not: the error of `wait`.
        """
        if described["status"] != "SUCCEEDED":
            from laminar_runtime.deployed import failing

            raise failing.error_of(self.deployment, self.id, described, self.known_flow)

    def __await__(self) -> Generator[Any, None, DeployedExecution]:
        """Wait for its end without blocking the event loop, as in a notebook."""
        return self.wait_async().__await__()

    def _repr_html_(self) -> str:
        from laminar_runtime.deployed import pages

        return pages.of_execution(self)

    def failures(self, *, most: int = _SHOWN, layer: str = "", index: int | None = None) -> Failures:
        """Return why it did not succeed, in the form that its tasks leave in the datastore.

        Args:
            most: How many failures are read. All are counted.
            layer: The only layer that is asked for; empty for all.
            index: The only split of each layer that is asked for; None for all.

        Returns:
            The failures: none if it succeeded, or runs.

        Raises:
            NotFoundError: If it does not exist.
            ExecutionError: If it cannot be described.
        """
        from laminar_runtime.deployed import failing
        from laminar_runtime.failures.record import Failures

        last = self.describe()
        if is_running(last) or last["status"] == "SUCCEEDED":
            return Failures()
        return failing.read_failures(self.deployment, self.id, last, self.known_flow, most, only=(layer, index))

    def stop(self, reason: str = "it was stopped by its handle") -> None:
        """Stop it, and all jobs that it has submitted, also those that no state waits for.

        Args:
            reason: Why, for its description and those of its jobs.

        Raises:
            NotFoundError: If it does not exist.
            ExecutionError: If it, or one of its jobs, cannot be stopped.
        """
        from laminar_runtime.causes.stopping import stop_jobs

        described = self.describe()
        with calls(f"{self.title} cannot be stopped", ExecutionError):
            if is_running(described):
                self.deployment.client().stop_execution(executionArn=described["executionArn"], cause=reason)
            stop_jobs(self.deployment.clients, described["executionArn"], reason)

    def resume(self, *, from_layer: str | None = None) -> DeployedExecution:
        """Resume it if it did not succeed, without the layers and splits that finished.

        If possible, Step Functions redrives the execution. It does so for 14 days, with the state machine of the start:
        https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html

        Otherwise a new execution is started with the same id and the name ``ID@resume-N``. Its tasks end at once if
        their layer or split has finished. This is also done if another version was deployed since, for example with a
        fix, and after an `UnfinishedError`: a redrive starts at the failed state, but the unfinished layer is before
        it.

        Args:
            from_layer: A layer that runs again, with all layers after it, even if the execution succeeded: their
                records are deleted first. If several flows of a chain have a layer of this name, ``Flow.Layer``.

        Returns:
            The execution. If it runs or has succeeded, nothing happens, unless it is resumed from a layer.

        Raises:
            NotFoundError: If it does not exist, or has no such layer.
            FlowError: If several flows of a chain have a layer of this name.
            StillRunningError: If it runs, and is to be resumed from a layer.
            AccessDeniedError: If this process may not delete records, or lacks another permission.
            ExecutionError: If it can be neither redriven nor started again.
        """
        if from_layer is None:
            from laminar_runtime.deployed import resuming

            resuming.resume(self.deployment, self.id)
        else:
            from laminar_runtime.deployed import restarting

            restarting.resume_from(self.deployment, self.id, from_layer, self.flow)
        return self

    def logs(self, layer: str, index: int = 0, *, follow: bool = False, flow: str = "") -> Iterator[str]:
        """Yield the output of a layer, or of one split of it, of all attempts, from CloudWatch Logs.

        Args:
            layer: The layer's name.
            index: The index of the split, from 0.
            follow: Whether to wait for more lines until the layer, or the split, has finished, or the execution ended.
            flow: The flow's name, if the deployment is a chain of flows that have a layer of this name.

        Yields:
            The lines.

        Raises:
            NotFoundError: If it does not exist, has no such layer or split, the task has not run, or AWS Batch has
                forgotten its job.
            ExecutionError: If its history, its jobs or its output cannot be read.
        """
        from laminar_runtime.deployed import following

        with calls(f"the output of layer '{layer}' of {self.title} cannot be read", ExecutionError):
            yield from following.read_lines(self, layer, index, flow or self.known_flow, follow=follow)

    def results(self) -> Mapping[str, Any]:
        """Return the attributes of its layers by ``Layer.attribute``, read when they are asked for.

        With the flow's code they are of any type. Without it, plain values are read, of layers that have finished, and
        nothing is unpickled.

        Raises:
            NotFoundError: If it does not exist.
            DatastoreError: If they cannot be read.
        """
        if self.flow is not None:
            found = self.flow._results(self.id)  # noqa: SLF001 - one unit
            if not found:
                self.describe()  # an execution that does not exist has none, too
            return found
        from laminar_runtime.deployed import contents

        return contents.read_results(self)

    def layer(self, name: str) -> Any:
        """Return a layer of it, whose attributes are its artifacts.

        Args:
            name: The layer's name.
        """
        if self.flow is not None:
            return self.flow.execution(self.id).layer(name)
        from laminar_runtime.deployed import contents

        return contents.StoredLayer(contents.read_results(self), name)

    def timings(self) -> Timings:
        """Return when its attempts were created, started and stopped, by its history and the descriptions of its jobs.

        All starts are in it: those of resumes, and each start of a job and of a child of an array job. AWS Batch
        forgets jobs some days after their end, which is noted.

        Raises:
            NotFoundError: If it does not exist.
            ExecutionError: If its history or its jobs cannot be read.
        """
        return self.measure()[0]

    def cost(self) -> Cost:
        """Return what it cost, by the prices of AWS in us-east-1: its state transitions, and the time of its jobs.

        Raises:
            NotFoundError: If it does not exist.
            ExecutionError: If its history or its jobs cannot be read.
        """
        return self.measure()[1]

    def measure(self) -> tuple[Timings, Cost]:
        """Return its times and what it cost, by the requests that one of them takes.

        Raises:
            NotFoundError: If it does not exist.
            ExecutionError: If its history or its jobs cannot be read.
        """
        from laminar_runtime.deployed import measuring

        return measuring.measure(self)

    @property
    def resume_command(self) -> str:
        """The command that resumes it."""
        from laminar_runtime.deployed.failing import resume_command

        return resume_command(self.deployment.name, self.id)

    @property
    def objects(self) -> S3Objects:
        """The objects of its datastore."""
        from laminar_runtime.causes.objects import S3Objects

        return S3Objects(self.deployment.clients("s3"), self.deployment.datastore_root)

    @property
    def link(self) -> str:
        """The address of its start in the console of AWS."""
        from laminar_runtime.failures.console import execution_link

        return execution_link(self.arn)

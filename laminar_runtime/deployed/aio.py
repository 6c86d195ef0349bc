"""Deployed flows in asyncio: the same as `laminar_runtime.deployed`, with ``await``.

The calls of AWS run in threads, and the sleeps between them in the event loop, so thousands of waits need no thread of
their own. What is decided between two looks at an execution is the same code: `laminar_runtime.deployed.waiting`.

::

    from laminar_runtime.deployed import aio

    nightly = await aio.find("nightly")
    execution = await nightly.start({"day": "2026-01-01"})
    await execution.wait(timeout=3600)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from laminar_runtime import _records
from laminar_runtime.deployed import finding
from laminar_runtime.deployed.deployment import Deployment
from laminar_runtime.deployed.execution import DeployedExecution
from laminar_runtime.exceptions import NotFoundError
from laminar_runtime.storage.pruning import Pruned

if TYPE_CHECKING:
    import datetime as dt

    from laminar_runtime.costs import Cost
    from laminar_runtime.failures.record import Failures
    from laminar_runtime.flow import Flow
    from laminar_runtime.handles import Status
    from laminar_runtime.timings import Timings

__all__ = ["AsyncDeployment", "AsyncExecution", "execution", "find", "from_terraform"]

Item = TypeVar("Item")
_END: Any = object()


async def find(target: str, *, flow: Flow | type[Flow] | None = None) -> AsyncDeployment:
    """Find a deployed flow: see `laminar_runtime.deployed.find`.

    Args:
        target: The name of the deployment, or the ARN of its state machine.
        flow: The flow, or its class, for who has its code.
    """
    return AsyncDeployment(await asyncio.to_thread(finding.find, target, flow=flow))


async def execution(arn: str, *, flow: Flow | type[Flow] | None = None) -> AsyncExecution:
    """Find an execution: see `laminar_runtime.deployed.execution`.

    Args:
        arn: The ARN of the execution.
        flow: The flow, or its class, for who has its code.
    """
    return AsyncExecution(await asyncio.to_thread(finding.execution, arn, flow=flow))


async def from_terraform(
    outputs: str | Path | Mapping[str, Any], *, output: str = "state_machine_arn", flow: Flow | type[Flow] | None = None
) -> AsyncDeployment:
    """Find a deployed flow by an output of Terraform: see `laminar_runtime.deployed.from_terraform`.

    Args:
        outputs: What ``terraform output -json`` prints, as an object or a file; or a folder, where it is run.
        output: The output with the ARN of the state machine.
        flow: The flow, or its class, for who has its code.
    """
    found = await asyncio.to_thread(finding.from_terraform, outputs, output=output, flow=flow)
    return AsyncDeployment(found)


@_records.frozen
class AsyncDeployment:
    """A deployed flow, in asyncio.

    Args:
        plain: The same, without asyncio.
    """

    plain: Deployment

    async def start(
        self,
        parameters: Mapping[str, Any] | None = None,
        *,
        id: str | None = None,  # noqa: A002 - the name that users pass it by
        tags: Mapping[str, str] | None = None,
    ) -> AsyncExecution:
        """Start an execution, once for an id: see `Deployment.start`.

        Args:
            parameters: The flow's parameters.
            id: The execution's id. By default a new id is made.
            tags: Tags of the jobs of the execution.
        """
        return AsyncExecution(await asyncio.to_thread(self.plain.start, parameters, id=id, tags=tags))

    def execution(self, id: str) -> AsyncExecution:  # noqa: A002 - the name that users pass it by
        """Return the handle of an execution.

        Args:
            id: The execution's id.
        """
        return AsyncExecution(self.plain.execution(id))

    async def prune(self, older_than: dt.timedelta, *, dry_run: bool = False) -> list[Pruned]:
        """Remove executions that wrote nothing for a time, and values that nothing names: see `Deployment.prune`.

        Args:
            older_than: The time.
            dry_run: Whether to count only.
        """
        return await asyncio.to_thread(self.plain.prune, older_than, dry_run=dry_run)


@_records.frozen
class AsyncExecution:
    """An execution of a deployed flow, in asyncio. ``await execution`` waits for its end.

    Args:
        plain: The same, without asyncio: `DeployedExecution` describes the methods.
    """

    plain: DeployedExecution

    @property
    def id(self) -> str:
        """The execution's id."""
        return self.plain.id

    async def describe(self) -> dict[str, Any]:
        """Return what Step Functions says of it."""
        return await asyncio.to_thread(self.plain.describe)

    async def status(self) -> Status:
        """Return how far it is."""
        return await asyncio.to_thread(self.plain.status)

    async def wait(self, *, timeout: float | None = None, poll: float | None = None) -> AsyncExecution:  # noqa: ASYNC109 - as in the plain one
        """Wait for its end. The task that waits may be cancelled; the execution goes on.

        Args:
            timeout: The maximum wait in seconds; None for no limit.
            poll: The seconds between two looks at it.
        """
        await self.plain.wait_async(timeout=timeout, poll=poll)
        return self

    def __await__(self) -> Generator[Any, None, AsyncExecution]:
        return self.wait().__await__()

    async def results(self) -> Mapping[str, Any]:
        """Return the attributes of its layers by ``Layer.attribute``. Each is read when it is asked for."""
        return await asyncio.to_thread(self.plain.results)

    async def result(self, name: str) -> Any:
        """Return the value of an attribute.

        Args:
            name: Its name, ``Layer.attribute``.

        Raises:
            NotFoundError: If the execution does not exist, or has no such result.
        """
        return await asyncio.to_thread(self._result, name)

    def _result(self, name: str) -> Any:
        results = self.plain.results()
        if name not in results:
            known = ", ".join(results) or "none"
            raise NotFoundError(f"{self.plain.title} has no result '{name}', or not yet. It has: {known}")
        return results[name]

    async def failures(self, *, most: int = 10, layer: str = "", index: int | None = None) -> Failures:
        """Return why it did not succeed.

        Args:
            most: How many failures are read.
            layer: The only layer that is asked for; empty for all.
            index: The only split of each layer that is asked for; None for all.
        """
        return await asyncio.to_thread(lambda: self.plain.failures(most=most, layer=layer, index=index))

    async def logs(self, layer: str, index: int = 0, *, follow: bool = False, flow: str = "") -> AsyncIterator[str]:
        """Yield the output of a layer, or of one split of it.

        Args:
            layer: The layer's name.
            index: The index of the split, from 0.
            follow: Whether to wait for more lines until the layer, or the split, has ended.
            flow: The flow's name, if the deployment is a chain of flows.
        """
        async for line in _iterate(self.plain.logs(layer, index, follow=follow, flow=flow)):
            yield line

    async def stop(self, reason: str = "it was stopped by its handle") -> None:
        """Stop it, and all jobs that it has submitted.

        Args:
            reason: Why.
        """
        await asyncio.to_thread(self.plain.stop, reason)

    async def resume(self, *, from_layer: str | None = None) -> AsyncExecution:
        """Resume it.

        Args:
            from_layer: A layer that runs again, with all layers after it, even if they have finished.
        """
        await asyncio.to_thread(lambda: self.plain.resume(from_layer=from_layer))
        return self

    async def timings(self) -> Timings:
        """Return when its attempts were created, started and stopped."""
        return await asyncio.to_thread(self.plain.timings)

    async def cost(self) -> Cost:
        """Return what it cost, by the prices of AWS."""
        return await asyncio.to_thread(self.plain.cost)

    async def measure(self) -> tuple[Timings, Cost]:
        """Return its times and what it cost, by the requests that one of them takes."""
        return await asyncio.to_thread(self.plain.measure)


async def _iterate(items: Iterator[Item]) -> AsyncIterator[Item]:
    """Yield the items of an iterator, each awaited in a thread."""
    while (item := await asyncio.to_thread(next, items, _END)) is not _END:
        yield item

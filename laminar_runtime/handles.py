"""What all handles of executions have in common: of runs on this machine, of rehearsals and of deployed flows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Protocol, get_args

from laminar_runtime.costs import Cost
from laminar_runtime.failures.record import Failures
from laminar_runtime.timings import Timings

__all__ = ["ENDED", "STATUSES", "ExecutionHandle", "Status"]

Status = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
#: How far an execution is. A redrive that waits for its turn runs.
STATUSES: tuple[Status, ...] = get_args(Status)
#: The statuses of executions that have ended.
ENDED: frozenset[str] = frozenset(STATUSES) - {"RUNNING"}


class ExecutionHandle(Protocol):
    """An execution of a flow, wherever it runs. A method that needs what its kind of run does not have says so."""

    @property
    def id(self) -> str:
        """The execution's id."""

    @property
    def flow_name(self) -> str:
        """The flow's name; of a deployed chain of flows, that of the deployment."""

    def status(self) -> Status:
        """Return how far the execution is.

        Raises:
            NotFoundError: If it does not exist.
        """

    def wait(self, *, timeout: float | None = None, poll: float | None = None) -> ExecutionHandle:
        """Wait for its end, and return it.

        Args:
            timeout: The maximum wait in seconds; None for no limit.
            poll: The seconds between two looks at it; None for what suits its kind.

        Raises:
            WaitTimeoutError: If it did not end in time. It continues to run.
            TimeLimitError: If it ran longer than its flow may.
            AbortedError: If it was stopped.
            ExecutionFailedError: If it failed otherwise. It has the failures.
        """

    def results(self) -> Mapping[str, Any]:
        """Return the attributes of its layers by ``Layer.attribute``, read when they are asked for.

        What is not JSON can be read only with the flow's code.
        """

    def layer(self, name: str) -> Any:
        """Return a layer of it, whose attributes are its artifacts.

        Args:
            name: The layer's name.
        """

    def failures(self, *, most: int = 10, layer: str = "", index: int | None = None) -> Failures:
        """Return why it did not succeed: none if it succeeded, or runs.

        Args:
            most: How many failures are read. All are counted.
            layer: The only layer that is asked for; empty for all.
            index: The only split of each layer that is asked for; None for all.
        """

    def logs(self, layer: str, index: int = 0, *, follow: bool = False) -> Iterator[str]:
        """Yield the output of a layer, or of one split of it, of all attempts, line by line.

        Args:
            layer: The layer's name.
            index: The index of the split, from 0.
            follow: Whether to wait for more lines until the layer, or the split, has ended.
        """

    def stop(self, reason: str = "") -> None:
        """Stop it, and all that it has started.

        Args:
            reason: Why.
        """

    def resume(self, *, from_layer: str | None = None) -> ExecutionHandle:
        """Run it again, without what has finished, and return its handle.

        Args:
            from_layer: A layer that runs again, with all layers after it, even if they have finished.
        """

    def timings(self) -> Timings:
        """Return when its attempts were created, started and stopped."""

    def cost(self) -> Cost:
        """Return what it cost, by the prices of AWS."""

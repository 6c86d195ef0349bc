"""What a command is about: a flow whose executions it starts, shows or changes, and an execution in a list."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from laminar_runtime import _records
from laminar_runtime.exceptions import NotFoundError
from laminar_runtime.flow import Flow
from laminar_runtime.handles import ExecutionHandle
from laminar_runtime.storage.pruning import Pruned

__all__ = ["NEWEST", "Row", "Target", "choose"]

#: The word for the newest execution.
NEWEST = "last"


@_records.frozen(kw_only=True)
class Row:
    """An execution in a list.

    Args:
        id: Its id.
        flow: The flow's name, or that of the deployment.
        status: How far it is.
        created: When it was started, in milliseconds since 1970; None if unknown.
        stopped: When it ended; None if it has not, or that is unknown.
        started_by: What started it: ``application``, ``command``, ``schedule``, ``event`` or ``resume``; empty if
            unknown.
    """

    id: str
    flow: str
    status: str
    created: int | None = None
    stopped: int | None = None
    started_by: str = ""

    @property
    def seconds(self) -> float | None:
        """How long it took, or has taken; None if that is unknown."""
        end = time.time_ns() // 1_000_000 if self.status == "RUNNING" else self.stopped
        return None if self.created is None or end is None else (end - self.created) / 1000


class Target(Protocol):
    """A flow whose executions a command is about."""

    @property
    def name(self) -> str:
        """The flow's name, or that of the deployment."""

    @property
    def words(self) -> str:
        """The words of a command that name it."""

    @property
    def flow(self) -> Flow | None:
        """The flow, if its code is known."""

    @property
    def here(self) -> bool:
        """Whether this process runs the flow, so that a run or a resume returns at its end."""

    @property
    def chosen(self) -> str | None:
        """The execution that the target itself names, as an ARN does."""

    @property
    def layers(self) -> Sequence[str]:
        """The names of the flow's layers; none if they are not known."""

    def read(self, given: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
        """Return the values of parameters, which are given as texts.

        Raises:
            FlowError: If they do not fit what the flow declares, as far as that is known.
        """

    def run(self, parameters: Mapping[str, Any], id: str | None) -> ExecutionHandle:  # noqa: A002 - as users say it
        """Run an execution to its end, and show its progress."""

    def start(self, given: Sequence[tuple[str, str]], id: str | None) -> ExecutionHandle:  # noqa: A002 - the same
        """Start an execution, and return."""

    def resume(self, id: str, from_layer: str | None) -> ExecutionHandle:  # noqa: A002 - the same
        """Resume an execution; on this machine to its end."""

    def execution(self, id: str) -> ExecutionHandle:  # noqa: A002 - the same
        """Return an execution.

        Raises:
            NotFoundError: If it does not exist.
        """

    def row(self, id: str) -> Row:  # noqa: A002 - the same
        """Return what a list has of one execution."""

    def rows(self, *, starters: bool) -> Iterator[Row]:
        """Yield the executions, the newest first. A deployed one takes a request more with what started it."""

    def prune(self, older_than: dt.timedelta, *, dry_run: bool) -> Sequence[Pruned]:
        """Remove executions that wrote nothing for a time, and values that nothing names any more, or count them."""


def choose(target: Target, id: str | None) -> str:  # noqa: A002 - the name that users pass it by
    """Return the id of the execution that a command is about.

    Args:
        target: The target.
        id: The id that the user named, `NEWEST`, or None, which means the same.

    Raises:
        NotFoundError: If there is no execution.
    """
    if target.chosen is not None:
        return target.chosen
    if id not in {None, NEWEST}:
        return str(id)
    newest = next(target.rows(starters=False), None)
    if newest is None:
        raise NotFoundError(f"'{target.name}' has no executions yet: start one with `laminar start`")
    return newest.id

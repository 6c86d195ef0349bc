"""A flow on this machine: its file runs it, and its datastore has its executions."""

from __future__ import annotations

import datetime as dt
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from laminar_runtime.command import parameters as words
from laminar_runtime.command.targets import Row
from laminar_runtime.configurations.schedulers import AWS, Scheduler
from laminar_runtime.exceptions import FlowError
from laminar_runtime.execution import Execution
from laminar_runtime.flow import Flow
from laminar_runtime.flow_files import FlowFile
from laminar_runtime.handles import ExecutionHandle
from laminar_runtime.identifiers import new_execution_id, start_time
from laminar_runtime.introspection import naming
from laminar_runtime.local_handles import LocalHandle
from laminar_runtime.progress import warn
from laminar_runtime.storage import pruning, runs
from laminar_runtime.storage.layout import cache_prefix, executions_prefix
from laminar_runtime.storage.pruning import Pruned

__all__ = ["LocalTarget"]


class LocalTarget:
    """The runs of a flow on this machine.

    Args:
        file: The flow, read from its file.
        text: What the user named.
    """

    def __init__(self, file: FlowFile, text: str) -> None:
        self._file, self._text = file, text
        # What the file imports is beside it, for us and for the processes of tasks, as when Python runs the file.
        sys.path.insert(0, str(file.place.folder))
        self.delegated = self._ran = False
        for flow in (file.flow, *file.following):
            if isinstance(flow.configuration.scheduler, AWS.StepFunctions):
                flow.configuration.scheduler, self.delegated = Scheduler(), True

    @property
    def name(self) -> str:
        """The flow's name."""
        return self.flow.name

    @property
    def words(self) -> str:
        """The file, as the user named it."""
        return shlex.quote(self._text)

    @property
    def flow(self) -> Flow:
        """The flow; of a chain, the first one."""
        return self._file.flow

    @property
    def flows(self) -> Sequence[Flow]:
        """The flow, and those that follow."""
        return (self.flow, *self._file.following)

    @property
    def here(self) -> bool:
        """True: this process runs it."""
        return True

    @property
    def chosen(self) -> str | None:
        """None: a file names no execution."""
        return None

    @property
    def layers(self) -> Sequence[str]:
        """The names of the flow's layers."""
        return tuple(self.flow.registry)

    def read(self, given: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
        """Return the values of parameters.

        Args:
            given: Their names and texts.
        """
        return words.read_parameters(self.flow, given)

    def run(self, parameters: Mapping[str, Any], id: str | None) -> ExecutionHandle:  # noqa: A002 - as users say it
        """Run an execution to its end, and those of the flows that follow.

        Args:
            parameters: The parameters.
            id: Its id; None for a new one.
        """
        if self.delegated:
            warn(
                f"flow {self.name} is deployed to AWS Step Functions; this runs it on this machine. To start the "
                f"deployment: laminar start --deployed {self._text}"
            )
        self._ran = True
        with runs.noting_starter("command"):
            return self._follow(self.flow(id or new_execution_id(), **parameters))

    def start(self, given: Sequence[tuple[str, str]], id: str | None) -> ExecutionHandle:  # noqa: A002 - the same
        """Run an execution in a process of its own, which continues after this one.

        Args:
            given: The names and texts of the parameters.
            id: Its id; None for a new one.
        """
        from laminar_runtime.command import background

        self._check_datastore("started in the background")
        self.read(given)  # errors are found before the process is started
        name = id or new_execution_id()
        options = [word for one, text in given for word in ("--param", f"{one}={text}")]
        background.start(
            ["run", "--id", name, *options, "--", self._text], lambda process: self._is_run_by(process, name)
        )
        return self.execution(name)

    def _is_run_by(self, process: int, name: str) -> bool:
        run = self._run_of(name)
        return run is not None and run.process == process

    def _run_of(self, name: str) -> runs.Run | None:
        return runs.read(self.flow.datastore.transport, self.name, name)

    def resume(self, id: str, from_layer: str | None) -> ExecutionHandle:  # noqa: A002 - the same
        """Resume an execution to its end, and run the flows that follow.

        Args:
            id: Its id.
            from_layer: A layer that runs again, with all layers after it.
        """
        self._check_datastore("resumed")
        handle = LocalHandle(self.flow.execution(id))
        with runs.noting_starter("command"):
            handle.resume(from_layer=from_layer)
            return self._follow(handle.execution, resumes=True)

    def execution(self, id: str) -> LocalHandle:  # noqa: A002 - the same
        """Return an execution; of a chain of flows, that of the last one that has begun.

        Args:
            id: Its id.
        """
        if not self._ran:  # what this process has run is in its memory
            self._check_datastore("found")
        for flow in reversed(self._file.following):
            execution = flow.execution(id)
            if execution.known:
                return LocalHandle(execution)
        return LocalHandle(self.flow.execution(id))

    def row(self, id: str) -> Row:  # noqa: A002 - the same
        """Return what a list has of an execution.

        Args:
            id: Its id.
        """
        return self._row(id, self.execution(id))

    def rows(self, *, starters: bool) -> Iterator[Row]:
        """Yield the executions, the newest first. In memory are their ids and times, and the records of one page.

        Args:
            starters: Whether the rows have what started the executions: here they always do.
        """
        del starters
        transport = self.flow.datastore.transport
        found = set(transport.names(cache_prefix(self.name))) | set(transport.names(executions_prefix(self.name)))
        # Ids that are made in the same millisecond sort by their text.
        order = sorted(((self._start_of(name), name) for name in found if naming.flaw(name) is None), reverse=True)
        for _, name in order:
            yield self.row(name)

    def prune(self, older_than: dt.timedelta, *, dry_run: bool) -> Sequence[Pruned]:
        """Remove executions that wrote nothing for a time, and values that nothing names any more, or count them.

        Args:
            older_than: The time.
            dry_run: Whether to count only.

        Raises:
            FlowError: If the datastore cannot be pruned.
        """
        self._check_datastore("pruned")
        # The flows of a chain share an execution: those in one datastore are pruned together.
        stores: dict[str, list[Flow]] = {}
        for flow in (self.flow, *self._file.following):
            stores.setdefault(flow.datastore.root, []).append(flow)
        return [found for flows in stores.values() for found in _prune(flows, older_than, dry_run=dry_run)]

    def _start_of(self, name: str) -> int:
        """Return when an execution was started: an id that we make says so, else its record does."""
        known = start_time(name)
        if known is not None:
            return known
        run = self._run_of(name)
        return 0 if run is None else run.created

    def _row(self, name: str, handle: LocalHandle) -> Row:
        run = handle.run
        created = start_time(name) if run is None else run.created
        stopped, starter = (None, "") if run is None else (run.stopped, run.started_by)
        return Row(
            id=name,
            flow=handle.flow_name,
            status=handle.status(),
            created=created,
            stopped=stopped,
            started_by=starter,
        )

    def _follow(self, execution: Execution, *, resumes: bool = False) -> ExecutionHandle:
        """Run the flows of a chain after an execution, and return the handle of the last one."""
        from laminar_runtime import _records

        for flow, linker in zip(self._file.following, self._file.linkers, strict=True):
            before = _records.evolve(execution, retry=resumes)
            execution = before.next(flow=flow, linker=linker)
        return LocalHandle(execution)

    def _check_datastore(self, what: str) -> None:
        if self.flow.datastore.in_process:
            msg = (
                f"executions of flow '{self.name}' cannot be {what} by another process: its datastore is the memory of "
                "the process that runs it. Configure another one, such as datastores.Local()"
            )
            raise FlowError(msg)


def _prune(flows: Sequence[Flow], older_than: dt.timedelta, *, dry_run: bool) -> Sequence[Pruned]:
    """Prune flows that have one datastore."""
    from laminar_runtime.configurations.datastores.local import FileTransport

    store, names = flows[0].datastore, [flow.name for flow in flows]
    if store.root.startswith("s3://"):
        from laminar_runtime.deployed.clients import Clients
        from laminar_runtime.deployed.pruning import Bucket, prune_bucket

        return prune_bucket(Bucket(Clients(), store.root), names, older_than, dry_run=dry_run)
    if not isinstance(store.transport, FileTransport):
        raise FlowError(
            f"the executions of flow '{names[0]}' cannot be pruned: its datastore has a transport of its own, "
            f"{type(store.transport).__name__}. Only folders and buckets can be"
        )
    from laminar_runtime.configurations.datastores.local_shelf import FileShelf

    now = time.time()
    return pruning.prune(
        FileShelf(store.transport), names, before=now - older_than.total_seconds(), now=now, dry_run=dry_run
    )

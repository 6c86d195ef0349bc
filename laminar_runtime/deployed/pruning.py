"""Removes old executions from a bucket, and the values that nothing names any more.

`laminar_runtime.storage.pruning` has what is done. Here is what a bucket needs for it: versions. To remove the version
of a value that was listed leaves the one that a task has written meanwhile. Nothing else does: S3 can make a removal
depend on the bytes of an object, but not on the time of its write, and who writes a value again writes the same bytes.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records
from laminar_runtime.blocks import block
from laminar_runtime.causes.objects import S3Objects
from laminar_runtime.causes.texts import parse_object
from laminar_runtime.configurations.datastores.transport import Transport, map_requests
from laminar_runtime.deployed.clients import Clients, calls
from laminar_runtime.deployed.descriptions import RUNS
from laminar_runtime.exceptions import DatastoreError, ExecutionError, FlowError, MissingError, NotFoundError
from laminar_runtime.identifiers import RESUMED
from laminar_runtime.storage import pruning, runs
from laminar_runtime.storage.graphs import read_graph
from laminar_runtime.storage.pruning import Pruned, Running, Stored

if TYPE_CHECKING:
    import datetime as dt

    from laminar_runtime.deployed.deployment import Deployment

__all__ = ["Bucket", "BucketShelf", "prune_bucket", "prune_deployment"]

#: Where deployments are described.
_DEPLOYMENTS = "/laminar/"
#: The seconds after its last write for which a run on a machine may still be one: no execution of Step Functions is
#: longer either. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_LONGEST = 366 * 86_400
#: How many of the newest executions are asked for the name of their flow.
_ASKED = 20


@_records.frozen
class Bucket:
    """A datastore in a bucket.

    Args:
        clients: The clients of AWS' services.
        root: Its root, ``s3://bucket/prefix``.
        machine: The ARN of the state machine of a deployment that uses it, besides those that are found.
    """

    clients: Clients
    root: str
    machine: str = ""


class BucketShelf:
    """The objects of a bucket.

    Args:
        bucket: The bucket.
        transport: Reads objects of it.

    Raises:
        DatastoreError: If the bucket has no versions.
    """

    locks = False

    def __init__(self, bucket: Bucket, transport: Transport) -> None:
        self._clients, self._root, self._own = bucket.clients, bucket.root, bucket.machine
        self._transport = transport
        self._objects = S3Objects(self._clients("s3"), self._root)
        if not self._objects.has_versions:
            name = self._objects.bucket
            raise DatastoreError(
                f"bucket {name} has no versions, so a value could be removed that a task is writing at the moment. "
                f"Turn them on: aws s3api put-bucket-versioning --bucket {name} --versioning-configuration "
                "Status=Enabled. The module 'datastore' does so, and lets old versions expire"
            )

    def alone(self, flow: str) -> AbstractContextManager[None]:  # noqa: ARG002 - as others take it
        """Keep nobody away: several may remove the same versions.

        Args:
            flow: The flow's name.
        """
        return contextlib.nullcontext()

    def walk(self, prefix: str) -> Iterator[Stored]:
        """Yield all objects below a prefix.

        Args:
            prefix: The prefix.
        """
        return self._objects.walk(prefix)

    def values(self, prefix: str) -> Iterator[Stored]:
        """Yield all values, with their versions.

        Args:
            prefix: The prefix.
        """
        return self._objects.walk_versions(prefix)

    def read(self, keys: Iterable[str]) -> Iterator[bytes]:
        """Read objects, many at once.

        Args:
            keys: Their keys.
        """

        def read(key: str) -> bytes:
            try:
                return self._transport.get(key)
            except MissingError:
                return b""

        return map_requests(self._transport, read, keys)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete at most 1,000 objects.

        Args:
            keys: Their keys.
        """
        self._objects.delete_keys(keys)

    def running(self, flow: str) -> Running:  # noqa: ARG002 - as others take it
        """Return the executions that run, of all deployments that use the datastore.

        Args:
            flow: The flow's name.
        """
        names, starts = set(), []
        for machine, is_here in self._machines().items():
            for status in sorted(RUNS):
                given = {"stateMachineArn": machine, "statusFilter": status}
                for found in self._list(given, is_here=is_here):
                    names.add(found["name"].partition(RESUMED)[0])
                    starts.append(found["startDate"].timestamp())
        return Running(frozenset(names), min(starts, default=None))

    def _list(self, given: Mapping[str, str], *, is_here: bool) -> Iterator[Mapping[str, Any]]:
        """Yield executions of a state machine. One that is gone has none, if this is where it would be."""
        from botocore.exceptions import ClientError

        try:
            for page in self._clients("stepfunctions").get_paginator("list_executions").paginate(**given):
                yield from page["executions"]
        except ClientError as error:
            if not is_here or error.response.get("Error", {}).get("Code") != "StateMachineDoesNotExist":
                raise

    def _machines(self) -> dict[str, bool]:
        """Return the state machines of all deployments that use the datastore, and which are in this place of AWS.

        A description may be older than the state machine's end: it was made by hand, or a destroy was interrupted.
        """
        found = {self._own: False} if self._own else {}
        pages = self._clients("ssm").get_paginator("get_parameters_by_path")
        for page in pages.paginate(Path=_DEPLOYMENTS, Recursive=True):
            for parameter in page["Parameters"]:
                described = parse_object(parameter["Value"])
                machine, root = described.get("state_machine_arn"), described.get("datastore_root")
                if isinstance(machine, str) and isinstance(root, str) and root.rstrip("/") == self._root.rstrip("/"):
                    place = parameter["ARN"].split(":")[3:5]  # the region and the account
                    found[machine] = machine.split(":")[3:5] == place
        return found

    def read_notes(self, flow: str, executions: Mapping[str, float], before: float) -> Running:
        """Return the runs on machines that may run, or ended after a time: here no lock says who runs.

        Args:
            flow: The flow's name.
            executions: The executions that have a note on their run, with the time of their last write.
            before: The time.
        """
        names, starts, now = set(), [], time.time()
        found = map_requests(
            self._transport, lambda name: (name, runs.read(self._transport, flow, name)), list(executions)
        )
        for name, run in found:
            if run is None:
                continue
            if run.status == "RUNNING" and executions[name] > now - _LONGEST:
                names.add(name)
                starts.append(run.started / 1000)
            elif run.stopped is not None and run.stopped / 1000 >= before:
                names.add(name)
        return Running(frozenset(names), min(starts, default=None))

    @block
    def hold(self, flow: str, execution: str) -> Iterator[bool]:  # noqa: ARG002 - as others take it
        """Yield True: S3 has no locks that end with a process.

        Args:
            flow: The flow's name.
            execution: The execution's id.
        """
        yield True

    def drop(self, values: Sequence[Stored], before: float) -> Sequence[Stored]:  # noqa: ARG002 - as others take it
        """Remove those versions of values that were listed.

        Args:
            values: The values.
            before: All of them were written before this time.
        """
        # The oldest first: if this ends in between, a newer one is still there.
        self._objects.delete_versions(
            (stored.key, version) for stored in values for version in reversed(stored.versions)
        )
        return values


def prune_bucket(bucket: Bucket, flows: Sequence[str], older_than: dt.timedelta, *, dry_run: bool) -> list[Pruned]:
    """Remove old executions of flows from a bucket.

    Args:
        bucket: The bucket.
        flows: The names of the flows.
        older_than: For how long they have written nothing.
        dry_run: Whether to count only.

    Returns:
        What was removed of each flow.

    Raises:
        DatastoreError: If the bucket has no versions.
        AccessDeniedError: If a permission is missing.
        ExecutionError: If AWS cannot be called.
    """
    from laminar_runtime.configurations.datastores import AWS

    now = time.time()
    before = now - seconds_of(older_than)
    with calls(f"the executions at {bucket.root} cannot be pruned", ExecutionError):
        shelf = BucketShelf(bucket, AWS.S3(root=bucket.root).transport)
        return pruning.prune(shelf, flows, before=before, now=now, dry_run=dry_run)


def seconds_of(older_than: dt.timedelta) -> float:
    """Return the seconds of an age.

    Args:
        older_than: The age.

    Raises:
        FlowError: If it is not above 0.
    """
    seconds = older_than.total_seconds()
    if seconds <= 0:
        raise FlowError(f"executions cannot be older than {older_than}: give a time above 0")
    return seconds


def prune_deployment(deployment: Deployment, older_than: dt.timedelta, *, dry_run: bool) -> list[Pruned]:
    """Remove old executions of the flows of a deployment: see `Deployment.prune`.

    Args:
        deployment: The deployment.
        older_than: For how long they have written nothing.
        dry_run: Whether to count only.
    """
    seconds_of(older_than)
    flows = (deployment.flow.name,) if deployment.flow and not deployment.flows else _flows_of(deployment)
    bucket = Bucket(deployment.clients, deployment.datastore_root, deployment.state_machine_arn)
    return prune_bucket(bucket, flows, older_than, dry_run=dry_run)


def _flows_of(deployment: Deployment) -> tuple[str, ...]:
    """Return the flows of a deployment: those of a chain, or the flow that its newest executions are of."""
    if deployment.flows:
        return deployment.flows
    client: Any = deployment.client()
    with calls(f"the flow of '{deployment.name}' cannot be found", ExecutionError):
        objects = S3Objects(deployment.clients("s3"), deployment.datastore_root)
        names = objects.names("")
        if len(names) <= 1:
            return tuple(names)
        page = client.list_executions(stateMachineArn=deployment.state_machine_arn, maxResults=_ASKED)
        for found in page["executions"]:
            execution = found["name"].partition(RESUMED)[0]
            for name in names:
                if read_graph(objects, name, execution) is not None:
                    return (name,)
    raise NotFoundError(
        f"the flow of '{deployment.name}' is not known: several flows use {deployment.datastore_root}, and none of its "
        f"last {_ASKED} executions is stored there. Name the flow's file: laminar prune --deployed flow.py"
    )

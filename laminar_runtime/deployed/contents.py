"""The results of an execution for who has not the flow's code: plain values, read without unpickling anything."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records
from laminar_runtime.configurations import serde
from laminar_runtime.configurations.datastores import AWS
from laminar_runtime.configurations.datastores.encoding import FRAMES, decode, serializer_of
from laminar_runtime.exceptions import DatastoreError, UnsetError
from laminar_runtime.report.plain_values import read_plain
from laminar_runtime.storage.archives import Artifact
from laminar_runtime.storage.commits import Commit, Record
from laminar_runtime.storage.layout import LayerKey, layers_prefix

if TYPE_CHECKING:
    from laminar_runtime.configurations.datastores import DataStore
    from laminar_runtime.deployed.execution import DeployedExecution

__all__ = ["StoredLayer", "StoredResults", "read_results"]

_PICKLE = serde.PickleProtocol.extension


def read_results(execution: DeployedExecution) -> StoredResults:
    """Return the results of a deployed execution.

    Args:
        execution: The execution.

    Raises:
        NotFoundError: If the execution does not exist.
        DatastoreError: If the datastore cannot be read.
    """
    deployment = execution.deployment
    store = AWS.S3(root=deployment.datastore_root, pickle=False)
    flows = deployment.flows or store.transport.names("")
    found = StoredResults(store, flows, execution.id)
    if not found:
        # Step Functions forgets executions 90 days after their end, and their results stay: so it is asked only here.
        execution.describe()
    return found


@_records.frozen
class _Found:
    """A layer that has finished."""

    key: LayerKey
    record: Record

    @property
    def splits(self) -> list[int]:
        """The splits that finished."""
        return [index for index in range(self.record.splits) if index not in self.record.failed]


class StoredResults(Mapping[str, Any]):
    """The attributes of the layers that have finished, by ``Layer.attribute``. Each is read when it is asked for.

    Numbers, texts, bytes, lists, tuples, sets and maps are read; of anything else an error says that it takes the
    flow's code. A fan-out gives the list of what its splits assigned.

    Args:
        store: The datastore.
        flows: The names of the flows that the execution may be of.
        execution: The execution's id.
    """

    def __init__(self, store: DataStore, flows: Sequence[str], execution: str) -> None:
        self._store = store
        self._known: dict[str, tuple[_Found, str]] = {}
        for flow in flows:
            for layer in store.transport.names(layers_prefix(flow, execution)):
                self._add(LayerKey(flow, execution, layer))

    def _add(self, key: LayerKey) -> None:
        record = self._store.ledger.read_record(key)
        if record is None:
            return
        found = _Found(key, record)
        for attribute in sorted(self._commit(found, found.splits[0]).archives) if found.splits else ():
            name = f"{key.layer}.{attribute}"
            # Flows of a chain may have layers of one name.
            self._known[f"{key.flow}.{name}" if name in self._known else name] = (found, attribute)

    def _commit(self, found: _Found, index: int) -> Commit:
        return self._store.ledger.read_commit(found.key, index=index, record=found.record) or Commit()

    def __getitem__(self, name: str) -> Any:
        found, attribute = self._known[name]
        artifacts: list[Artifact] = []
        alone = True
        for archive in self._store.map(lambda index: self._archive(found, index, attribute), found.splits):
            alone = alone and not archive.sharded and len(archive) == 1
            artifacts += archive.artifacts
        values = list(self._store.map(lambda one: self._read(found.key, attribute, one), artifacts))
        return values[0] if alone and found.record.splits == 1 else values

    def _archive(self, found: _Found, index: int, attribute: str) -> Any:
        commit = self._commit(found, index)
        return self._store.ledger.read_of_commit(found.key, index=index, name=attribute, commit=commit)

    def _read(self, key: LayerKey, attribute: str, artifact: Artifact) -> Any:
        content = self._store.read_content(key.flow, artifact)
        if serializer_of(artifact.extension) == FRAMES:
            raise _code_error(key, attribute, artifact)
        try:
            protocol = _PlainPickle() if serializer_of(artifact.extension) == _PICKLE else _Text()
            return decode(content, artifact.extension, protocol, place=self._store.uri(path=artifact.key(key.flow)))
        except ValueError:
            raise _code_error(key, attribute, artifact) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __repr__(self) -> str:
        return f"StoredResults({', '.join(self._known)})"


class _PlainPickle(serde.Protocol):
    """Reads pickles of plain values."""

    def loads(self, stream: bytes) -> Any:
        return read_plain(bytes(stream))


class _Text(serde.Protocol):
    """Reads what a protocol of the user wrote, if it is JSON or text."""

    def loads(self, stream: bytes) -> Any:
        text = bytes(stream).decode()
        try:
            return json.loads(text)
        except ValueError:
            return text


def _code_error(key: LayerKey, attribute: str, artifact: Artifact) -> DatastoreError:
    return DatastoreError(
        f"'{attribute}' of layer '{key.layer}' is a {artifact.dtype}, which takes the flow's code to be read: "
        "deployed.find(..., flow=...), or laminar results --deployed FILE"
    )


class StoredLayer:
    """A layer of an execution for who has not its code. Its attributes are its artifacts.

    Args:
        results: The results of the execution.
        name: The layer's name.
    """

    def __init__(self, results: StoredResults, name: str) -> None:
        self._results, self.name = results, name

    def __getattr__(self, attribute: str) -> Any:
        name = f"{self.name}.{attribute}"
        if name not in self._results:
            raise UnsetError(
                f"layer '{self.name}' has no attribute '{attribute}' in this execution, or has not finished"
            )
        return self._results[name]

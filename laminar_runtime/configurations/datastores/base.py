"""Datastores: write, read and list values, on any transport."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from laminar_runtime import _records
from laminar_runtime.configurations import serde
from laminar_runtime.configurations.datastores.codec import Codec
from laminar_runtime.configurations.datastores.encoding import RAW, Buffer
from laminar_runtime.configurations.datastores.ledger import Ledger
from laminar_runtime.configurations.datastores.transport import ContentKey, Transport, address, map_requests
from laminar_runtime.exceptions import DamagedError
from laminar_runtime.introspection import naming
from laminar_runtime.pickling import digests, scopes
from laminar_runtime.storage.archives import Archive, Artifact
from laminar_runtime.storage.layout import (
    LayerKey,
    artifact_key,
    artifacts_prefix,
    cache_prefix,
    executions_prefix,
    input_key,
    layers_prefix,
)

if TYPE_CHECKING:
    from laminar_runtime.execution import Execution
    from laminar_runtime.flow import Flow
    from laminar_runtime.layer import Layer

__all__ = ["DataStore"]


Item = TypeVar("Item")
Result = TypeVar("Result")
ProtocolType = TypeVar("ProtocolType", bound=type[serde.Protocol])


@_records.define(eq=False)
class DataStore:
    """A transport of bytes, with a codec for values and a ledger of what finished.

    `Local`, `Memory` and `S3` are datastores with a transport of their own.

    Args:
        transport: What keeps the bytes: a ``laminar_runtime.configurations.datastores.transport.Transport``.
        protocols: The protocols by the name of the type that they are registered for; see `protocol`.
        pickle: Whether types without a protocol are pickled, and pickles loaded. Loading a pickle runs code: turn it
            off for a datastore that others can write to.

    Example:
        A datastore with a transport that stands elsewhere::

            flow = Report(datastore=DataStore(MemoryTransport()))
    """

    #: Whether it ends with this process.
    in_process: ClassVar[bool] = False

    transport: Transport
    protocols: dict[str, serde.Protocol] = _records.field(factory=dict, kw_only=True, repr=False)
    pickle: bool = _records.field(default=True, kw_only=True)
    #: The flows that use it, by name. Pickles name classes of their modules.
    flows: dict[str, Any] = _records.field(factory=dict, init=False, repr=False)
    #: Where it is.
    root: str = _records.field(default="", init=False)

    def __post_init__(self) -> None:
        self.root = self.transport.root

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "flows": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({"flows": {}, **state})

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle a datastore. In an artifact it stands for the datastore of the reader."""
        return scopes.reduce_datastore(self)

    @property
    def codec(self) -> Codec:
        """Turns values into bytes and back."""
        return Codec(self.protocols, pickle=self.pickle)

    @property
    def ledger(self) -> Ledger:
        """Knows which layers and splits finished."""
        return Ledger(self.transport)

    def protocol(self, *types: type) -> Callable[[ProtocolType], ProtocolType]:
        """Register a protocol for exact types, as a decorator.

        Args:
            *types: The types, without their subclasses.

        Returns:
            A decorator for a subclass of `serde.Protocol`.

        Example:
            >>> from laminar_runtime.configurations import datastores, serde
            >>> datastore = datastores.Memory()
            >>> @datastore.protocol(str)
            ... class Text(serde.Protocol):
            ...     def dumps(self, value: str) -> bytes:
            ...         return value.encode()
            ...     def loads(self, stream: bytes) -> str:
            ...         return stream.decode()
        """

        def decorate(cls: ProtocolType) -> ProtocolType:
            self.protocols.update({serde.dtype(kind): cls() for kind in types})
            return cls

        return decorate

    def write(  # noqa: PLR0913 - all about an attribute
        self, key: LayerKey, *, index: int, name: str, values: Iterable[Any], sharded: bool, attempt: str = ""
    ) -> Archive:
        """Store the values of an attribute, and then the archive that lists them.

        Args:
            key: The layer.
            index: The split's index.
            name: The attribute.
            values: The values, one unless it is sharded. They are taken one by one.
            sharded: Whether readers get an `Accessor`.
            attempt: The token of the attempt that assigned it. Readers find the archive when the attempt is committed.
                Without a token, the archive is stored as earlier releases did, which had no commits.

        Returns:
            The archive.

        Raises:
            DatastoreError: If a value cannot be serialised.
        """
        artifacts = list(self.map(lambda value: self._write_artifact(key, name, value), values))
        archive = Archive(tuple(artifacts), sharded=sharded)
        self.transport.put(key.archive(index, name, attempt), archive.dumps())
        return archive

    def _write_artifact(self, key: LayerKey, name: str, value: Any) -> Artifact:
        kind = type(value)
        scope = scopes.scope_of(key.flow, self)
        dtype = scope.home.dtype(kind) if scope.home else serde.dtype(kind)
        with scope:
            encoded = self.codec.encode(value, f"artifact '{name}' of layer '{key.layer}'")

        def find() -> str:
            return artifact_key(key.flow, encoded.digest(), encoded.extension)

        self.transport.put(ContentKey(artifacts_prefix(key.flow), find), *encoded.parts)
        return Artifact(dtype, encoded.digest(), encoded.extension)

    def read_artifact(self, flow: str, artifact: Artifact) -> Any:
        """Read a value.

        Args:
            flow: The flow's name.
            artifact: Says what to read.

        Returns:
            The value.

        Raises:
            MissingError: If it is not stored.
            DamagedError: If the stored bytes are not those written.
            DatastoreError: If no protocol of this datastore reads it, or its protocol fails, as when the value's class
                is gone.
        """
        content = self.read_content(flow, artifact)
        scope = scopes.scope_of(flow, self)
        local = scope.home.local(artifact.dtype) if scope.home else artifact.dtype
        with scope:
            return self.codec.decode(content, artifact, local=local, place=self.uri(path=artifact.key(flow)))

    def read_content(self, flow: str, artifact: Artifact) -> Buffer:
        """Read the bytes of a value. All readers of values read them here.

        Args:
            flow: The flow's name.
            artifact: Says what to read.

        Raises:
            MissingError: If it is not stored.
            DamagedError: If the stored bytes are not those written.
        """
        path = artifact.key(flow)
        content = self.transport.get(path) if artifact.extension == RAW else self.transport.get_buffer(path)
        if digests.sha256(content) != artifact.hexdigest:
            raise DamagedError(f"{self.uri(path=path)} is damaged: its SHA-256 is not the one in its name")
        return content

    def read(self, flow: str, archive: Archive) -> Any:
        """Read the values that an archive lists.

        Args:
            flow: The flow's name.
            archive: The archive.

        Returns:
            An `Accessor` if it is sharded, else the value.
        """
        if archive.sharded or len(archive) != 1:
            from laminar_runtime.configurations.datastores.accessor import Accessor  # most attributes are one value

            return Accessor(archive, flow, self)
        return self.read_artifact(flow, archive.artifacts[0])

    def read_input(self, flow: str, execution: str) -> bytes:
        """Read the JSON input that a state machine was started with.

        Args:
            flow: The flow's name.
            execution: The execution's id.

        Returns:
            The JSON.

        Raises:
            MissingError: If the execution was not started by a state machine.
        """
        return self.transport.get(input_key(flow, execution))

    def uri(self, *, path: str) -> str:
        """Return the address of a key.

        Args:
            path: The key, relative to the root.
        """
        return address(self.transport, path)

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Apply a function that reads or writes to each item, several at a time if that is faster.

        Args:
            function: The function.
            items: The items.

        Returns:
            The results, in the order of the items.
        """
        return map_requests(self.transport, function, items)

    # Listings.

    def list_executions(self, *, flow: Flow) -> list[Execution]:
        """List the executions of a flow, oldest first.

        Args:
            flow: The flow.

        Returns:
            The executions.
        """
        # An execution that failed at once wrote no archives, but has parameters.
        prefixes = (executions_prefix(flow.name), cache_prefix(flow.name))
        found = {name for prefix in prefixes for name in self.transport.names(prefix)}
        return [flow.execution(name) for name in sorted(found) if naming.flaw(name) is None]

    def list_layers(self, *, execution: Execution) -> list[Layer]:
        """List the layers of an execution that wrote something.

        Args:
            execution: The execution.

        Returns:
            The layers, by name.
        """
        key = execution.key("")
        return [execution.layer(name) for name in self.transport.names(layers_prefix(key.flow, key.execution))]

    def list_artifacts(self, *, layer: Layer) -> list[str]:
        """List the names of the attributes that a layer wrote.

        Args:
            layer: A layer of an execution.
        """
        key = layer.execution.key(layer)
        record = self.ledger.read_record(key)
        # Other files in the folder, such as desktop.ini, are not splits.
        splits = (int(name) for name in self.transport.names(key.archives) if name.isdecimal())
        found = self.map(lambda index: self.ledger.attributes(key, index=index, record=record), splits)
        return sorted(set().union(*found))

"""What every datastore does; a kind of datastore adds four methods that move bytes."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from laminar_runtime import homes, scopes, values
from laminar_runtime.artifacts import (
    Archive,
    Artifact,
    LayerKey,
    Record,
    artifacts_prefix,
    cache_prefix,
    executions_prefix,
    input_key,
    layers_prefix,
)
from laminar_runtime.configurations import serde
from laminar_runtime.configurations.datastores.accessor import Accessor
from laminar_runtime.configurations.datastores.encoding import (
    BESIDE,
    FRAMES,
    RAW,
    Buffer,
    Encoded,
    decode,
    encode,
    serializer_of,
)
from laminar_runtime.exceptions import DamagedError, DatastoreError, MissingError

__all__ = ["DataStore"]

#: The number of splits that an error names at most.
_SHOWN = 10

Item = TypeVar("Item")
Result = TypeVar("Result")
ProtocolType = TypeVar("ProtocolType", bound=type[serde.Protocol])
Execution_co = TypeVar("Execution_co", covariant=True)
Layer_co = TypeVar("Layer_co", covariant=True)


class _Flow(Protocol[Execution_co]):
    """What a listing needs of a flow."""

    @property
    def name(self) -> str: ...
    @property
    def execution(self) -> Callable[[str], Execution_co]: ...


class _Execution(Protocol[Layer_co]):
    """What a listing needs of an execution."""

    def key(self, layer: str) -> LayerKey: ...
    def layer(self, layer: str) -> Layer_co: ...


class _Keys(Protocol):
    """What a listing needs of the execution of a layer."""

    def key(self, layer: str) -> LayerKey: ...


class _Layer(Protocol):
    """What a listing needs of a layer."""

    @property
    def name(self) -> str: ...
    @property
    def execution(self) -> _Keys: ...


@values.define(eq=False)
class DataStore:
    """Base of all datastores.

    Args:
        root: Where the datastore is.
        protocols: The protocols by the name of the type that they are registered for; see `protocol`.
        pickle: Whether types without a protocol are pickled, and pickles loaded. Loading a pickle runs code: turn it
            off for a datastore that others can write to.
    """

    root: str
    protocols: dict[str, serde.Protocol] = values.field(factory=dict, kw_only=True, repr=False)
    pickle: bool = values.field(default=True, kw_only=True)
    #: The flows that use it, by name: what their modules define is found by its name.
    flows: dict[str, Any] = values.field(factory=dict, init=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "flows": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({"flows": {}, **state})

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as a part of an artifact, a datastore is that of whoever reads the artifact."""
        return scopes.reduce_datastore(self)

    # What a kind of datastore defines.

    def exists(self, *, path: str) -> bool:
        """Whether something is stored under a key.

        Args:
            path: The key, relative to the root.
        """
        raise self._no_kind()

    def read_bytes(self, *, path: str) -> bytes:
        """Read what is stored under a key.

        Args:
            path: The key, relative to the root.

        Raises:
            MissingError: If nothing is stored there.
        """
        raise self._no_kind()

    def write_bytes(self, *, path: str, content: bytes) -> None:
        """Store bytes under a key: all of them, or none.

        Args:
            path: The key, relative to the root.
            content: The bytes.
        """
        raise self._no_kind()

    def read_buffer(self, *, path: str) -> Buffer:
        """Read what is stored under a key into memory that may be written to, by the fastest way there is.

        Args:
            path: The key, relative to the root.

        Raises:
            MissingError: If nothing is stored there.
        """
        return bytearray(self.read_bytes(path=path))

    def write_parts(self, *, path: str, parts: Sequence[Buffer]) -> None:
        """Store bytes that are given in pieces under a key: all of them, or none.

        Args:
            path: The key, relative to the root.
            parts: The pieces.
        """
        self.write_bytes(path=path, content=b"".join(parts))

    def write_late(self, *, path: Callable[[], str], folder: str, parts: Sequence[Buffer]) -> None:
        """Store bytes under a key that is known only when they have been looked at, which may take as long as writing.

        Args:
            path: Gives the key, relative to the root.
            folder: What the key begins with, with a slash at its end.
            parts: The bytes, in pieces.
        """
        self.write_parts(path=path(), parts=parts)

    def holds(self, *, path: str, parts: Sequence[Buffer]) -> bool:
        """Whether these very bytes are stored under a key, as far as looking costs less than writing them.

        Args:
            path: The key, relative to the root.
            parts: The bytes, in pieces.
        """
        return False

    def names(self, *, prefix: str) -> list[str]:
        """The names directly below a prefix, sorted.

        Args:
            prefix: A key that ends in a slash.

        Returns:
            The names of objects, and of what is like a folder without a slash.
        """
        raise self._no_kind()

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Apply a function that reads or writes to each item, in order; concurrently where that is faster."""
        return map(function, items)

    def _no_kind(self) -> TypeError:
        return TypeError(f"{type(self).__name__} is no kind of datastore: use Local, Memory or AWS.S3")

    # What all have.

    def uri(self, *, path: str) -> str:
        """The address of a key.

        Args:
            path: The key, relative to the root.
        """
        return f"{self.root}/{path}"

    def protocol(self, *types: type) -> Callable[[ProtocolType], ProtocolType]:
        """Register a protocol for exact types, as a decorator.

        Args:
            *types: The types. Their subclasses are not meant.

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

    def write(self, key: LayerKey, *, index: int, name: str, values: Iterable[Any], sharded: bool) -> Archive:
        """Store the values behind an attribute, and then the archive that names them.

        Args:
            key: The layer.
            index: The split's index.
            name: The attribute.
            values: The values, one if it is not sharded. They are taken one by one.
            sharded: Whether readers get an `Accessor`.

        Returns:
            The archive.

        Raises:
            DatastoreError: If a value cannot be serialised.
        """
        artifacts = list(self.map(lambda value: self._write_artifact(key, name, value), values))
        archive = Archive(tuple(artifacts), sharded=sharded)
        self.write_bytes(path=key.archive(index, name), content=archive.dumps())
        return archive

    def _write_artifact(self, key: LayerKey, name: str, value: Any) -> Artifact:
        kind = type(value)
        scope = scopes.scope_of(key.flow, self)
        dtype = scope.home.dtype(kind) if scope.home else serde.dtype(kind)
        with scope:
            encoded = self._encode(value, serde.dtype(kind), f"artifact '{name}' of layer '{key.layer}'")

        def named() -> Artifact:
            return Artifact(dtype, encoded.digest(), encoded.extension)

        if encoded.size >= BESIDE:
            self.write_late(path=lambda: named().key(key.flow), folder=artifacts_prefix(key.flow), parts=encoded.parts)
            return named()
        artifact = named()
        path = artifact.key(key.flow)
        if not self.holds(path=path, parts=encoded.parts):
            self.write_parts(path=path, parts=encoded.parts)
        return artifact

    def _encode(self, value: Any, kind: str, what: str) -> Encoded:
        protocol = self.protocols.get(kind)
        if protocol is None and not self.pickle:
            register = "register a protocol for it with datastore.protocol(...)"
            raise DatastoreError(f"{what} is a {kind}, and this datastore does not pickle: {register}")
        try:
            return encode(value, protocol or _pickle)
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            raise DatastoreError(f"{what} is a {kind} that {protocol or _pickle} cannot serialise: {told}") from error

    def read_artifact(self, flow: str, artifact: Artifact) -> Any:
        """Read a value.

        Args:
            flow: The flow's name.
            artifact: What to read.

        Raises:
            MissingError: If it is not stored.
            DamagedError: If the stored bytes are not those written.
            DatastoreError: If no protocol of this datastore reads it, or its protocol fails, as when the value's class
                is gone.
        """
        path = artifact.key(flow)
        content: Buffer = self.read_bytes(path=path) if artifact.extension == RAW else self.read_buffer(path=path)
        if hashlib.sha256(content).hexdigest() != artifact.hexdigest:
            raise DamagedError(f"{self.uri(path=path)} is damaged: its SHA-256 is not the one in its name")
        scope = scopes.scope_of(flow, self)
        protocol = self._reader(artifact, scope.home.local(artifact.dtype) if scope.home else artifact.dtype)
        try:
            with scope:
                return decode(content, artifact.extension, protocol, place=self.uri(path=path))
        except DamagedError:
            raise
        except homes.UnknownNameError as error:
            msg = f"{self.uri(path=path)} holds a {artifact.dtype} that cannot be loaded here: {error}"
            raise DatastoreError(msg) from None
        except Exception as error:
            msg = (
                f"{self.uri(path=path)} holds a {artifact.dtype} that cannot be loaded here: "
                f"{type(error).__name__}: {error}. Is the code that defines it in this environment?"
            )
            raise DatastoreError(msg) from error

    def _reader(self, artifact: Artifact, local: str) -> serde.Protocol:
        """What reads an artifact, of a type that has another name in this process."""
        if serializer_of(artifact.extension) in {_pickle.extension, FRAMES, RAW}:
            if self.pickle:
                return _pickle
            raise DatastoreError(f"this datastore does not load pickles, and a {artifact.dtype} was pickled")
        for name in (local, artifact.dtype):
            if name in self.protocols:
                return self.protocols[name]
        msg = f"no protocol is registered for {artifact.dtype}: register it with datastore.protocol(...)"
        raise DatastoreError(msg)

    def read(self, flow: str, archive: Archive) -> Any:
        """Read what an archive stands for.

        Args:
            flow: The flow's name.
            archive: The archive.

        Returns:
            An `Accessor` if it is sharded, else the value.
        """
        if archive.sharded or len(archive) != 1:
            return Accessor(archive, flow, self)
        return self.read_artifact(flow, archive.artifacts[0])

    def read_archive(self, key: LayerKey, *, index: int, name: str) -> Archive:
        """Read the archive of an attribute as one split wrote it.

        Args:
            key: The layer.
            index: The split's index.
            name: The attribute.

        Raises:
            MissingError: If the split wrote no such attribute.
            DamagedError: If it is damaged.
        """
        path = key.archive(index, name)
        archive = Archive.loads(self.read_bytes(path=path), key=self.uri(path=path))
        if archive.unset:
            raise MissingError(f"nothing is assigned by what is stored at {self.uri(path=path)}")
        return archive

    def join(self, key: LayerKey, *, name: str, splits: int) -> Archive:
        """Read the archives of an attribute of all splits of a finished layer, as one.

        Args:
            key: The layer.
            name: The attribute.
            splits: The number of its splits.

        Returns:
            The joined archive. It is kept, and read from there the next time.

        Raises:
            MissingError: If a split did not assign it.
        """
        archive = self.join_some(key, name=name, splits=splits)
        if not archive.missing:
            return archive
        shown = ", ".join(map(str, archive.missing[:_SHOWN])) + (", ..." if len(archive.missing) > _SHOWN else "")
        which = f"{'split' if len(archive.missing) == 1 else 'splits'} {shown} of 0 to {splits - 1}"
        error = MissingError(f"'{name}' of layer '{key.layer}' was not assigned by {which}")
        error.splits = archive.missing if len(archive.missing) < splits else ()
        raise error

    def join_some(self, key: LayerKey, *, name: str, splits: int) -> Archive:
        """Read the archives of an attribute of those splits of a finished layer that assigned it, as one.

        Args:
            key: The layer.
            name: The attribute.
            splits: The number of its splits.

        Returns:
            The joined archive, which says which splits are missing. It is kept, and read from there the next time.
        """
        for path in (key.joined(name), key.joined_some(name)):
            with contextlib.suppress(MissingError):
                return Archive.loads(self.read_bytes(path=path), key=self.uri(path=path))

        def read(index: int) -> Archive | None:
            try:
                return self.read_archive(key, index=index, name=name)
            except MissingError:
                return None

        parts = list(self.map(read, range(splits)))
        missing = tuple(index for index, part in enumerate(parts) if part is None)
        archive = Archive.join(part for part in parts if part is not None)
        if missing:
            archive = values.evolve(archive, sharded=True, each=False, missing=missing)
        self.write_bytes(path=key.joined_some(name) if missing else key.joined(name), content=archive.dumps())
        return archive

    def read_record(self, key: LayerKey) -> Record | None:
        """Read a layer's record.

        Args:
            key: The layer.

        Returns:
            The record, None if the layer has not finished.

        Raises:
            DamagedError: If it is damaged.
        """
        try:
            content = self.read_bytes(path=key.record)
        except MissingError:
            return None
        return Record.loads(content, key=self.uri(path=key.record))

    def write_record(self, key: LayerKey, *, splits: int, seconds: float | None = None) -> None:
        """Say that a layer finished.

        Args:
            key: The layer.
            splits: The number of its splits.
            seconds: How long it took, if that is known.
        """
        record = Record(key.flow, key.layer, splits, seconds)
        self.write_bytes(path=key.record, content=record.dumps())

    def read_input(self, flow: str, execution: str) -> bytes:
        """Read the JSON input that a state machine was started with.

        Args:
            flow: The flow's name.
            execution: The execution's id.

        Raises:
            MissingError: If the execution was not started by a state machine.
        """
        return self.read_bytes(path=input_key(flow, execution))

    # What there is.

    def list_executions(self, *, flow: _Flow[Execution_co]) -> list[Execution_co]:
        """The executions of a flow, oldest first.

        Args:
            flow: The flow.
        """
        # What wrote nothing, as it failed at once, has parameters at least.
        prefixes = (executions_prefix(flow.name), cache_prefix(flow.name))
        found = {name for prefix in prefixes for name in self.names(prefix=prefix)}
        return [flow.execution(name) for name in sorted(found)]

    def list_layers(self, *, execution: _Execution[Layer_co]) -> list[Layer_co]:
        """The layers of an execution that wrote something, by name.

        Args:
            execution: The execution.
        """
        key = execution.key("")
        return [execution.layer(name) for name in self.names(prefix=layers_prefix(key.flow, key.execution))]

    def list_artifacts(self, *, layer: _Layer) -> list[str]:
        """The names of the attributes that a layer wrote, by name.

        Args:
            layer: A layer of an execution.
        """
        prefix = layer.execution.key(layer.name).archives
        splits = self.names(prefix=prefix)
        names = {name for split in splits for name in self.names(prefix=f"{prefix}{split}/")}
        return sorted(name.removesuffix(".json") for name in names)


_pickle = serde.PickleProtocol()

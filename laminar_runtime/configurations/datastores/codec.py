"""Turn values into bytes and back: by the protocols of a datastore, and by pickle for all other types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laminar_runtime.configurations import serde
from laminar_runtime.configurations.datastores.encoding import (
    FRAMES,
    RAW,
    Buffer,
    Encoded,
    decode,
    encode,
    serializer_of,
)
from laminar_runtime.exceptions import DamagedError, DatastoreError
from laminar_runtime.pickling import homes
from laminar_runtime.storage.archives import Artifact

__all__ = ["Codec"]


class Codec:
    """Encodes and decodes values. It reads and writes nothing.

    Args:
        protocols: The protocols by the name of the type that they are registered for.
        pickle: Whether types without a protocol are pickled, and pickles loaded.

    Example:
        >>> codec = Codec({}, pickle=True)
        >>> encoded = codec.encode([1, 2], "a list")
        >>> artifact = Artifact("builtins.list", encoded.digest(), encoded.extension)
        >>> codec.decode(b"".join(encoded.parts), artifact, local="builtins.list", place="memory")
        [1, 2]
    """

    __slots__ = ("_pickle", "_protocols")

    def __init__(self, protocols: Mapping[str, serde.Protocol], *, pickle: bool) -> None:
        self._protocols, self._pickle = protocols, pickle

    def encode(self, value: Any, what: str) -> Encoded:
        """Return the bytes of a value, with the extension that says how to read them.

        Args:
            value: The value.
            what: Names the value in errors.

        Raises:
            DatastoreError: If it cannot be serialised.
        """
        kind = serde.dtype(type(value))
        protocol = self._protocols.get(kind)
        if protocol is None and not self._pickle:
            register = "register a protocol for it with datastore.protocol(...)"
            raise DatastoreError(f"{what} is a {kind}, but this datastore does not pickle: {register}")
        try:
            return encode(value, protocol or _pickle)
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            raise DatastoreError(f"{what} is a {kind} that {protocol or _pickle} cannot serialise: {why}") from error

    def decode(self, content: Buffer, artifact: Artifact, *, local: str, place: str) -> Any:
        """Return the value that `encode` turned into bytes.

        Args:
            content: The bytes.
            artifact: The type of the value and the extension of its bytes.
            local: The name of that type in this process.
            place: Where the bytes are stored, for errors.

        Raises:
            DamagedError: If `encode` did not write these bytes.
            DatastoreError: If no protocol reads them, or it fails, as when the value's class is gone.
        """
        protocol = self._reader(artifact, local)
        try:
            return decode(content, artifact.extension, protocol, place=place)
        except DamagedError:
            raise
        except homes.UnknownNameError as error:
            msg = f"{place} has a {artifact.dtype} that cannot be loaded in this process: {error}"
            raise DatastoreError(msg) from None
        except Exception as error:
            msg = (
                f"{place} has a {artifact.dtype} that cannot be loaded in this process: "
                f"{type(error).__name__}: {error}. Check that this environment has the code that defines it"
            )
            raise DatastoreError(msg) from error

    def _reader(self, artifact: Artifact, local: str) -> serde.Protocol:
        """Return the protocol that reads an artifact, whose type may have another name in this process."""
        if serializer_of(artifact.extension) in {_pickle.extension, FRAMES, RAW}:
            if self._pickle:
                return _pickle
            msg = f"a {artifact.dtype} was pickled, but this datastore does not load pickles: open it with pickle=True"
            raise DatastoreError(f"{msg} if you trust its writers")
        for name in (local, artifact.dtype):
            if name in self._protocols:
                return self._protocols[name]
        msg = f"no protocol is registered for {artifact.dtype}: register it with datastore.protocol(...)"
        raise DatastoreError(msg)


_pickle = serde.PickleProtocol()

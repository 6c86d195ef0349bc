"""The bytes of stored artifacts.

The end of an object's name says how to read it:

- ``pickle``: a pickle.
- ``frames``: a pickle whose large buffers (of numpy arrays, of tables of pandas and pyarrow) stand behind it, as they
  are in memory, so that neither writing nor reading copies them. `FRAMES` describes it.
- ``bytes``: large bytes, as they are. Nothing of them is in memory twice.
- any other: written by the protocol of that extension.
- each of these with ``.zst`` behind it: the same, compressed by Zstandard. An artifact is compressed if that saves
  space, which is tried on samples of it.

::

    FRAMES  magic "LAMINAR1", number of parts n (8 bytes), length of each part (8 bytes each), then the parts, each
            beginning at a multiple of 64 bytes. All numbers are little-endian. Part 0 is the pickle.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from laminar_runtime import _records
from laminar_runtime.configurations import serde
from laminar_runtime.exceptions import DamagedError
from laminar_runtime.pickling import by_name, digests

__all__ = ["BESIDE", "FRAMES", "RAW", "Buffer", "Encoded", "decode", "encode", "serializer_of", "size_of"]

Buffer = bytes | bytearray | memoryview

COMPRESSED = ".zst"
FRAMES = "frames"
RAW = "bytes"

_MAGIC = b"LAMINAR1"
_ALIGNMENT = 64
#: Buffers of fewer bytes stay inside the pickle.
_APART = 64 * 1024
#: From this size on, bytes are hashed while they are written, because hashing takes as long.
BESIDE = 8 * 1024 * 1024
#: Smaller artifacts are not compressed: an object of any size costs more.
_WORTH = 4 * 1024
#: The samples of an artifact on which compression is tried, and the part of them that it must save.
_SAMPLES, _SAMPLE, _GAIN = 4, 32 * 1024, 0.1
_LEVEL = 1


@_records.frozen
class Encoded:
    """A value as it is stored.

    Args:
        parts: Its bytes, in pieces, so that large ones need not be copied.
        extension: The end of the object's name.
        digest: Returns the SHA-256 of its bytes as hexadecimal digits, and waits for it if need be.
    """

    parts: tuple[Buffer, ...]
    extension: str
    digest: Callable[[], str]

    @property
    def size(self) -> int:
        """The number of its bytes."""
        return size_of(self.parts)


def encode(value: Any, protocol: serde.Protocol) -> Encoded:
    """Turn a value into bytes.

    Args:
        value: The value.
        protocol: How to serialise it.

    Returns:
        The bytes, compressed if that saves space.
    """
    extension = protocol.extension
    parts: list[Buffer]
    if isinstance(protocol, serde.PickleProtocol) and type(value) is bytes and len(value) >= _APART:
        extension, parts = RAW, [value]
    elif isinstance(protocol, serde.PickleProtocol):
        head, buffers = protocol.dump_parts(value, _APART)
        parts = [head]
        if buffers:
            extension, parts = FRAMES, list(_frames([head, *buffers]))
    else:
        parts = [protocol.dumps(value)]
    if _gains(parts):
        extension, parts = extension + COMPRESSED, _compress(parts)
    return Encoded(tuple(parts), extension, _hashing(parts))


def _hashing(parts: Sequence[Buffer]) -> Callable[[], str]:
    """Start to compute the SHA-256 of pieces, in a thread if they are large; return a function that waits for it."""
    found = ""

    def digest() -> None:
        nonlocal found
        found = digests.sha256(*parts)

    if size_of(parts) < BESIDE:
        digest()
        return lambda: found
    import threading

    thread = threading.Thread(target=digest, name="laminar sha256")
    thread.start()

    def wait() -> str:
        thread.join()
        return found

    return wait


def decode(content: Buffer, extension: str, protocol: serde.Protocol, *, place: str) -> Any:
    """Turn bytes into the value.

    Args:
        content: The bytes. Buffers of the value are views of it.
        extension: The end of the object's name.
        protocol: How to bring the value back.
        place: The address of the bytes, for the error.

    Raises:
        DamagedError: If `encode` did not write these bytes.
    """
    if extension.endswith(COMPRESSED):
        content = _decompress(content, place)
    if serializer_of(extension) == RAW:
        return bytes(content)  # the same object, if it is of that type
    if serializer_of(extension) == FRAMES:
        head, *buffers = _parts(memoryview(content), place)
        return by_name.load(head, buffers)
    if isinstance(protocol, serde.PickleProtocol):
        return by_name.load(content)  # any buffer will do
    return protocol.loads(bytes(content))


def serializer_of(extension: str) -> str:
    """Return an extension without its suffix for compression.

    Example:
        >>> serializer_of("json.zst")
        'json'
    """
    return extension.removesuffix(COMPRESSED)


def size_of(parts: Iterable[Buffer]) -> int:
    """Return the number of bytes of some pieces."""
    return sum(memoryview(part).nbytes for part in parts)


def _frames(parts: Sequence[Buffer]) -> Iterator[Buffer]:
    sizes = [memoryview(part).nbytes for part in parts]
    header = _MAGIC + struct.pack(f"<{len(parts) + 1}Q", len(parts), *sizes)
    at = len(header)
    yield header
    for part, size in zip(parts, sizes, strict=True):
        padding = -at % _ALIGNMENT
        if padding:
            yield bytes(padding)
        yield part
        at += padding + size


def _parts(content: memoryview, place: str) -> Iterator[memoryview]:
    try:
        if content[: len(_MAGIC)] != _MAGIC:
            raise DamagedError(f"{place} is damaged: it does not begin as an artifact with frames does")
        (number,) = struct.unpack_from("<Q", content, len(_MAGIC))
        sizes = struct.unpack_from(f"<{number}Q", content, len(_MAGIC) + 8)
    except struct.error as error:
        raise DamagedError(f"{place} is damaged: {error}") from error
    at = len(_MAGIC) + 8 * (number + 1)
    for size in sizes:
        at += -at % _ALIGNMENT
        if at + size > content.nbytes:
            raise DamagedError(f"{place} is damaged: it ends before its last part does")
        yield content[at : at + size]
        at += size


def _gains(parts: Sequence[Buffer]) -> bool:
    """Return whether compression saves enough, by samples of the artifact."""
    if size_of(parts) < _WORTH:
        return False
    import zstandard

    samples = list(_samples(parts))
    size = sum(map(len, samples))
    compressor = zstandard.ZstdCompressor(level=_LEVEL)
    return sum(len(compressor.compress(sample)) for sample in samples) < size * (1 - _GAIN)


def _samples(parts: Iterable[Buffer]) -> Iterator[bytes]:
    """Yield bytes of each part, from places spread over it."""
    for part in parts:
        view = memoryview(part).cast("B")
        steps = range(0, view.nbytes, max(view.nbytes // _SAMPLES, _SAMPLE))
        for at in steps:
            yield bytes(view[at : at + _SAMPLE])


def _compress(parts: Sequence[Buffer]) -> list[Buffer]:
    import zstandard

    size = size_of(parts)
    compressor = zstandard.ZstdCompressor(level=_LEVEL).compressobj(size=size)
    pieces: list[Buffer] = [compressor.compress(part) for part in parts]
    pieces.append(compressor.flush())
    return [piece for piece in pieces if piece]


def _decompress(content: Buffer, place: str) -> bytearray:
    import zstandard

    try:
        size = zstandard.frame_content_size(content)
        plain = bytearray(max(size, 0))
        with zstandard.ZstdDecompressor().stream_reader(content) as reader:
            view, at = memoryview(plain), 0
            while at < len(plain) and (read := reader.readinto(view[at:])):
                at += read
    except zstandard.ZstdError as error:
        raise DamagedError(f"{place} is damaged: {error}") from error
    if size < 0 or at != size:
        raise DamagedError(f"{place} is damaged: it ends too early")
    return plain

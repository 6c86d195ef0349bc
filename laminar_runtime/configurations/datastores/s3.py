"""A datastore in Amazon S3. boto3 is loaded when the first object is read or written."""

from __future__ import annotations

import functools
import io
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from laminar_runtime import values
from laminar_runtime.configurations.datastores.base import DataStore
from laminar_runtime.configurations.datastores.encoding import Buffer
from laminar_runtime.exceptions import DatastoreError, MissingError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

__all__ = ["S3"]

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Bytes that one request reads or writes of a large object.
_RANGE = 8 * 1024 * 1024
#: How many objects are read or written at once: boto3 keeps this many connections.
_CONNECTIONS = 32


def _root(root: str) -> str:
    return root.rstrip("/")


def _check_root(_: Any, __: Any, root: str) -> None:
    bucket = root.removeprefix("s3://").partition("/")[0]
    if not root.startswith("s3://") or not bucket:
        raise DatastoreError(f"the root of an S3 datastore is s3://bucket or s3://bucket/prefix, not {root!r}")


class _EmptyError(Exception):
    """An object without bytes has no first byte."""


class _Pieces(io.RawIOBase):
    """Pieces of bytes, read as one file without being put together."""

    def __init__(self, parts: Sequence[Buffer]) -> None:
        self._left = deque(memoryview(part).cast("B") for part in parts)

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        view, at = memoryview(target).cast("B"), 0
        while self._left and at < view.nbytes:
            piece = self._left.popleft()
            taken = min(piece.nbytes, view.nbytes - at)
            view[at : at + taken] = piece[:taken]
            at += taken
            if taken < piece.nbytes:
                self._left.appendleft(piece[taken:])
        return at


@values.define(eq=False)
class S3(DataStore):
    """Keeps artifacts in a bucket, by the credentials and region of the environment.

    Args:
        root: ``s3://bucket/prefix``.

    Raises:
        DatastoreError: If the root is not of that form.

    Example:
        >>> S3(root="s3://bucket/prefix").uri(path="Report/artifacts")
        's3://bucket/prefix/Report/artifacts'
    """

    root: str = values.field(converter=_root, validator=_check_root)

    @functools.cached_property
    def _client(self) -> S3Client:
        import boto3
        from botocore.config import Config

        config = Config(max_pool_connections=_CONNECTIONS, retries={"mode": "standard", "max_attempts": 5})
        # Threads may come here at once, and the session that boto3 has by default is not for that.
        return boto3.Session().client("s3", config=config)

    @functools.cached_property
    def _place(self) -> tuple[str, str]:
        bucket, _, prefix = self.root.removeprefix("s3://").partition("/")
        return bucket, f"{prefix}/" if prefix else ""

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in {"_client", "_place"}}

    def _call(self, path: str, call: Callable[[str, str], Result]) -> Result:
        """Call the client with the bucket and key of a path, its errors told in our terms."""
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, prefix = self._place
        try:
            return call(bucket, prefix + path)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code == "InvalidRange":
                raise _EmptyError from None
            if code in {"NoSuchKey", "404"}:
                raise MissingError(f"nothing is stored at {self.uri(path=path)}") from None
            raise DatastoreError(f"{self.uri(path=path)}: {error}") from error
        except BotoCoreError as error:
            raise DatastoreError(f"{self.uri(path=path)}: {error}") from error

    def exists(self, *, path: str) -> bool:
        """Whether something is stored under a key."""
        try:
            self._call(path, lambda bucket, key: self._client.head_object(Bucket=bucket, Key=key))
        except MissingError:
            return False
        return True

    def read_bytes(self, *, path: str) -> bytes:
        """Read what is stored under a key."""

        def get(bucket: str, key: str) -> bytes:
            return self._client.get_object(Bucket=bucket, Key=key)["Body"].read()

        return self._call(path, get)

    def write_bytes(self, *, path: str, content: bytes) -> None:
        """Store bytes under a key; S3 shows an object only when all of it is there."""
        self._call(path, lambda bucket, key: self._client.put_object(Bucket=bucket, Key=key, Body=content))

    def read_buffer(self, *, path: str) -> Buffer:
        """Read what is stored under a key: a large object in ranges, at once."""

        def get(bucket: str, key: str) -> Buffer:
            first = self._client.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{_RANGE - 1}")
            size = int(first.get("ContentRange", f"/{first['ContentLength']}").rpartition("/")[2])
            content = bytearray(size)
            view = memoryview(content)
            view[: first["ContentLength"]] = first["Body"].read()

            def fill(start: int) -> None:
                end = min(start + _RANGE, size)
                part = self._client.get_object(
                    Bucket=bucket, Key=key, Range=f"bytes={start}-{end - 1}", IfMatch=first["ETag"]
                )
                view[start:end] = part["Body"].read()

            for _ in self.map(fill, range(_RANGE, size, _RANGE)):
                pass
            return content

        try:
            return self._call(path, get)
        except _EmptyError:
            return bytearray()

    def write_parts(self, *, path: str, parts: Sequence[Buffer]) -> None:
        """Store pieces of bytes under a key: many of them as a multipart upload, its parts at once."""
        if sum(memoryview(part).nbytes for part in parts) <= _RANGE:
            self.write_bytes(path=path, content=b"".join(parts))
            return
        from boto3.s3.transfer import TransferConfig

        config = TransferConfig(multipart_threshold=_RANGE, multipart_chunksize=_RANGE, max_concurrency=8)
        stream = io.BufferedReader(_Pieces(parts), buffer_size=_RANGE)
        self._call(path, lambda bucket, key: self._client.upload_fileobj(stream, bucket, key, Config=config))

    def names(self, *, prefix: str) -> list[str]:
        """The names directly below a prefix."""

        def pages(bucket: str, key: str) -> list[str]:
            paginator = self._client.get_paginator("list_objects_v2")
            found = []
            for page in paginator.paginate(Bucket=bucket, Prefix=key, Delimiter="/"):
                found += [item["Prefix"] for item in page.get("CommonPrefixes", [])]
                found += [item["Key"] for item in page.get("Contents", [])]
            return [name.removeprefix(key).rstrip("/") for name in found]

        return sorted(name for name in self._call(prefix, pages) if not name.startswith("."))

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Apply a function to each item, up to `_CONNECTIONS` ahead of the reader; the results come in order."""
        source = iter(items)
        ahead = list(itertools.islice(source, _CONNECTIONS))
        if len(ahead) <= 1:
            yield from map(function, ahead)
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max_workers=len(ahead)) as pool:
            waiting = deque(pool.submit(function, item) for item in ahead)
            del ahead
            try:
                while waiting:
                    yield waiting.popleft().result()
                    waiting.extend(pool.submit(function, item) for item in itertools.islice(source, 1))
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

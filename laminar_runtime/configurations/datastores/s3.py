"""A datastore in Amazon S3. boto3 is loaded when the first object is read or written."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from laminar_runtime.configurations.datastores.base import DataStore
from laminar_runtime.exceptions import DatastoreError, MissingError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

__all__ = ["S3"]

Item = TypeVar("Item")
Result = TypeVar("Result")

#: How many objects are read or written at once: boto3 keeps this many connections.
_CONNECTIONS = 32


def _root(root: str) -> str:
    return root.rstrip("/")


def _check_root(_: Any, __: Any, root: str) -> None:
    bucket = root.removeprefix("s3://").partition("/")[0]
    if not root.startswith("s3://") or not bucket:
        raise DatastoreError(f"the root of an S3 datastore is s3://bucket or s3://bucket/prefix, not {root!r}")


@attrs.define(slots=False, eq=False)
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

    root: str = attrs.field(converter=_root, validator=_check_root)

    @functools.cached_property
    def _client(self) -> S3Client:
        import boto3
        from botocore.config import Config

        config = Config(max_pool_connections=_CONNECTIONS, retries={"mode": "standard", "max_attempts": 5})
        return boto3.client("s3", config=config)

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
            if error.response.get("Error", {}).get("Code") in {"NoSuchKey", "404"}:
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
        """Apply a function to each item, `_CONNECTIONS` at once; the results come in order."""
        todo = list(items)
        if len(todo) <= 1:
            return map(function, todo)
        with ThreadPoolExecutor(max_workers=min(_CONNECTIONS, len(todo))) as pool:
            return iter(list(pool.map(function, todo)))

"""Objects in S3, read, listed and deleted by botocore: without a datastore, which is above this package."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from laminar_runtime.exceptions import AccessDeniedError, DatastoreError, MissingError
from laminar_runtime.storage.pruning import Stored

__all__ = ["S3Objects"]

#: How many objects one request deletes: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
_MOST = 1000
#: Errors of single objects that pass: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_TRANSIENT = frozenset({"InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown"})
#: The seconds before each further try: botocore repeats requests, and not what failed within one that succeeded.
_PAUSES = (1.0, 4.0)
#: How many objects an error names.
_SHOWN = 5


class S3Objects:
    """Reads, lists and deletes objects below a root.

    Args:
        client: A client of S3.
        root: The root, ``s3://bucket/prefix``.
        pauses: The seconds before each further try to delete what S3 was too busy for.
    """

    def __init__(self, client: Any, root: str, pauses: Sequence[float] = _PAUSES) -> None:
        self._client, self._pauses = client, pauses
        self._bucket, _, prefix = root.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix.rstrip('/')}/" if prefix.rstrip("/") else ""

    def get(self, key: str) -> bytes:
        """Read an object.

        Args:
            key: Its key below the root.

        Raises:
            MissingError: If there is no object.
        """
        from botocore.exceptions import ClientError

        try:
            content: bytes = self._client.get_object(Bucket=self._bucket, Key=f"{self._prefix}{key}")["Body"].read()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in {"NoSuchKey", "404"}:
                raise MissingError(f"nothing is stored at s3://{self._bucket}/{self._prefix}{key}") from None
            raise
        return content

    def names(self, prefix: str) -> list[str]:
        """List the names directly below a prefix that ends with a slash, without those that begin with a dot.

        Args:
            prefix: The prefix below the root; empty for the root itself.
        """
        whole = f"{self._prefix}{prefix}"
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=whole, Delimiter="/")
        found: set[str] = set()
        for page in pages:
            found |= {item["Key"].removeprefix(whole) for item in page.get("Contents", ())}
            found |= {item["Prefix"].removeprefix(whole).rstrip("/") for item in page.get("CommonPrefixes", ())}
        return sorted(name for name in found if name and not name.startswith("."))

    def delete(self, prefix: str) -> int:
        """Delete all objects below a prefix that ends with a slash, and return how many there were.

        Args:
            prefix: The prefix below the root.

        Raises:
            DatastoreError: If S3 kept some of them.
        """
        whole, count = f"{self._prefix}{prefix}", 0
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=whole)
        for page in pages:
            # A page has at most 1,000 keys, as many as one request deletes.
            count += self._delete({"Key": item["Key"]} for item in page.get("Contents", ()))
        return count

    def delete_keys(self, keys: Iterable[str]) -> None:
        """Delete at most 1,000 objects.

        Args:
            keys: Their keys below the root.

        Raises:
            DatastoreError: If S3 kept some of them.
        """
        self._delete({"Key": f"{self._prefix}{key}"} for key in keys)

    def delete_versions(self, versions: Iterable[tuple[str, str]]) -> None:
        """Delete versions of objects. Versions that are written meanwhile stay.

        Args:
            versions: The keys below the root, each with the id of a version.

        Raises:
            DatastoreError: If S3 kept some of them.
        """
        source = iter(versions)
        while batch := list(itertools.islice(source, _MOST)):
            self._delete({"Key": f"{self._prefix}{key}", "VersionId": version} for key, version in batch)

    def _delete(self, objects: Iterable[Mapping[str, str]]) -> int:
        listed = list(objects)
        if not listed:
            return 0
        left = listed
        for pause in (*self._pauses, None):
            answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": left, "Quiet": True})
            errors = answer.get("Errors", [])
            if not errors:
                break
            if pause is None or any(error.get("Code") not in _TRANSIENT for error in errors):
                raise self._refusal(errors)
            left = [{name: error[name] for name in ("Key", "VersionId") if error.get(name)} for error in errors]
            time.sleep(pause)
        return len(listed)

    def walk(self, prefix: str) -> Iterator[Stored]:
        """Yield all objects below a prefix, by key.

        Args:
            prefix: The prefix below the root.
        """
        whole = f"{self._prefix}{prefix}"
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=whole):
            for item in page.get("Contents", ()):
                yield Stored(item["Key"].removeprefix(self._prefix), item["Size"], item["LastModified"].timestamp())

    def walk_versions(self, prefix: str) -> Iterator[Stored]:
        """Yield all objects below a prefix with all of their versions, by key: their bytes, and the newest time.

        Args:
            prefix: The prefix below the root.
        """
        whole = f"{self._prefix}{prefix}"
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=whole)
        items = (item for page in pages for item in page.get("Versions", ()))
        for key, found in itertools.groupby(items, lambda item: item["Key"]):
            versions = list(found)
            yield Stored(
                key.removeprefix(self._prefix),
                sum(item["Size"] for item in versions),
                max(item["LastModified"].timestamp() for item in versions),
                tuple(item["VersionId"] for item in versions),
            )

    @property
    def has_versions(self) -> bool:
        """Whether each write makes a version of its own."""
        return bool(self._client.get_bucket_versioning(Bucket=self._bucket).get("Status") == "Enabled")

    @property
    def bucket(self) -> str:
        """The bucket."""
        return self._bucket

    def _refusal(self, errors: Sequence[Mapping[str, str]]) -> DatastoreError | AccessDeniedError:
        """Return the error of objects that S3 did not delete: the request itself succeeds."""
        denied = [error for error in errors if error.get("Code") == "AccessDenied"]
        shown = [*denied, *(error for error in errors if error not in denied)]
        what = "; ".join(
            f"s3://{self._bucket}/{error.get('Key')} cannot be deleted: {error.get('Code')}: {error.get('Message')}"
            for error in shown[:_SHOWN]
        )
        if len(shown) > _SHOWN:
            what += f"; and {len(shown) - _SHOWN:,} more"
        if denied:
            action = "s3:DeleteObjectVersion" if denied[0].get("VersionId") else "s3:DeleteObject"
            return AccessDeniedError(f"{what}. Allow {action} to the role of this process", action=action)
        return DatastoreError(what)

"""Objects in S3, read, listed and deleted by botocore: without a datastore, which is above this package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laminar_runtime.exceptions import AccessDeniedError, DatastoreError, MissingError

__all__ = ["S3Objects"]


class S3Objects:
    """Reads, lists and deletes objects below a root.

    Args:
        client: A client of S3.
        root: The root, ``s3://bucket/prefix``.
    """

    def __init__(self, client: Any, root: str) -> None:
        self._client = client
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
            # A page has at most 1,000 keys, as many as one request deletes:
            # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
            listed = [{"Key": item["Key"]} for item in page.get("Contents", ())]
            if not listed:
                continue
            answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": listed, "Quiet": True})
            if errors := answer.get("Errors"):
                raise self._refusal(errors[0])
            count += len(listed)
        return count

    def _refusal(self, error: Mapping[str, str]) -> DatastoreError | AccessDeniedError:
        """Return the error of an object that S3 did not delete: the request itself succeeds."""
        what = f"s3://{self._bucket}/{error.get('Key')} cannot be deleted: {error.get('Code')}: {error.get('Message')}"
        if error.get("Code") == "AccessDenied":
            action = "s3:DeleteObject"
            return AccessDeniedError(f"{what}. Allow {action} to the role of this process", action=action)
        return DatastoreError(what)

"""The calls of state machines to Amazon S3: a dict of texts, with strong consistency.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel. By default calls take no time. A
call has its effect at its end. Modification times are not stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import attrs

from laminar_codegen.limits import LISTED_KEYS
from laminar_codegen.rehearsal.asl.calls import Call, Handler, nothing, require
from laminar_codegen.rehearsal.asl.errors import NamedError

__all__ = ["Objects"]

_PUT = (
    "BucketKeyEnabled",
    "CacheControl",
    "ContentEncoding",
    "ContentType",
    "ExpectedBucketOwner",
    "IfNoneMatch",
    "Metadata",
    "ServerSideEncryption",
    "SseKmsKeyId",
    "StorageClass",
    "Tagging",
)
_LIST = ("Prefix", "Delimiter", "MaxKeys", "StartAfter", "ContinuationToken", "ExpectedBucketOwner")


@attrs.define
class Objects:
    """The objects of all buckets.

    Args:
        contents: The texts of the objects, by ``bucket/key``.
        seconds: Returns the duration of a call.
        buckets: The names of the existing buckets. By default all buckets exist.
    """

    contents: dict[str, str] = attrs.field(factory=dict)
    seconds: Callable[[Call], float] = nothing
    buckets: frozenset[str] | None = None

    def handlers(self) -> Mapping[str, Handler]:
        """Return the handlers by integration."""
        actions: dict[str, Callable[[Call], Any]] = {
            "putObject": self._put,
            "getObject": self._get,
            "headObject": self._head,
            "listObjectsV2": self._list,
            "deleteObject": self._delete,
        }
        return {f"aws-sdk:s3:{name}": self._with_duration(action) for name, action in actions.items()}

    def _with_duration(self, action: Callable[[Call], Any]) -> Handler:
        async def handle(call: Call) -> Any:
            await call.clock.sleep(self.seconds(call))
            bucket = call.arguments.get("Bucket")
            if self.buckets is not None and bucket not in self.buckets:
                raise NamedError("S3.NoSuchBucketException", f"The specified bucket does not exist: {bucket}")
            return action(call)

        return handle

    def _put(self, call: Call) -> Any:
        bucket, key, body = require(call, "Bucket", "Key", "Body", known=_PUT)
        place = f"{bucket}/{key}"
        if call.arguments.get("IfNoneMatch") == "*" and place in self.contents:
            cause = "At least one of the pre-conditions you specified did not hold"
            raise NamedError("S3.S3Exception", f"{cause} (Service: S3, Status Code: 412)")
        # A value that is not text is written as JSON.
        self.contents[place] = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))
        return {"ETag": _tag(self.contents[place])}

    def _get(self, call: Call) -> Any:
        text = self._text(call)
        return {"Body": text, **_description(text)}

    def _head(self, call: Call) -> Any:
        return _description(self._text(call))

    def _text(self, call: Call) -> str:
        bucket, key = require(call, "Bucket", "Key", known=("Range", "ExpectedBucketOwner"))
        text = self.contents.get(f"{bucket}/{key}")
        if text is None:
            raise NamedError("S3.NoSuchKeyException", "The specified key does not exist. (Service: S3)")
        return text

    def _list(self, call: Call) -> Any:
        (bucket,) = require(call, "Bucket", known=_LIST)
        arguments = call.arguments
        prefix, most = arguments.get("Prefix", ""), min(arguments.get("MaxKeys", LISTED_KEYS), LISTED_KEYS)
        after = arguments.get("ContinuationToken") or arguments.get("StartAfter", "")
        entries = list(islice(self._entries(f"{bucket}/", prefix, arguments.get("Delimiter"), after), most + 1))
        shown = entries[:most]
        contents = [entry for entry in shown if "Key" in entry]
        folders = [entry for entry in shown if "Prefix" in entry]
        # Empty lists, and the token of a last page, are absent.
        return {
            "Name": bucket,
            "Prefix": prefix,
            "MaxKeys": most,
            "KeyCount": len(shown),
            "IsTruncated": len(entries) > most,
            **({"Contents": contents} if contents else {}),
            **({"CommonPrefixes": folders} if folders else {}),
            **({"NextContinuationToken": _last(shown)} if shown and len(entries) > most else {}),
        }

    def _entries(self, bucket: str, prefix: str, delimiter: str | None, after: str) -> Iterator[dict[str, Any]]:
        """Yield the objects with a prefix, and each folder that a delimiter makes of their keys once."""
        folder = None
        for place in sorted(self.contents):
            key = place.removeprefix(bucket)
            if not place.startswith(bucket + prefix) or key <= after:
                continue
            head, mark, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
            if not mark:
                text = self.contents[place]
                yield {"Key": key, "ETag": _tag(text), "Size": len(text.encode()), "StorageClass": "STANDARD"}
            elif folder != (folder := f"{prefix}{head}{mark}") and not after.startswith(folder):
                yield {"Prefix": folder}

    def _delete(self, call: Call) -> Any:
        bucket, key = require(call, "Bucket", "Key", known=("ExpectedBucketOwner",))
        self.contents.pop(f"{bucket}/{key}", None)
        return {}


def _tag(text: str) -> str:
    return f'"{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}"'


def _description(text: str) -> dict[str, Any]:
    return {"ContentLength": len(text.encode()), "ETag": _tag(text), "ContentType": "application/octet-stream"}


def _last(entries: list[dict[str, Any]]) -> str:
    entry = entries[-1]
    last: str = entry.get("Key") or entry["Prefix"]
    return last

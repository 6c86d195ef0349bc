"""S3 by obstore, a client in Rust: it loads in a twentieth of boto3's time, and its calls do not hold Python's lock.

`s3_environment` finds where the bucket is and who asks. docs/adr/0013-a-light-client-of-s3.md says why there is another
transport, by boto3, and where it takes over.
"""

from __future__ import annotations

import _thread
import functools
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from laminar_runtime.configurations.datastores.encoding import Buffer, size_of
from laminar_runtime.configurations.datastores.s3_connection import Connection
from laminar_runtime.configurations.datastores.s3_encryption import NO_ENCRYPTION, Encryption
from laminar_runtime.configurations.datastores.s3_errors import CHANGED, THERE, S3Error
from laminar_runtime.configurations.datastores.s3_objects import (
    AT_ONCE,
    PAUSES,
    PIECE,
    RANGE,
    read_ranges,
    read_whole,
    slices,
)

__all__ = ["ObstoreObjects", "unusable"]

Result = TypeVar("Result")

#: From this number of bytes on, a write has more time and no hash: readers check the hash of large artifacts.
_LARGE = 256 * 1024
#: Seconds without an answer after which a request is repeated. obstore includes the time of sending.
_CLIENT = {"connect_timeout": "10s", "read_timeout": "60s", "timeout": "1h"}
_PATIENT = {"connect_timeout": "10s", "timeout": "1h"}
#: Options that obstore would read from its own environment variables, which other clients of AWS do not know.
_NEUTRAL = {"conditional_put": "etag", "s3_express": False, "skip_signature": False}
#: The codes and statuses of a bucket in another region. The response to a HEAD request has no code.
_ELSEWHERE = {"AuthorizationHeaderMalformed", "HTTP 400", "IllegalLocationConstraintException", "PermanentRedirect"}

#: The codes of an object that does not exist, but not of a bucket that does not.
_ABSENT = {"", "HTTP 404", "NoSuchKey"}

#: The process that used obstore. A forked process does not have its threads.
_used_in: int | None = None


def unusable(bucket: str) -> str:
    """Return why obstore cannot be used here, or '' if it can.

    Args:
        bucket: The bucket.
    """
    if bucket.endswith("--x-s3"):
        return "obstore does not sign requests to a directory bucket (S3 Express One Zone)"
    if _used_in not in {None, os.getpid()}:
        return "this process was forked from a process that used obstore, which does not support that"
    try:
        import obstore  # noqa: F401
    except ImportError as error:
        return f"obstore, which does not exist for all platforms, cannot be imported: {error}"
    return ""


class ObstoreObjects:
    """The objects of a bucket.

    Args:
        bucket: The bucket.
        connection: Its address, region and credentials.
        encryption: The encryption that each write requests.

    Raises:
        S3Error: If the certificates are invalid.
    """

    def __init__(self, bucket: str, connection: Connection, encryption: Encryption = NO_ENCRYPTION) -> None:
        global _used_in  # noqa: PLW0603 - of the process, as obstore's threads are
        import obstore

        _used_in = os.getpid()
        self._obstore: Any = obstore
        self._bucket, self._connection, self._encryption = bucket, connection, encryption
        self._store = self._open(_CLIENT, unsigned=False)
        self._moving = _thread.allocate_lock()

    @functools.cached_property
    def _patient(self) -> Any:
        """The store for large writes, with a longer timeout: obstore includes the time of sending in it."""
        # The connection is encrypted, and readers check the hash.
        return self._open(_PATIENT, unsigned=self._connection.address.startswith("https://"))

    def _open(self, client: Mapping[str, Any], *, unsigned: bool) -> Any:
        connection = self._connection
        config = {
            **_NEUTRAL,
            # This option overrides the environment. The address includes the bucket.
            "aws_endpoint_url_s3": connection.address,
            "virtual_hosted_style_request": True,
            "region": connection.region,
            "unsigned_payload": unsigned,
            **self._encryption.configuration(),
        }
        options: Any = {**client, "allow_http": connection.address.startswith("http://")}
        if connection.certificates:
            options["root_certificate"] = connection.certificates
        more: dict[str, Any] = {"config": config, "retry_config": {"max_retries": 4}}
        if isinstance(connection.credentials, Mapping):
            config.update(connection.credentials)
        else:
            more["credential_provider"] = connection.credentials
        try:
            return self._make(options, more)
        except (self._obstore.exceptions.BaseError, ValueError) as error:
            raise _s3_error(error) from error

    def _make(self, options: Any, more: Mapping[str, Any]) -> Any:
        from obstore.store import S3Store

        try:
            return S3Store(self._bucket, client_options=options, **more)
        except self._obstore.exceptions.GenericError as error:
            if "No CA certificates" not in str(error):
                raise
        # An image without certificates: take those of botocore.
        from laminar_runtime.configurations.datastores.s3_botocore import bundled_certificates

        options["root_certificate"] = bundled_certificates()
        return S3Store(self._bucket, client_options=options, **more)

    def exists(self, key: str) -> bool:
        """Return whether there is an object."""
        try:
            self._ask(lambda: self._obstore.head(self._store, key))
        except FileNotFoundError:
            return False
        return True

    def size(self, key: str) -> int:
        """Return the bytes of an object."""
        return int(self._ask(lambda: self._obstore.head(self._store, key))["size"])

    def get(self, key: str) -> bytes:
        """Read an object, a large one in ranges."""
        return self._ask(lambda: self._read(key))

    def _read(self, key: str) -> bytes:
        found = self._obstore.get(self._store, key)
        size, tag = found.meta["size"], found.meta["e_tag"]
        if size <= RANGE:
            return bytes(found.bytes())
        read = self._ranges(key, tag)
        return read_whole(size, read(0, RANGE), read, (EOFError,))

    def get_buffer(self, key: str) -> bytearray:
        """Read an object, a large one in ranges."""

        def attempt() -> bytearray:
            first = self._obstore.get(self._store, key, options={"range": (0, RANGE)})
            return read_ranges(first.meta["size"], _pieces(first), self._ranges(key, first.meta["e_tag"]), (EOFError,))

        return self._ask(attempt, empty=bytearray())

    def _ranges(self, key: str, tag: str) -> Callable[[int, int], Iterator[Buffer]]:
        def read(start: int, end: int) -> Iterator[Buffer]:
            return _pieces(self._obstore.get(self._store, key, options={"range": (start, end), "if_match": tag}))

        return read

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Read some bytes of an object."""

        def attempt() -> bytes:
            return bytes(self._obstore.get(self._store, key, options={"range": (start, end)}).bytes())

        return self._ask(attempt, empty=b"")

    def create(self, key: str, content: bytes) -> bool:
        """Write an object unless there is one."""
        try:
            self._put(key, content, mode="create")
        except S3Error as error:
            if error.code in THERE:
                return False
            raise
        return True

    def put(self, key: str, *parts: Buffer) -> None:
        """Write an object, a large one in parts."""
        if size_of(parts) <= RANGE:
            self._put(key, b"".join(parts))
            return
        options = {"use_multipart": True, "chunk_size": RANGE, "max_concurrency": AT_ONCE}
        self._ask(lambda: self._obstore.put(self._patient, key, slices(parts), **options), writes=True)

    def _put(self, key: str, content: bytes, *, mode: str = "overwrite") -> None:
        def attempt() -> None:
            store = self._store if len(content) <= _LARGE else self._patient
            self._obstore.put(store, key, content, mode=mode, use_multipart=False)

        self._ask(attempt, writes=True)

    def names(self, prefix: str) -> list[str]:
        """List the names directly below a prefix."""
        found = self._ask(lambda: self._obstore.list_with_delimiter(self._store, prefix))
        below = [*found["common_prefixes"], *(item["path"] for item in found["objects"])]
        return [name.removeprefix(prefix).rstrip("/") for name in below]

    def _ask(self, attempt: Callable[[], Result], *, empty: Result | None = None, writes: bool = False) -> Result:
        """Make a request. Repeat it after a temporary refusal, and in the bucket's region if that is another one.

        Args:
            attempt: Makes the request.
            empty: The result for a range that begins behind the end of an object.
            writes: Whether it writes: then an object that does not exist is not the reason of an error.
        """
        for pause in (*PAUSES, None):
            connection = self._connection
            try:
                return attempt()
            except (self._obstore.exceptions.BaseError, FileNotFoundError, ValueError) as error:
                known = _s3_error(error)
                if isinstance(error, FileNotFoundError) and not writes and known.code in _ABSENT:
                    raise FileNotFoundError from None
                if known.code == "InvalidRange" and empty is not None:
                    return empty
                if known.code in _ELSEWHERE and self._move(connection):
                    continue
                if pause is None or not (known.passes or (known.code == CHANGED and not writes)):
                    raise known from error
                time.sleep(pause)
        raise S3Error("PermanentRedirect", "the bucket is in another region, repeatedly")

    def _move(self, connection: Connection) -> bool:
        """Switch to the bucket's own region unless the connection has it; one thread does that for all."""
        from laminar_runtime.configurations.datastores import s3_botocore

        with self._moving:
            if self._connection is not connection:
                return True
            region = s3_botocore.bucket_region(self._bucket)
            if region is None or region == connection.region:
                return False
            self._connection = s3_botocore.connect(self._bucket, region)
            self._store = self._open(_CLIENT, unsigned=False)
            self.__dict__.pop("_patient", None)
            return True


def _pieces(found: Any) -> Iterator[Buffer]:
    return map(memoryview, found.stream(min_chunk_size=PIECE))


def _s3_error(error: Exception) -> S3Error:
    code, message, status = _reason(error)
    return S3Error(code, message, status=status)


def _reason(error: Exception) -> tuple[str, str, int]:
    """Return the code, the message and the status: of S3 if it answered, else of the error on the way to it."""
    text, _, debug = str(error).partition("\n\nDebug source:")
    found = re.search(r"status code: (\d+) ([^:]*)", text)
    if found:
        status, phrase = int(found[1]), found[2].strip()
        return _element("Code", text) or f"HTTP {status}", _element("Message", text) or phrase, status
    if "redirect without LOCATION" in text:
        return "PermanentRedirect", "the bucket is in another region", 301
    return *_reason_without_answer(text, debug), 0


def _reason_without_answer(text: str, debug: str) -> tuple[str, str]:
    """Return a code and a message for a request without an answer."""
    _, provider, why = text.partition("External AWS credential provider: ")
    if provider:
        return "Credentials", why
    said = text.rpartition(" - ")[2].strip()
    if certificate := re.search(r"InvalidCertificate\(\s*(\w+)(?:[^\"]*?(\w+),?\s*\))?", debug):
        return "Certificate", f"{said}: invalid certificate: {certificate[2] or certificate[1]}"
    if "kind: Timeout" in debug:
        return "Timeout", f"{said}: no answer in time"
    below = [words for words in re.findall(r'"([^"\n]*)"', debug) if len(words) > len("S3") and words not in said]
    return "Connection" if "HttpError" in debug else "", ": ".join([said, *below])


def _element(name: str, text: str) -> str:
    found = re.search(f"<{name}>(.*?)</{name}>", text, re.DOTALL)
    if not found or "&" not in found[1]:
        return found[1] if found else ""
    import html  # takes 1.5 ms, and few messages have entities

    return html.unescape(found[1])

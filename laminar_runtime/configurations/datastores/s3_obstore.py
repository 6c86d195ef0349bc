"""S3 by obstore, a client in Rust: it is loaded in a twentieth of boto3's time, and Python does not halt its threads.

It is used where the environment is a plain one, as in the containers of AWS Batch and of AWS Lambda: credentials and
region are given by variables, and nothing asks for more. What else there is (profiles, single sign-on, proxies, other
partitions) is boto3's business. docs/adr/0013-a-light-client-of-s3.md tells why.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from laminar_runtime.configurations.datastores.encoding import Buffer, size_of
from laminar_runtime.configurations.datastores.s3_encryption import NO_ENCRYPTION, Encryption
from laminar_runtime.configurations.datastores.s3_objects import AT_ONCE, PIECE, RANGE, read_ranges, read_whole, slices

__all__ = ["ObstoreObjects", "plain_configuration"]

_KEY, _SECRET, _TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
_REGION, _CONTAINER = "AWS_DEFAULT_REGION", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
_ENDPOINT, _S3_ENDPOINT = "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"
_CERTIFICATES = "AWS_CA_BUNDLE"
_FILES = {"AWS_CONFIG_FILE": "~/.aws/config", "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials"}

#: The variables of AWS that are understood here, or that are no matter of S3. Another one may say anything.
_UNDERSTOOD = {_KEY, _SECRET, _TOKEN, _REGION, "AWS_REGION", _CONTAINER, _ENDPOINT, _S3_ENDPOINT, *_FILES}
_HARMLESS = ("AWS_BATCH_", "AWS_EC2_METADATA_DISABLED", "AWS_EXECUTION_ENV", "AWS_LAMBDA_", "AWS_XRAY_")
_PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}
#: Regions outside of these partitions have hosts of other domains:
#: https://docs.aws.amazon.com/general/latest/gr/s3.html
_OTHER_DOMAINS = ("cn-", "us-iso", "eu-iso", "eusc-")

#: The process that loaded obstore. Its threads are not there in a process that is forked from it.
_loaded_in: int | None = None


class ObstoreObjects:
    """The objects of a bucket.

    Args:
        bucket: The bucket.
        configuration: What `plain_configuration` gave.
        encryption: What each write asks of S3.
    """

    def __init__(self, bucket: str, configuration: Mapping[str, Any], encryption: Encryption = NO_ENCRYPTION) -> None:
        global _loaded_in  # noqa: PLW0603 - of the process, as obstore's threads are
        import obstore

        _loaded_in = os.getpid()
        self._obstore: Any = obstore
        config = {**configuration["config"], **encryption.configuration()}
        self._bucket, self._configuration = bucket, {**configuration, "config": config}

    @functools.cached_property
    def _store(self) -> Any:
        from obstore.store import S3Store

        return S3Store(self._bucket, **self._configuration)

    def exists(self, key: str) -> bool:
        """Whether there is an object."""
        try:
            self._obstore.head(self._store, key)
        except FileNotFoundError:
            return False
        return True

    def read(self, key: str) -> bytes:
        """Read an object, a large one in ranges."""
        found = self._get(key)
        size, tag = found.meta["size"], found.meta["e_tag"]
        if size <= RANGE:
            return bytes(found.bytes())
        read = self._ranges(key, tag)
        return read_whole(size, read(0, RANGE), read, (EOFError,))

    def read_buffer(self, key: str) -> bytearray:
        """Read an object, a large one in ranges."""
        try:
            first = self._get(key, range=(0, RANGE))
        except self._obstore.exceptions.GenericError as error:
            if "InvalidRange" in str(error):  # an object without bytes has no first byte
                return bytearray()
            raise
        return read_ranges(first.meta["size"], _pieces(first), self._ranges(key, first.meta["e_tag"]), (EOFError,))

    def _ranges(self, key: str, tag: str) -> Callable[[int, int], Iterator[Buffer]]:
        return lambda start, end: _pieces(self._get(key, range=(start, end), if_match=tag))

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """Read some of the bytes of an object."""
        try:
            return bytes(self._get(key, range=(start, end)).bytes())
        except self._obstore.exceptions.GenericError as error:
            if "InvalidRange" in str(error):  # it ends before
                return b""
            raise

    def create(self, key: str, content: bytes) -> bool:
        """Write an object unless there is one."""
        try:
            with _writing(key):
                self._obstore.put(self._store, key, content, mode="create", use_multipart=False)
        except self._obstore.exceptions.AlreadyExistsError:
            return False
        return True

    def write(self, key: str, parts: Sequence[Buffer]) -> None:
        """Write an object, a large one in parts."""
        large = size_of(parts) > RANGE
        content: Any = slices(parts) if large else b"".join(parts)
        with _writing(key):
            self._obstore.put(self._store, key, content, use_multipart=large, chunk_size=RANGE, max_concurrency=AT_ONCE)

    def names(self, prefix: str) -> list[str]:
        """The names directly below a prefix."""
        with _known_errors():
            found = self._obstore.list_with_delimiter(self._store, prefix)
        below = [*found["common_prefixes"], *(item["path"] for item in found["objects"])]
        return [name.removeprefix(prefix).rstrip("/") for name in below]

    def _get(self, key: str, **options: Any) -> Any:
        with _known_errors():
            return self._obstore.get(self._store, key, options=options)


def _pieces(found: Any) -> Iterator[Buffer]:
    return map(memoryview, found.stream(min_chunk_size=PIECE))


@contextmanager
def _writing(key: str) -> Iterator[None]:
    """Tell a bucket, or an upload, that is gone: an object that is not there is no reason not to write one."""
    try:
        yield
    except FileNotFoundError as error:
        raise LookupError(f"S3 refused to write {key}: {error}") from error


@contextmanager
def _known_errors() -> Iterator[None]:
    """Tell a bucket that is not there from an object that is not."""
    try:
        yield
    except FileNotFoundError as error:
        if "NoSuchBucket" in str(error):
            raise LookupError("there is no such bucket") from error
        raise


def plain_configuration(bucket: str, environment: Mapping[str, str]) -> dict[str, Any] | None:
    """How obstore is configured, if all that AWS is told here is understood.

    The credentials are those that boto3 would find first: https://docs.aws.amazon.com/boto3/latest/guide/credentials.html

    Args:
        bucket: The bucket.
        environment: The variables of this process.

    Returns:
        Keyword arguments of ``S3Store``; None if boto3 is to decide, or obstore cannot be used here.
    """
    region = environment.get(_REGION, "")
    if not _understood(environment) or not region or region.startswith(_OTHER_DOMAINS) or not _usable():
        return None
    credentials = _credentials(environment)
    endpoint = _endpoint(environment)
    if credentials is None or (endpoint and not _is_address(endpoint)):
        return None
    # As boto3 does: the bucket is part of the host's name if it can be, which is no choice with an address.
    within_name = not endpoint and "." not in bucket
    config = {"region": region, "virtual_hosted_style_request": within_name, **credentials}
    if endpoint:
        config["endpoint"] = endpoint
    else:
        # The connection is encrypted, and what is read is checked by its hash.
        config["unsigned_payload"] = True
    client = {"allow_http": bool(endpoint), "timeout": "60s", "connect_timeout": "10s"}
    return {"config": config, "client_options": client, "retry_config": {"max_retries": 4}}


def _endpoint(environment: Mapping[str, str]) -> str:
    return environment.get(_S3_ENDPOINT) or environment.get(_ENDPOINT) or ""


def _understood(environment: Mapping[str, str]) -> bool:
    known = _UNDERSTOOD | ({_CERTIFICATES} if _endpoint(environment).startswith("http://") else set())
    ours = (name for name, value in environment.items() if name.startswith("AWS_") and value)
    files = (os.path.expanduser(environment.get(name) or file) for name, file in _FILES.items())  # noqa: PTH111
    return (
        all(name in known or name.startswith(_HARMLESS) for name in ours)
        and not any(environment.get(name) or environment.get(name.lower()) for name in _PROXIES)
        and not any(os.path.isfile(file) for file in files)  # noqa: PTH113 - pathlib is not needed for that
    )


def _credentials(environment: Mapping[str, str]) -> dict[str, str] | None:
    if environment.get(_KEY) and environment.get(_SECRET):
        given = {"access_key_id": environment[_KEY], "secret_access_key": environment[_SECRET]}
        return {**given, "session_token": environment[_TOKEN]} if environment.get(_TOKEN) else given
    # Those of the job's role, which obstore renews: https://docs.aws.amazon.com/batch/latest/userguide/task-iam-roles.html
    if environment.get(_CONTAINER):
        return {"container_credentials_relative_uri": environment[_CONTAINER]}
    return None


def _is_address(endpoint: str) -> bool:
    """Whether an endpoint is told by its address, so that boto3 too names the bucket in the path."""
    host = endpoint.partition("://")[2].partition("/")[0].partition(":")[0]
    return all(part.isdigit() for part in host.split("."))


def _usable() -> bool:
    """Whether obstore is there for this platform, and this process is not forked from one that uses it."""
    from importlib.util import find_spec

    return _loaded_in in {None, os.getpid()} and find_spec("obstore") is not None

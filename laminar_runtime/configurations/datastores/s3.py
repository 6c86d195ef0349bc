"""A datastore in Amazon S3. Its client is loaded with the first request."""

from __future__ import annotations

import _thread
import os
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from laminar_runtime import _records
from laminar_runtime.blocks import block
from laminar_runtime.configurations.datastores.base import DataStore
from laminar_runtime.configurations.datastores.encoding import Buffer
from laminar_runtime.configurations.datastores.s3_encryption import Encryption
from laminar_runtime.configurations.datastores.transport import ContentKey, Transport, address, missing
from laminar_runtime.exceptions import DatastoreError

if TYPE_CHECKING:
    from laminar_runtime.configurations.datastores.s3_objects import Objects

__all__ = ["AWS", "S3", "S3Transport"]

Result = TypeVar("Result")


#: Names of buckets, old ones with upper-case letters and underscores among them, and aliases of access points:
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]"


def _root(root: Any) -> Any:
    return root.rstrip("/") if isinstance(root, str) else root


def _check_root(_: Any, __: Any, root: Any) -> None:
    scheme, _, rest = root.partition("://") if isinstance(root, str) else ("", "", "")
    bucket, *parts = rest.split("/")
    if scheme != "s3" or not bucket:
        raise DatastoreError(f"the root of an S3 datastore must be s3://bucket or s3://bucket/prefix, not {root!r}")
    if not re.fullmatch(_BUCKET, bucket):
        msg = f"the root {root!r} has no valid bucket: use a bucket's name or an access point's alias, not an ARN"
        raise DatastoreError(msg)
    if not all(part not in {"", ".", ".."} and part.isprintable() for part in parts):
        msg = (
            f"the prefix of the root {root!r} has an empty part, '.', '..' or a control character, which some clients "
            "of S3 cannot use: choose another prefix"
        )
        raise DatastoreError(msg)


class S3Transport:
    """Keeps objects in a bucket, by the credentials and the region of the environment.

    It chooses the client at the first request, and boto3 where obstore does not work:
    docs/adr/0013-a-light-client-of-s3.md.

    Args:
        root: ``s3://bucket/prefix``.
        encryption: The encryption that each write requests.
    """

    def __init__(self, root: str, encryption: Encryption) -> None:
        self.root, self._encryption = root, encryption
        self._bucket, _, prefix = root.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        #: The client, and the process that it was made in.
        self._client: tuple[Objects, int] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_client": None}

    @property
    def at_once(self) -> int:
        """How many requests to make at once."""
        from laminar_runtime.configurations.datastores.s3_objects import CONNECTIONS

        return CONNECTIONS

    def get(self, key: str) -> bytes:
        """Read an object."""
        return self._ask(key, lambda objects, name: objects.get(name))

    def get_buffer(self, key: str) -> Buffer:
        """Read an object: a large one in ranges, at once."""
        return self._ask(key, lambda objects, name: objects.get_buffer(name))

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Read some bytes of an object."""
        return self._ask(key, lambda objects, name: objects.get_range(name, start, end))

    def put(self, key: str | ContentKey, *parts: Buffer) -> None:
        """Store an object: a large one in parts, many at once. S3 shows it when all of it is there."""
        self._ask(str(key), lambda objects, name: objects.put(name, *parts))

    def create(self, key: str, content: bytes) -> bool:
        """Store an object unless there is one: S3 ensures that one of several requests succeeds.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        return self._ask(key, lambda objects, name: objects.create(name, content))

    def exists(self, key: str) -> bool:
        """Return whether there is an object."""
        return self._ask(key, lambda objects, name: objects.exists(name))

    def size(self, key: str) -> int:
        """Return the bytes of an object."""
        return self._ask(key, lambda objects, name: objects.size(name))

    def names(self, prefix: str) -> list[str]:
        """List the names directly below a prefix."""
        found = self._ask(prefix, lambda objects, name: objects.names(name))
        return sorted(name for name in found if not name.startswith("."))

    @block
    def lock(self, key: str) -> Iterator[bool]:  # noqa: ARG002 - as others take it
        """Yield True: S3 has no locks that end with a process."""
        yield True

    def _ask(self, key: str, ask: Callable[[Objects, str], Result]) -> Result:
        """Make a request for an object, and raise errors of the client as ours."""
        from laminar_runtime.configurations.datastores.s3_errors import S3Error

        name = self._prefix + key
        try:
            objects = self._objects()
            try:
                return ask(objects, name)
            except S3Error as error:
                if error.code != "Certificate":
                    raise
                # OpenSSL accepts what obstore's TLS does not, such as a certificate that is its own authority.
                why = f"obstore does not accept the server's certificate ({error})"
                return ask(self._replace(objects, why), name)
        except FileNotFoundError:
            raise missing(self, key) from None
        except EOFError as error:
            msg = f"{address(self, key)}: the connection was cut repeatedly: {error}"
            raise DatastoreError(msg) from error
        except S3Error as error:
            cure = f". {error.cure}" if error.cure else ""
            raise DatastoreError(f"{address(self, key)}: {error}{cure}") from error

    def _objects(self) -> Objects:
        made = self._client
        if made and made[1] == os.getpid():
            return made[0]
        with _making:
            made = self._client
            return made[0] if made and made[1] == os.getpid() else self._use(self._make())

    def _make(self) -> Objects:
        from laminar_runtime.configurations.datastores import s3_environment, s3_obstore

        why = s3_obstore.unusable(self._bucket)
        if why:
            return self._by_boto3(why)
        connection = s3_environment.connect(self._bucket, os.environ)
        return s3_obstore.ObstoreObjects(self._bucket, connection, self._encryption)

    def _use(self, objects: Objects) -> Objects:
        self._client = objects, os.getpid()
        return objects

    def _replace(self, objects: Objects, why: str) -> Objects:
        """Replace a client by boto3, for all threads."""
        with _making:
            now = self._client
            return now[0] if now and now[0] is not objects else self._use(self._by_boto3(why))

    def _by_boto3(self, why: str) -> Objects:
        from laminar_runtime.configurations.datastores.s3_boto3 import Boto3Objects

        _note(why)
        return Boto3Objects(self._bucket, self._encryption)


@_records.define(eq=False)
class S3(DataStore):
    """Keeps artifacts in a bucket, by the credentials and region of the environment.

    Args:
        root: ``s3://bucket/prefix``.
        encryption: The encryption that each write requests, for buckets or organisations whose policies refuse other
            writes: ``AES256``, ``aws:kms`` or ``aws:kms:dsse``. The states of a deployed flow request the same. S3
            encrypts in any case.
        kms_key_id: The key for ``aws:kms``, by its id, its alias or its ARN; without it S3 takes the account's AWS
            managed key, not the key of the bucket's configuration.

    Raises:
        DatastoreError: If the root does not have that form, or the encryption is unknown.

    Example:
        >>> S3(root="s3://bucket/prefix").uri(path="Report/artifacts")
        's3://bucket/prefix/Report/artifacts'
    """

    root: str = _records.field(converter=_root, validator=_check_root)
    encryption: str | None = _records.field(default=None, kw_only=True)
    kms_key_id: str | None = _records.field(default=None, kw_only=True)
    transport: Transport = _records.field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.transport = S3Transport(self.root, self.requested_encryption())

    def requested_encryption(self) -> Encryption:
        """Return the encryption that each write requests."""
        return Encryption(self.encryption, self.kms_key_id)


class AWS:
    """The datastores on AWS.

    Example:
        >>> AWS.S3(root="s3://bucket/prefix").root
        's3://bucket/prefix'
    """

    S3 = S3


#: Threads make one client, not one each.
_making = _thread.allocate_lock()


def _unlock() -> None:
    """Keep a forked process from waiting for a thread of its parent."""
    global _making  # noqa: PLW0603 - of the process
    _making = _thread.allocate_lock()


os.register_at_fork(after_in_child=_unlock)

#: The process that logged that boto3 took over.
_noted_in: int | None = None


def _note(why: str) -> None:
    """Log once in a process that boto3 is the client, which is slower."""
    global _noted_in  # noqa: PLW0603 - of the process
    if _noted_in != os.getpid():
        from logging import getLogger

        _noted_in = os.getpid()
        getLogger("laminar").warning("boto3 reads and writes S3, which is slower, because %s", why)

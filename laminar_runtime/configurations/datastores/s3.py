"""A datastore in Amazon S3. What talks to S3 is loaded when the first object is read or written."""

from __future__ import annotations

import _thread
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from laminar_runtime import _records
from laminar_runtime.configurations.datastores.base import DataStore
from laminar_runtime.configurations.datastores.encoding import Buffer
from laminar_runtime.configurations.datastores.s3_encryption import Encryption
from laminar_runtime.exceptions import DatastoreError, MissingError

if TYPE_CHECKING:
    from laminar_runtime.configurations.datastores.s3_objects import Objects

__all__ = ["S3"]

Item = TypeVar("Item")
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
        raise DatastoreError(f"the root of an S3 datastore is s3://bucket or s3://bucket/prefix, not {root!r}")
    if not re.fullmatch(_BUCKET, bucket):
        msg = f"the root {root!r} names no bucket: use a bucket's name, or the alias of an access point, not an ARN"
        raise DatastoreError(msg)
    if not all(part not in {"", ".", ".."} and part.isprintable() for part in parts):
        msg = (
            f"the root {root!r} has an empty part, '.', '..' or a control character in its prefix, which not every "
            "client of S3 can name: choose another prefix"
        )
        raise DatastoreError(msg)


@_records.define(eq=False)
class S3(DataStore):
    """Keeps artifacts in a bucket, by the credentials and region of the environment.

    Args:
        root: ``s3://bucket/prefix``.
        encryption: What each write asks of S3, for buckets or organisations whose policies refuse writes that ask for
            nothing: ``AES256``, ``aws:kms`` or ``aws:kms:dsse``. The states of a deployed flow ask for the same. S3
            encrypts in any case.
        kms_key_id: The key for ``aws:kms``, by its id, its alias or its ARN; without one S3 takes AWS's own key of the
            account, and not the one that the bucket may be configured with.

    Raises:
        DatastoreError: If the root is not of that form, or there is no such encryption.

    Example:
        >>> S3(root="s3://bucket/prefix").uri(path="Report/artifacts")
        's3://bucket/prefix/Report/artifacts'
    """

    distant: ClassVar[bool] = True

    root: str = _records.field(converter=_root, validator=_check_root)
    encryption: str | None = _records.field(default=None, kw_only=True)
    kms_key_id: str | None = _records.field(default=None, kw_only=True)
    #: The client, and the process that it was made in.
    _client: tuple[Objects, int] | None = _records.field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.asked()

    def asked(self) -> Encryption:
        """What each write asks of S3's encryption."""
        return Encryption(self.encryption, self.kms_key_id)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_client": None}

    def _place(self) -> tuple[str, str]:
        """The bucket, and what all keys in it begin with."""
        bucket, _, prefix = self.root.removeprefix("s3://").partition("/")
        return bucket, f"{prefix}/" if prefix else ""

    def _objects(self) -> Objects:
        made = self._client
        if made and made[1] == os.getpid():
            return made[0]
        with _making:
            made = self._client
            return made[0] if made and made[1] == os.getpid() else self._use(self._make())

    def _make(self) -> Objects:
        from laminar_runtime.configurations.datastores import s3_environment, s3_obstore

        bucket, _ = self._place()
        why = s3_obstore.unusable(bucket)
        if why:
            return self._by_boto3(why)
        return s3_obstore.ObstoreObjects(bucket, s3_environment.connect(bucket, os.environ), self.asked())

    def _use(self, objects: Objects) -> Objects:
        self._client = objects, os.getpid()
        return objects

    def _replace(self, objects: Objects, why: str) -> Objects:
        """Have boto3 take over from a client, for all threads."""
        with _making:
            now = self._client
            return now[0] if now and now[0] is not objects else self._use(self._by_boto3(why))

    def _by_boto3(self, why: str) -> Objects:
        from laminar_runtime.configurations.datastores.s3_boto3 import Boto3Objects

        _note(why)
        return Boto3Objects(self._place()[0], self.asked())

    def _ask(self, path: str, ask: Callable[[Objects, str], Result]) -> Result:
        """Ask the client for what is at a path, and raise what it raises as errors of ours."""
        from laminar_runtime.configurations.datastores.s3_errors import S3Error

        key = self._place()[1] + path
        try:
            objects = self._objects()
            try:
                return ask(objects, key)
            except S3Error as error:
                if error.code != "Certificate":
                    raise
                # OpenSSL accepts what obstore's TLS does not, such as a certificate that is its own authority.
                why = f"obstore does not accept the server's certificate ({error})"
                return ask(self._replace(objects, why), key)
        except FileNotFoundError:
            raise MissingError(f"nothing is stored at {self.uri(path=path)}") from None
        except EOFError as error:
            msg = f"{self.uri(path=path)}: the connection was cut time and again: {error}"
            raise DatastoreError(msg) from error
        except S3Error as error:
            cure = f". {error.cure}" if error.cure else ""
            raise DatastoreError(f"{self.uri(path=path)}: {error}{cure}") from error

    def exists(self, *, path: str) -> bool:
        """Whether something is stored under a key."""
        return self._ask(path, lambda objects, key: objects.exists(key))

    def read_bytes(self, *, path: str) -> bytes:
        """Read what is stored under a key."""
        return self._ask(path, lambda objects, key: objects.read(key))

    def read_buffer(self, *, path: str) -> Buffer:
        """Read what is stored under a key: a large object in ranges, at once."""
        return self._ask(path, lambda objects, key: objects.read_buffer(key))

    def read_range(self, *, path: str, start: int, end: int) -> bytes:
        """Read some of the bytes that are stored under a key."""
        return self._ask(path, lambda objects, key: objects.read_range(key, start, end))

    def create_bytes(self, *, path: str, content: bytes) -> bool:
        """Store bytes under a key, unless something is stored there: S3 sees to it that one succeeds.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        return self._ask(path, lambda objects, key: objects.create(key, content))

    def write_bytes(self, *, path: str, content: bytes) -> None:
        """Store bytes under a key; S3 shows an object only when all of it is there."""
        self.write_parts(path=path, parts=(content,))

    def write_parts(self, *, path: str, parts: Sequence[Buffer]) -> None:
        """Store pieces of bytes under a key: many of them as a multipart upload, its parts at once."""
        self._ask(path, lambda objects, key: objects.write(key, parts))

    def names(self, *, prefix: str) -> list[str]:
        """The names directly below a prefix."""
        found = self._ask(prefix, lambda objects, key: objects.names(key))
        return sorted(name for name in found if not name.startswith("."))

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Apply a function to each item, many at once; the results come in order."""
        from laminar_runtime.configurations.datastores.s3_objects import CONNECTIONS, concurrently

        return concurrently(function, items, CONNECTIONS)


#: Threads make one client, not one each.
_making = _thread.allocate_lock()


def _unlock() -> None:
    """Have a forked process not wait for a thread that it has not."""
    global _making  # noqa: PLW0603 - of the process
    _making = _thread.allocate_lock()


os.register_at_fork(after_in_child=_unlock)

#: The process that said that boto3 took over.
_noted_in: int | None = None


def _note(why: str) -> None:
    """Say once in a process that boto3 is the transport, which is slower."""
    global _noted_in  # noqa: PLW0603 - of the process
    if _noted_in != os.getpid():
        from logging import getLogger

        _noted_in = os.getpid()
        getLogger("laminar").warning("S3 is read and written by boto3, which is slower, as %s", why)

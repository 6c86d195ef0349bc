"""Transports of tests: the smallest one, and one that records requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from laminar_runtime.configurations.datastores.encoding import Buffer
from laminar_runtime.configurations.datastores.transport import ContentKey, Transport, missing


class Dictionary:
    """The smallest transport. It has no locks."""

    root = "dictionary"

    def __init__(self, at_once: int = 1) -> None:
        self.at_once = at_once
        self.objects: dict[str, bytes] = {}

    def get(self, key: str) -> bytes:
        if key not in self.objects:
            raise missing(self, key)
        return self.objects[key]

    def get_buffer(self, key: str) -> Buffer:
        return bytearray(self.get(key))

    def get_range(self, key: str, start: int, end: int) -> bytes:
        return self.get(key)[start:end]

    def put(self, key: str | ContentKey, *parts: Buffer) -> None:
        self.objects[str(key)] = b"".join(parts)

    def create(self, key: str, content: bytes) -> bool:
        stored = bytes(bytearray(content))  # an object of its own, also if others create the same
        return self.objects.setdefault(key, stored) is stored

    def exists(self, key: str) -> bool:
        return key in self.objects

    def names(self, prefix: str) -> list[str]:
        below = {key.removeprefix(prefix).partition("/")[0] for key in self.objects if key.startswith(prefix)}
        return sorted(name for name in below if not name.startswith("."))

    @contextmanager
    def lock(self, key: str) -> Iterator[bool]:
        yield True


class Recording:
    """Passes requests on to another transport, and records them.

    Args:
        transport: The other one.
        at_once: The number of requests at once that it claims; that of the other one unless given.
    """

    def __init__(self, transport: Transport, at_once: int | None = None) -> None:
        self._transport = transport
        self.root = transport.root
        self.at_once = at_once or transport.at_once
        #: The method and the key of each request.
        self.requests: list[tuple[str, str]] = []
        #: The bytes that were read.
        self.bytes_read = 0

    def __getattr__(self, method: str) -> Any:
        ask = getattr(self._transport, method)

        def record(key: Any, *others: Any) -> Any:
            self.requests.append((method, str(key)))
            found = ask(key, *others)
            self.bytes_read += len(found) if method in READS else 0
            return found

        return record

    def clear(self) -> None:
        """Forget what was recorded."""
        self.requests.clear()
        self.bytes_read = 0


#: The methods that read objects.
READS = {"get", "get_buffer", "get_range"}

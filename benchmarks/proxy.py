"""A proxy before an AWS endpoint that counts its requests, in a process of its own.

``python -m benchmarks.proxy URL`` passes requests on until its standard input ends. It answers ``GET /requests-so-far``
itself: with the lines of the requests that it passed on.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import attrs

from benchmarks import servers

__all__ = ["Proxy", "counting"]

_TOLD = "/requests-so-far"


@attrs.frozen
class Proxy:
    """A running proxy.

    Args:
        url: Its URL.
    """

    url: str

    def requests(self) -> list[str]:
        """Return the requests that were passed on so far, as in ``GET /bucket/key``."""
        with urllib.request.urlopen(self.url + _TOLD) as answer:  # noqa: S310 - our own URL
            return [line for line in answer.read().decode().splitlines() if line]


@contextlib.contextmanager
def counting(endpoint: str) -> Iterator[Proxy]:
    """Have a proxy before an endpoint while the ``with`` block runs.

    Args:
        endpoint: The URL that requests are passed on to.
    """
    with servers.start("benchmarks.proxy", endpoint) as url:
        yield Proxy(url)


@attrs.define
class _Passing:
    """Passes requests on to a host."""

    host: str
    port: int
    seen: list[str] = attrs.field(factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while head := await _head(reader):
                method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
                if path == _TOLD:
                    requests = "\n".join(self.seen).encode()
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(requests) + requests)
                    continue
                self.seen.append(f"{method} {path}")
                if b"100-continue" in head.lower():
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await (_chunks(reader) if _is_chunked(head) else reader.readexactly(_length(head)))
                writer.write(await self._ask(head, body))
                await writer.drain()
        writer.close()

    async def _ask(self, head: bytes, body: bytes) -> bytes:
        lines = [
            line for line in head.rstrip().split(b"\r\n") if not line.lower().startswith((b"connection:", b"expect:"))
        ]
        reader, writer = await asyncio.open_connection(self.host, self.port)
        writer.write(b"\r\n".join([*lines, b"Connection: close", b"", b""]) + body)
        answer = await reader.read()
        writer.close()
        # The client's connection stays open, whatever the endpoint says of its own.
        return answer.replace(b"\r\nConnection: close\r\n", b"\r\n", 1)


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


def _is_chunked(head: bytes) -> bool:
    return b"\r\ntransfer-encoding: chunked" in head.lower()


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    """Return a chunked body with its chunk sizes."""
    body = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        body += line + await reader.readexactly(int(line.partition(b";")[0], 16) + 2)
        if line.strip().startswith(b"0"):
            return body


def _length(head: bytes) -> int:
    lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    return next((int(value) for name, _, value in lines if name == b"content-length"), 0)


async def _main(endpoint: str) -> None:
    place = urlsplit(endpoint)
    passing = _Passing(place.hostname or "", place.port or 80)
    server = await asyncio.start_server(passing.serve, "127.0.0.1", 0, limit=2**20)
    await servers.serve(server)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))

"""A stand-in for S3 that takes a given time for each request, whoever asks and however many do, as S3 does.

moto answers some hundred requests in a second, so that it would be moto that is measured. This knows what a
datastore needs: get (ranges too), put, head, list, and uploads in parts. It looks at no signature.

``python -m benchmarks.stand_in_s3 DELAY [FILE]`` serves until its standard input ends. FILE is a pickled dict of the
objects by ``bucket/key``.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import pickle
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

import attrs

from benchmarks import servers

__all__ = ["serving"]

_Answer = tuple[int, dict[str, str], bytes]


@contextlib.contextmanager
def serving(delay: float, objects: Path | None = None) -> Iterator[Mapping[str, str]]:
    """Serve while the ``with`` block runs.

    Args:
        delay: Seconds that each request takes.
        objects: A pickled dict of the objects that are there, by ``bucket/key``.

    Yields:
        The variables by which SDKs find it.
    """
    with servers.start("benchmarks.stand_in_s3", str(delay), *([str(objects)] if objects else [])) as url:
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "stand-in",
            "AWS_SECRET_ACCESS_KEY": "stand-in",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "NO_PROXY": "127.0.0.1",
        }


@attrs.define
class _Bucket:
    """The objects of all buckets, and the parts of uploads that are under way."""

    objects: dict[str, bytes] = attrs.field(factory=dict)
    uploads: dict[str, dict[int, bytes]] = attrs.field(factory=dict)
    _numbers: Iterator[int] = attrs.field(factory=itertools.count)

    def answer(  # noqa: PLR0911 - one for each kind of request
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> _Answer:
        place = urlsplit(target)
        path, query = unquote(place.path).lstrip("/"), dict(parse_qsl(place.query, keep_blank_values=True))
        match method:
            case "GET" if "list-type" in query:
                return self._list(path, query)
            case "GET" | "HEAD":
                return self._get(path, headers)
            case "PUT" if "uploadId" in query:
                self.uploads[query["uploadId"]][int(query["partNumber"])] = body
                return _accept(body)
            case "PUT" if "if-none-match" in headers and path in self.objects:
                return 412, {}, b"<Error><Code>PreconditionFailed</Code><Message>it is there</Message></Error>"
            case "PUT":
                self.objects[path] = body
                return _accept(body)
            case "POST" if "uploads" in query:
                number = str(next(self._numbers))
                self.uploads[number] = {}
                return _xml(
                    f"<InitiateMultipartUploadResult><UploadId>{number}</UploadId></InitiateMultipartUploadResult>"
                )
            case "POST" if "uploadId" in query:
                parts = self.uploads.pop(query["uploadId"])
                self.objects[path] = b"".join(parts[number] for number in sorted(parts))
                return _xml("<CompleteMultipartUploadResult><ETag>&quot;0&quot;</ETag></CompleteMultipartUploadResult>")
            case _:
                return 501, {}, b""

    def _get(self, path: str, headers: Mapping[str, str]) -> _Answer:
        content = self.objects.get(path)
        if content is None:
            return 404, {}, b"<Error><Code>NoSuchKey</Code><Message>it is not there</Message></Error>"
        given = {"ETag": _tag(content), "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        wanted = headers.get("range", "").removeprefix("bytes=")
        if not wanted:
            return 200, given, content
        start, _, end = wanted.partition("-")
        first, last = int(start), min(int(end or len(content)), len(content) - 1)
        if first >= len(content):
            return 416, {}, b"<Error><Code>InvalidRange</Code><Message>it is not that long</Message></Error>"
        given["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        return 206, given, content[first : last + 1]

    def _list(self, bucket: str, query: Mapping[str, str]) -> _Answer:
        start = f"{bucket.strip('/')}/"
        keys = [path.removeprefix(start) for path in sorted(self.objects) if path.startswith(start)]
        prefix, found = query.get("prefix", ""), {}
        for key in keys:
            if key.startswith(prefix):
                name, slash, _ = key.removeprefix(prefix).partition("/")
                found[f"{prefix}{name}{slash}" if query.get("delimiter") else key] = bool(
                    slash and query.get("delimiter")
                )
        items = [
            f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
            if folder
            else f"<Contents><Key>{escape(name)}</Key><Size>1</Size><ETag>&quot;0&quot;</ETag>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for name, folder in found.items()
        ]
        head = f"<Name>{bucket}</Name><IsTruncated>false</IsTruncated><KeyCount>{len(items)}</KeyCount>"
        return _xml(f"<ListBucketResult>{head}{''.join(items)}</ListBucketResult>")


def _tag(content: bytes) -> str:
    # Some bytes of a large object are enough: the benchmark measures the client.
    return f'"{hashlib.sha256(content[:1024]).hexdigest()[:32]}"'


def _accept(content: bytes) -> _Answer:
    return 200, {"ETag": _tag(content)}, b""


def _xml(text: str) -> _Answer:
    return 200, {"Content-Type": "application/xml"}, f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode()


class _Connection(asyncio.Protocol):
    """One connection: its requests are answered one after the other, each when its time has come."""

    def __init__(self, bucket: _Bucket, delay: float) -> None:
        self._bucket, self._delay = bucket, delay
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        first, *lines = self._received[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size = int(headers.get("content-length", "0"))
        if headers.get("expect", "").lower() == "100-continue" and len(self._received) == end + 4:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if len(self._received) < end + 4 + size:
            return
        body = bytes(self._received[end + 4 : end + 4 + size])
        del self._received[: end + 4 + size]
        method, target, _ = first.split(" ", 2)
        loop = asyncio.get_running_loop()
        answer, last = self._bucket.answer(method, target, headers, body), headers.get("connection") == "close"
        loop.call_later(self._delay, self._write, method, answer, last)

    def _write(self, method: str, answer: _Answer, last: bool) -> None:  # noqa: FBT001 - given by the loop
        status, headers, body = answer
        lines = [f"HTTP/1.1 {status} Answer", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._transport.write("\r\n".join([*lines, "", ""]).encode())
        if method != "HEAD":
            self._transport.write(body)
        if last:
            self._transport.close()


async def _main(delay: float, objects: dict[str, bytes]) -> None:
    bucket, loop = _Bucket(objects), asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(bucket, delay), "127.0.0.1", 0, backlog=1024)
    await servers.serve(server)


if __name__ == "__main__":
    given = pickle.loads(Path(sys.argv[2]).read_bytes()) if len(sys.argv) > 2 else {}  # noqa: S301, PLR2004 - our own
    asyncio.run(_main(float(sys.argv[1]), given))

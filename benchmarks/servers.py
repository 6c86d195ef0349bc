"""Servers that benchmarks need, each in a process of its own, which prints its URL and serves until its input ends."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator

__all__ = ["serve", "start"]


@contextlib.contextmanager
def start(module: str, *arguments: str) -> Iterator[str]:
    """Have a server run while the ``with`` block runs.

    Args:
        module: Its module.
        *arguments: Its arguments.

    Yields:
        The line with its URL.

    Raises:
        RuntimeError: If it does not start.
    """
    words = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError(f"{module} has no pipes")
        try:
            line = process.stdout.readline().strip()
            if not line:
                raise RuntimeError(f"{module} did not start: its output is above")
            yield line
        finally:
            process.stdin.close()


async def serve(server: asyncio.Server) -> None:
    """Print the URL of a server, and let it serve until the standard input ends.

    Args:
        server: The server.
    """
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await asyncio.to_thread(sys.stdin.read)

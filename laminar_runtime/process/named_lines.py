"""Puts a name before each line that a process prints, as several processes print to one place."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator

from laminar_runtime.blocks import block
from laminar_runtime.process import output

__all__ = ["name_lines"]

_READ = 2**16
#: Seconds to wait for the end of the output when a process has ended: it may have left others that print.
_PATIENCE = 5.0
_lock = threading.Lock()


@block
def name_lines(name: str) -> Iterator[int]:
    """Yield the descriptor of a file whose lines are printed behind a name, until the end of the ``with`` block.

    Args:
        name: The name, with a space at its end.
    """
    reading, writing = os.pipe()
    thread = threading.Thread(target=_print_lines, args=(reading, name), daemon=True)
    thread.start()
    try:
        yield writing
    finally:
        os.close(writing)
        thread.join(_PATIENCE)


def _print_lines(reading: int, name: str) -> None:
    lines = output.Lines()
    with os.fdopen(reading, "rb", buffering=0) as file:
        while data := file.read(_READ):
            _print(lines.feed(data), name)
        _print(lines.end(), name)


def _print(found: Iterator[str], name: str) -> None:
    text = "".join(f"{name}{line}\n" for line in found)
    if text:
        with _lock:
            sys.stdout.write(output.printable(text, sys.stdout.encoding))
            sys.stdout.flush()

"""What a process prints, cut into lines to be shown while it runs.

A line is shown when it has ended. Progress bars, which go back to the begin of their line by a carriage return, are
shown as they are then, once a second at most. Each state is a line of its own: several tasks may print at once.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

__all__ = ["Lines", "printable"]

#: The bytes of a line that are shown as one; a longer line is shown in pieces of it.
_LONGEST = 2**20
#: Seconds between two states of a progress bar that are shown, and seconds of silence after which one is whole.
_EVERY, _SILENCE = 1.0, 0.2

_END = re.compile(rb"\r\n|\n|\r(?!\Z)")


class Lines:
    r"""Splits the output of a process into lines.

    Args:
        clock: Returns the time in seconds.

    Example:
        >>> lines = Lines()
        >>> [*lines.feed(b"one\ntw"), *lines.feed(b"o\n100 %\r\npart"), *lines.end()]
        ['one', 'two', '100 %', 'part']
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rest = b""
        self._state = b""
        self._bar = False
        self._shown = -_EVERY

    @property
    def patience(self) -> float | None:
        """The seconds to wait for more output before a call of `idle`; None to wait without a limit."""
        if not (self._state or (self._bar and self._rest) or self._rest.endswith(b"\r")):
            return None
        return max(_SILENCE, self._shown + _EVERY - self._clock())

    def feed(self, data: bytes) -> Iterator[str]:
        """Yield the lines that end in some new output.

        Args:
            data: The bytes.
        """
        # The meaning of a carriage return depends on the next byte, so one at the end is kept.
        whole = self._rest + data
        begin = 0
        for end in _END.finditer(whole):
            yield from self._line(whole[begin : end.start()], bar=end.group() == b"\r")
            begin = end.end()
        self._rest = whole[begin:]
        while len(self._rest) > _LONGEST:
            cut = _boundary(self._rest)
            yield _text(self._rest[:cut])
            self._rest = self._rest[cut:]

    def idle(self) -> Iterator[str]:
        """Yield the state of a progress bar that has not changed for a while."""
        if self._bar or self._rest.endswith(b"\r"):
            self._state, self._rest = self._rest.rstrip(b"\r") or self._state, b""
            self._bar = True
        yield from self._progress()

    def end(self) -> Iterator[str]:
        """Yield the last output, if it does not end with a line end."""
        last = self._rest.rstrip(b"\r") or self._state
        self._rest = self._state = b""
        if last:
            yield _text(last)

    def _line(self, line: bytes, *, bar: bool) -> Iterator[str]:
        if bar:
            self._bar, self._state = True, line or self._state
            if self._clock() >= self._shown + _EVERY:
                yield from self._progress()
            return
        # The last state of a bar may be a line of its own, or have only a line end behind it.
        if line or not self._bar:
            yield _text(line)
        elif self._state:
            yield _text(self._state)
        self._bar, self._state = False, b""

    def _progress(self) -> Iterator[str]:
        if self._state:
            yield _text(self._state)
            self._state, self._shown = b"", self._clock()


def printable(text: str, encoding: str | None) -> str:
    r"""Return a text with escapes for characters that an encoding does not have, so that no line is lost.

    Args:
        text: The text.
        encoding: The encoding of the output stream; None if it can encode all characters.

    Example:
        >>> print(printable("caf\u00e9", "ascii"))
        caf\xe9
    """
    return text.encode(encoding, "backslashreplace").decode(encoding) if encoding else text


def _boundary(line: bytes) -> int:
    """Return the position to cut a long line at, between two characters of UTF-8."""
    cut = _LONGEST
    while cut > _LONGEST - 4 and line[cut] & 0xC0 == 0x80:  # noqa: PLR2004 - the mark of a byte that continues one
        cut -= 1
    return cut


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip()

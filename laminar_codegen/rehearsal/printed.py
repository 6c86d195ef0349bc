"""Shows what the tasks of a rehearsal print, while they run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import attrs

from laminar_runtime.process.output import Lines

__all__ = ["Printed"]

#: Seconds between two looks at the files.
_PAUSE = 0.1


@attrs.define
class _File:
    """A file that a task prints to, and how far it was read."""

    title: str
    path: Path
    read: int = 0
    lines: Lines = attrs.field(factory=Lines)

    def more(self) -> Iterable[str]:
        """Yield the lines that were printed since the last call."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self.read)
            data = file.read()
        self.read += len(data)
        yield from self.lines.feed(data) if data else self.lines.idle()


class Printed:
    """Follows the files that tasks print to.

    Args:
        show: Takes lines, each with its end, to show them. It is called by one thread at a time.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._files: dict[Path, _File] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def start(self) -> None:
        """Begin to look at the files."""
        self._thread.start()

    def stop(self) -> None:
        """Look at all files once more, and end."""
        self._over.set()
        self._thread.join()
        for path in list(self._files):
            self.finish(path)

    def follow(self, title: str, path: Path) -> None:
        """Show what is printed to a file from now on.

        Args:
            title: What stands before each line.
            path: The file.
        """
        with self._lock:
            self._files[path] = _File(title, path)

    def finish(self, path: Path) -> None:
        """Show what is left of a file that nobody prints to any more.

        Args:
            path: The file.
        """
        with self._lock:
            file = self._files.pop(path, None)
            if file is not None:
                self._print(file, [*file.more(), *file.lines.end()])

    def _look(self) -> None:
        while not self._over.wait(_PAUSE):
            with self._lock:
                for file in self._files.values():
                    self._print(file, file.more())

    def _print(self, file: _File, lines: Iterable[str]) -> None:
        if text := "".join(f"[{file.title}] {line}\n" for line in lines):
            self._show(text)

"""A datastore in this process, for tests and for trying things out."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from laminar_runtime import _records
from laminar_runtime.configurations.datastores.base import DataStore
from laminar_runtime.exceptions import MissingError

__all__ = ["Memory"]

#: One at a time looks whether something is there, or held, and stores or holds it if not.
_creating = threading.Lock()


@_records.define(eq=False)
class Memory(DataStore):
    """Keeps artifacts in memory. Only the `Thread` executor can use it: its layers run in this process.

    Example:
        >>> Memory().exists(path="Report/artifacts")
        False
    """

    root: str = _records.field(default="memory://", init=False)
    workspace: dict[str, bytes] = _records.field(factory=dict, init=False, repr=False)
    _held: set[str] = _records.field(factory=set, init=False, repr=False)

    def exists(self, *, path: str) -> bool:
        """Whether something is stored under a key."""
        return path in self.workspace

    def read_bytes(self, *, path: str) -> bytes:
        """Read what is stored under a key."""
        try:
            return self.workspace[path]
        except KeyError:
            raise MissingError(f"nothing is stored at {self.uri(path=path)}") from None

    def write_bytes(self, *, path: str, content: bytes) -> None:
        """Store bytes under a key."""
        self.workspace[path] = content

    def create_bytes(self, *, path: str, content: bytes) -> bool:
        """Store bytes under a key, unless something is stored there."""
        with _creating:
            if path in self.workspace:
                return False
            self.workspace[path] = content
            return True

    @contextlib.contextmanager
    def hold(self, *, path: str) -> Iterator[bool]:
        """Hold a lock, if no other thread does."""
        with _creating:
            free = path not in self._held
            if free:
                self._held.add(path)
        try:
            yield free
        finally:
            if free:
                self._held.discard(path)

    def names(self, *, prefix: str) -> list[str]:
        """The names directly below a prefix."""
        rest = (path.removeprefix(prefix) for path in list(self.workspace) if path.startswith(prefix))
        names = {path.partition("/")[0] for path in rest}
        return sorted(name for name in names if not name.startswith("."))

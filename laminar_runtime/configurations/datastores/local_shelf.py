"""Removes objects of a local datastore: the place that `laminar_runtime.storage.pruning` works on.

Who runs an execution holds its lock. Who stores a value again that is old makes it new, and holds the folder of values
for that, with others; who removes values holds it alone. So the age of a value cannot change between the look at it and
the removal. A task that stores what is not there, or is new, holds nothing.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

from laminar_runtime.blocks import block
from laminar_runtime.configurations.datastores import files
from laminar_runtime.configurations.datastores.local import FileTransport
from laminar_runtime.exceptions import DatastoreError, MissingError
from laminar_runtime.storage.layout import lock_key, locks_prefix
from laminar_runtime.storage.pruning import Running, Stored

__all__ = ["FileShelf"]

#: The lock of who removes values of a flow. No execution has this name.
_PRUNE = ".prune"
#: How many values are removed while those who make old ones new wait.
_AT_ONCE = 100


class FileShelf:
    """The files of a local datastore.

    Args:
        transport: Its transport.
    """

    locks = True

    def __init__(self, transport: FileTransport) -> None:
        self._transport = transport
        self._root = transport.root

    @block
    def alone(self, flow: str) -> Iterator[None]:
        """Hold a lock, so that one process removes things of a flow.

        Args:
            flow: The flow's name.

        Raises:
            DatastoreError: If another process holds it.
        """
        if not os.path.isdir(f"{self._root}/{flow}"):
            yield
            return
        with self._transport.lock(lock_key(flow, _PRUNE)) as held:
            if not held:
                raise DatastoreError(f"another process prunes flow '{flow}' in {self._root}: wait for its end")
            yield

    def walk(self, prefix: str) -> Iterator[Stored]:
        """Yield all files below a folder, those that are being written among them.

        Args:
            prefix: The folder.
        """
        try:
            with files.raising_errors(f"{self._root}/{prefix}"):
                entries = sorted(os.scandir(f"{self._root}/{prefix}"), key=lambda entry: entry.name)
        except FileNotFoundError:
            return
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from self.walk(f"{prefix}{entry.name}/")
                continue
            with contextlib.suppress(FileNotFoundError):
                found = entry.stat(follow_symlinks=False)
                yield Stored(f"{prefix}{entry.name}", found.st_size, found.st_mtime)

    def values(self, prefix: str) -> Iterator[Stored]:
        """Yield all values: they are files.

        Args:
            prefix: The folder.
        """
        return self.walk(prefix)

    def read(self, keys: Iterable[str]) -> Iterator[bytes]:
        """Read files.

        Args:
            keys: Their keys.
        """
        for key in keys:
            with contextlib.suppress(MissingError):
                yield self._transport.get(key)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete files, and the folders of an execution that are empty then.

        Args:
            keys: Their keys.
        """
        for key in keys:
            with files.raising_errors(f"{self._root}/{key}"), contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self._root}/{key}")
        # The flow's folders stay, such as `.cache`: others may be about to write there.
        for folder in dict.fromkeys(key.rpartition("/")[0] for key in keys):
            parts = folder.split("/")
            with contextlib.suppress(OSError):
                for length in range(len(parts), 2, -1):
                    os.rmdir(f"{self._root}/{'/'.join(parts[:length])}")

    def running(self, flow: str) -> Running:
        """Return the executions whose lock somebody holds. Its file is not younger than the run.

        Args:
            flow: The flow's name.
        """
        names, starts = [], []
        for name in self._transport.names(locks_prefix(flow)):
            key = lock_key(flow, name)
            with contextlib.suppress(FileNotFoundError):
                start = os.stat(f"{self._root}/{key}").st_mtime
                with self._transport.lock(key) as free:
                    if not free:
                        names.append(name)
                        starts.append(start)
        return Running(frozenset(names), min(starts, default=None))

    def read_notes(self, flow: str, executions: Mapping[str, float], before: float) -> Running:  # noqa: ARG002 - as others
        """Return none: locks say who runs.

        Args:
            flow: The flow's name.
            executions: The executions that have a note.
            before: A time.
        """
        return Running()

    def hold(self, flow: str, execution: str) -> AbstractContextManager[bool]:
        """Hold the lock of an execution.

        Args:
            flow: The flow's name.
            execution: The execution's id.
        """
        return self._transport.lock(lock_key(flow, execution))

    def drop(self, values: Sequence[Stored], before: float) -> list[Stored]:
        """Remove values that are still old.

        Args:
            values: The values.
            before: What was stored since this time stays.

        Raises:
            DatastoreError: If the file system has no locks.
        """
        dropped: list[Stored] = []
        # Who makes an old value new holds its folder.
        for key, group in itertools.groupby(values, key=lambda stored: stored.key.rpartition("/")[0]):
            dropped += self._drop_of_folder(f"{self._root}/{key}", [*group], before)
        return dropped

    def _drop_of_folder(self, folder: str, values: Sequence[Stored], before: float) -> list[Stored]:
        dropped: list[Stored] = []
        for first in range(0, len(values), _AT_ONCE):
            some = values[first : first + _AT_ONCE]
            with files.raising_errors(folder), files.hold_folder(folder, alone=True) as held:
                if not held:
                    raise DatastoreError(
                        f"the file system of {self._root} has no locks, so nobody knows whether a task is about to use "
                        "a value again. Prune on the machine whose disk it is"
                    )
                dropped += [stored for stored in some if self._drop(stored.key, before)]
        return dropped

    def _drop(self, key: str, before: float) -> bool:
        path = f"{self._root}/{key}"
        try:
            if os.stat(path).st_mtime >= before:
                return False
            os.unlink(path)
        except FileNotFoundError:
            return False
        return True

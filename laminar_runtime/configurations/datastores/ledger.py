"""What of an execution finished, and by which attempts: records, commits, and the archives that they name."""

from __future__ import annotations

import contextlib

from laminar_runtime import _records
from laminar_runtime.configurations.datastores.transport import Transport, address, map_requests, missing
from laminar_runtime.exceptions import DamagedError, DatastoreError, MissingError
from laminar_runtime.identifiers import start_order
from laminar_runtime.introspection import naming
from laminar_runtime.storage import rows
from laminar_runtime.storage.archives import Archive, Artifact, Elements
from laminar_runtime.storage.commits import Commit, Record
from laminar_runtime.storage.layout import LayerKey
from laminar_runtime.storage.rows import Rows

__all__ = ["Ledger"]

#: The bytes that are read of an archive of which one artifact is wanted: all of one of some fifty.
_BEGINNING = 8 * 1024
#: How many splits an error names.
_SHOWN = 10
#: How often a commit is created that is said to be there, and is not.
_TRIES = 5


class Ledger:
    """Knows which layers and splits finished. It keeps nothing itself: all of it is where the transport has it.

    Args:
        transport: What moves bytes.
    """

    __slots__ = ("_transport",)

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _address(self, path: str) -> str:
        return address(self._transport, path)

    def read_archive(self, key: LayerKey, *, index: int, name: str) -> Archive:
        """Read the archive of an attribute as the attempt wrote it by which a split finished.

        Without a commit it is the one that was written without an attempt, as earlier releases did.

        Args:
            key: The layer.
            index: The split's index.
            name: The attribute.

        Raises:
            MissingError: If it did not assign the attribute.
            DamagedError: If it is damaged.
        """
        commit = self.read_commit(key, index=index) or Commit()
        return self.read_committed(key, index=index, name=name, commit=commit)

    def read_whole(self, key: LayerKey, *, record: Record, index: int | None, name: str) -> Archive:
        """Read the archive of an attribute of a finished layer.

        Args:
            key: The layer.
            record: Its record.
            index: The split that assigned the attribute; None for all, joined.
            name: The attribute.

        Raises:
            MissingError: If it was not assigned.
            DamagedError: If it is damaged.
        """
        if record.splits == 0:
            return Archive((), sharded=True)
        if index is None and record.splits != 1:
            return self.join(key, name=name, splits=record.splits)
        commit = self.read_commit(key, index=index or 0, record=record) or Commit()
        return self.read_committed(key, index=index or 0, name=name, commit=commit)

    def read_committed(self, key: LayerKey, *, index: int, name: str, commit: Commit) -> Archive:
        """Read the archive of an attribute of a split that finished.

        Args:
            key: The layer.
            index: The split's index.
            name: The attribute.
            commit: What the split left.

        Raises:
            MissingError: If it was not assigned.
            DamagedError: If it is damaged, or gone.
        """
        found, path = commit.archives.get(name), key.archive(index, name, commit.attempt)
        if isinstance(found, Archive) and self._transport.at_once > 1:
            return found
        if found is None and commit.attempt:
            raise missing(self._transport, path)
        try:
            return self._load(path)
        except MissingError:
            if found is None:
                raise
            raise DamagedError(f"{self._address(path)} is gone, and the split that finished wrote it") from None

    def _load(self, path: str) -> Archive:
        archive = Archive.loads(self._transport.get(path), key=self._address(path))
        if archive.unset:
            raise MissingError(f"nothing is assigned by what is stored at {self._address(path)}")
        return archive

    def read_uncommitted(self, key: LayerKey, *, index: int, name: str) -> Archive:
        """Read the archive of an attribute of a split that has not finished, as its last attempt wrote it.

        It is for people who look for what went wrong. Tasks read what is committed.

        Args:
            key: The layer.
            index: The split's index.
            name: The attribute.

        Raises:
            MissingError: If the last attempt wrote no such attribute.
        """
        return self._load(key.archive(index, name, self._last_attempt(key, index)))

    def attributes(self, key: LayerKey, *, index: int, record: Record | None) -> set[str]:
        """The names of the attributes that a split assigned: of one that has not finished, in its last attempt.

        Args:
            key: The layer.
            index: The split's index.
            record: The layer's record, None if the layer has not finished.
        """
        commit = self.read_commit(key, index=index, record=record)
        if commit is not None and commit.attempt:
            return set(commit.archives)
        attempt = self._last_attempt(key, index) if commit is None else ""
        found = self._transport.names(key.archives_of(index, attempt))
        names = (name.removesuffix(".json") for name in found if name.endswith(".json"))
        return set(map(naming.read, names)) if attempt else set(names)

    def _last_attempt(self, key: LayerKey, index: int) -> str:
        """The token of the last attempt at a split that wrote something, empty if none did that has one."""
        found = self._transport.names(key.archives_of(index))
        return max((name for name in found if not name.endswith(".json")), key=start_order, default="")

    def read_commit(self, key: LayerKey, *, index: int, record: Record | None = None) -> Commit | None:
        """Read what a split left when it finished.

        Args:
            key: The layer.
            index: The split's index.
            record: The layer's record, if that was read before.

        Returns:
            The commit, one without a token if an earlier release wrote it; None if the split has not finished.

        Raises:
            DamagedError: If it is damaged.
        """
        record = record or self.read_record(key)
        if record is not None and record.commit is not None and index == 0:
            return record.commit
        split = self.read_split(key, index=index)
        # Without commits, a layer that finished has splits that did.
        return Commit() if split is None and record is not None else split

    def read_split(self, key: LayerKey, *, index: int) -> Commit | None:
        """Read what a split of a fan-out left when it finished.

        Args:
            key: The layer.
            index: The split's index.

        Returns:
            The commit; None if the split has not finished.

        Raises:
            DamagedError: If it is damaged.
        """
        path = key.split(index)
        try:
            content = self._transport.get(path)
        except MissingError:
            return None
        commit = Commit.loads(content, key=self._address(path))
        _check_names(key, (key.flow, key.execution, commit.layer or key.layer), self._transport.root)
        return commit

    def finished_splits(self, key: LayerKey, *, splits: int) -> set[int]:
        """The splits of a fan-out that finished.

        Args:
            key: The layer.
            splits: The number of its splits.
        """
        if splits == 1:
            # Of an only one, an earlier release left a record alone.
            return set() if self.read_commit(key, index=0) is None else {0}
        # Of thousands the names do: those who read what a split assigned read its commit.
        return {int(name.removesuffix(".json")) for name in self._transport.names(key.splits)}

    def commit(self, key: LayerKey, *, index: int, commit: Commit, fans_out: bool) -> bool:
        """Have a split be finished, by one of its attempts. It is once: of several that come to the end, one stays.

        Args:
            key: The layer.
            index: The split's index.
            commit: What the attempt leaves.
            fans_out: Whether the layer is a fan-out. If not, the layer has finished too.

        Returns:
            Whether it is this attempt by which the split finished.
        """
        if fans_out:
            path, content = key.split(index), _records.evolve(commit, layer=key.layer).dumps()
        else:
            path, content = key.record, Record(key.flow, key.layer, 1, commit.seconds, commit, key.execution).dumps()
        for _ in range(_TRIES):
            if self._transport.create(path, content):
                return True
            # What was created may have been told as failed, and was tried again: then it is our own that is there.
            kept = self.read_split(key, index=index) if fans_out else self.read_commit(key, index=index)
            if kept is not None:
                return kept.attempt == commit.attempt
        raise DatastoreError(f"{self._address(path)} can neither be created nor read")

    def join(self, key: LayerKey, *, name: str, splits: int) -> Archive:
        """Read the archives of an attribute of all splits of a finished layer, as one.

        Args:
            key: The layer.
            name: The attribute.
            splits: The number of its splits.

        Returns:
            The joined archive. It is kept, and read from there the next time.

        Raises:
            MissingError: If a split did not assign it.
        """
        archive = self.join_some(key, name=name, splits=splits)
        if not archive.missing:
            return archive
        shown = ", ".join(map(str, archive.missing[:_SHOWN])) + (", ..." if len(archive.missing) > _SHOWN else "")
        which = f"{'split' if len(archive.missing) == 1 else 'splits'} {shown} of 0 to {splits - 1}"
        error = MissingError(f"'{name}' of layer '{key.layer}' was not assigned by {which}")
        error.splits = archive.missing if len(archive.missing) < splits else ()
        raise error

    def join_some(self, key: LayerKey, *, name: str, splits: int) -> Archive:
        """Read the archives of an attribute of those splits of a finished layer that assigned it, as one.

        Args:
            key: The layer.
            name: The attribute.
            splits: The number of its splits.

        Returns:
            The joined archive, which says which splits are missing. It is kept, and read from there the next time.
        """
        for path in (key.joined(name), key.joined_some(name)):
            with contextlib.suppress(MissingError):
                return Archive.loads(self._transport.get(path), key=self._address(path))

        def read(index: int) -> Archive | None:
            commit = self.read_split(key, index=index) or Commit()
            with contextlib.suppress(MissingError):
                return self.read_committed(key, index=index, name=name, commit=commit)
            return None

        parts = list(map_requests(self._transport, read, range(splits)))
        absent = tuple(index for index, part in enumerate(parts) if part is None)
        archive = Archive.join(part for part in parts if part is not None)
        if absent:
            archive = _records.evolve(archive, sharded=True, missing=absent)
        # What is joined is committed: whoever else joins it writes the same.
        self._transport.put(key.joined_some(name) if absent else key.joined(name), archive.dumps())
        return archive

    def elements(self, key: LayerKey, *, record: Record, index: int | None, name: str) -> Elements:
        """The artifacts behind an attribute of a finished layer, of which each is read without the others.

        Args:
            key: The layer.
            record: Its record.
            index: The split that assigned the attribute; None for all, joined.
            name: The attribute.

        Raises:
            MissingError: If it was not assigned.
        """
        if record.splits == 0:
            return Elements.of(Archive((), sharded=True))
        if index is None and record.splits != 1:
            path = key.joined(name)
            try:
                return self._elements(path)
            except MissingError:
                return Elements.of(self.join(key, name=name, splits=record.splits))
        index = index or 0
        commit = self.read_commit(key, index=index, record=record) or Commit()
        found = commit.archives.get(name)
        if isinstance(found, Rows):
            return self._rows(key.archive(index, name, commit.attempt), found)
        return Elements.of(self.read_committed(key, index=index, name=name, commit=commit))

    def _elements(self, path: str) -> Elements:
        """The artifacts of an archive, of a large one by its beginning, which says where each of them stands."""
        beginning = self._transport.get_range(path, 0, _BEGINNING)
        if len(beginning) < _BEGINNING:
            return Elements.of(Archive.loads(beginning, key=self._address(path)))
        found = rows.find(beginning)
        return self._rows(path, found) if found else Elements.of(self._load(path))

    def _rows(self, path: str, found: Rows) -> Elements:
        def read(place: int) -> Artifact:
            start, end = found.span(place)
            try:
                return Artifact.parse(rows.item(self._transport.get_range(path, start, end)))
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise DamagedError(f"{self._address(path)} is damaged: {error!r} at byte {start}") from error

        return Elements(found.count, read)

    def read_record(self, key: LayerKey) -> Record | None:
        """Read a layer's record.

        Args:
            key: The layer.

        Returns:
            The record, None if the layer has not finished.

        Raises:
            DamagedError: If it is damaged.
        """
        try:
            content = self._transport.get(key.record)
        except MissingError:
            return None
        record = Record.loads(content, key=self._address(key.record))
        _check_names(key, (record.flow, record.execution or key.execution, record.layer), self._transport.root)
        return record

    def write_record(
        self, key: LayerKey, *, splits: int, seconds: float | None = None, commit: Commit | None = None
    ) -> None:
        """Say that a layer finished, whatever was said before: all splits of a fan-out did.

        Args:
            key: The layer.
            splits: The number of its splits.
            seconds: How long it took, if that is known.
            commit: That of its only split, if it is no fan-out.
        """
        record = Record(key.flow, key.layer, splits, seconds, commit, key.execution)
        self._transport.put(key.record, record.dumps())


def _check_names(key: LayerKey, kept: tuple[str, str, str], root: str) -> None:
    """Refuse what is another's: a file system that ignores case takes the folders of two for one.

    Attributes are kept apart there by how they are spelled; folders have the names that people gave.
    """
    asked = (key.flow, key.execution, key.layer)
    if kept != asked and [name.casefold() for name in kept] == [name.casefold() for name in asked]:
        ours, theirs = next(pair for pair in zip(asked, kept, strict=True) if pair[0] != pair[1])
        raise DatastoreError(
            f"'{ours}' and '{theirs}' are one folder on the file system of {root}, which does not tell capitals from "
            f"small letters: rename one of them, or choose another root"
        )

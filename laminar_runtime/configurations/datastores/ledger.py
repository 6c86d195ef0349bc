"""Records, commits and archives: which layers and splits of an execution finished, and by which attempts."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Sequence

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

#: The bytes that are read first of an archive, to find one artifact: all of an archive of about fifty.
_BEGINNING = 8 * 1024
#: How many splits an error names.
_SHOWN = 10
#: How often to create a commit that the transport refuses as there, but does not find.
_TRIES = 5


class Ledger:
    """Knows which layers and splits finished. It has no state of its own.

    Args:
        transport: Keeps the records, commits and archives.
    """

    __slots__ = ("_transport",)

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _address(self, path: str) -> str:
        return address(self._transport, path)

    def read_archive(self, key: LayerKey, *, index: int, name: str) -> Archive:
        """Read the archive of an attribute, written by the attempt that finished the split.

        Without a commit, read the archive that an earlier release wrote without an attempt.

        Args:
            key: The layer.
            index: The split's index.
            name: The attribute.

        Raises:
            MissingError: If the attempt did not assign the attribute.
            DamagedError: If it is damaged.
        """
        commit = self.read_commit(key, index=index) or Commit()
        return self.read_of_commit(key, index=index, name=name, commit=commit)

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
            return self.join(key, name=name, splits=record.splits, failed=record.failed)
        if (index or 0) in record.failed:
            raise _unset_error(key, name, (index or 0,), record.splits, record.failed)
        commit = self.read_commit(key, index=index or 0, record=record) or Commit()
        return self.read_of_commit(key, index=index or 0, name=name, commit=commit)

    def read_of_commit(self, key: LayerKey, *, index: int, name: str, commit: Commit) -> Archive:
        """Read the archive of an attribute of a split that finished.

        Args:
            key: The layer.
            index: The split's index.
            name: The attribute.
            commit: The commit of the split.

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
            raise DamagedError(f"{self._address(path)} is missing, but a finished split wrote it") from None

    def _load(self, path: str) -> Archive:
        archive = Archive.loads(self._transport.get(path), key=self._address(path))
        if archive.unset:
            raise MissingError(f"the attribute of {self._address(path)} was not assigned")
        return archive

    def read_without_commit(self, key: LayerKey, *, index: int, name: str) -> Archive:
        """Read the archive of an attribute of a split that has not finished, as its last attempt wrote it.

        It is for people who look for an error. Tasks read committed archives.

        Args:
            key: The layer.
            index: The split's index.
            name: The attribute.

        Raises:
            MissingError: If the last attempt did not write the attribute.
        """
        return self._load(key.archive(index, name, self._last_attempt(key, index)))

    def attributes(self, key: LayerKey, *, index: int, record: Record | None) -> set[str]:
        """Return the names of the attributes that a split assigned, in its last attempt if it has not finished.

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
        """Return the token of the last attempt that wrote archives of a split, or '' if there are none with a token."""
        found = self._transport.names(key.archives_of(index))
        return max((name for name in found if not name.endswith(".json")), key=start_order, default="")

    def read_commit(self, key: LayerKey, *, index: int, record: Record | None = None) -> Commit | None:
        """Read the commit of a split.

        Args:
            key: The layer.
            index: The split's index.
            record: The layer's record, if the caller has read it.

        Returns:
            The commit, without a token if an earlier release wrote it; None if the split has not finished.

        Raises:
            DamagedError: If it is damaged.
        """
        record = record or self.read_record(key)
        if record is not None and record.commit is not None and index == 0:
            return record.commit
        split = self.read_split(key, index=index)
        if record is not None and index in record.failed:
            return None
        # In stores without commits, a record says that all splits finished.
        return Commit() if split is None and record is not None else split

    def read_split(self, key: LayerKey, *, index: int) -> Commit | None:
        """Read the commit of a split of a fan-out.

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
        """Return the indexes of the splits of a fan-out that finished.

        Args:
            key: The layer.
            splits: The number of its splits.
        """
        if splits == 1:
            # Of a single split, an earlier release wrote a record only.
            return set() if self.read_commit(key, index=0) is None else {0}
        # The names are enough: whoever reads an attribute of a split reads its commit.
        return {int(name.removesuffix(".json")) for name in self._transport.names(key.splits)}

    def commit(self, key: LayerKey, *, index: int, commit: Commit, fans_out: bool) -> bool:
        """Commit a split, once: of several attempts that come to the end, the first one counts.

        Args:
            key: The layer.
            index: The split's index.
            commit: The commit of this attempt.
            fans_out: Whether the layer is a fan-out. If not, the commit is its record.

        Returns:
            Whether this attempt finished the split.
        """
        if fans_out:
            path, content = key.split(index), _records.evolve(commit, layer=key.layer).dumps()
        else:
            path, content = key.record, Record(key.flow, key.layer, 1, commit.seconds, commit, key.execution).dumps()
        for _ in range(_TRIES):
            if self._transport.create(path, content):
                return True
            # A request may have stored the commit, failed, and been repeated: then the stored commit is our own.
            kept = self.read_split(key, index=index) if fans_out else self.read_commit(key, index=index)
            if kept is not None:
                return kept.attempt == commit.attempt
        raise DatastoreError(f"{self._address(path)} can neither be created nor read")

    def join(self, key: LayerKey, *, name: str, splits: int, failed: Collection[int] = ()) -> Archive:
        """Join the archives of an attribute of all splits of a finished layer.

        Args:
            key: The layer.
            name: The attribute.
            splits: The number of its splits.
            failed: Those that failed.

        Returns:
            The joined archive, which is stored for the next reader.

        Raises:
            MissingError: If a split did not assign it.
        """
        archive = self.join_some(key, name=name, splits=splits)
        if not archive.missing:
            return archive
        raise _unset_error(key, name, archive.missing, splits, failed)

    def join_some(self, key: LayerKey, *, name: str, splits: int) -> Archive:
        """Join the archives of an attribute of those splits of a finished layer that assigned it.

        Args:
            key: The layer.
            name: The attribute.
            splits: The number of its splits.

        Returns:
            The joined archive, with the splits that are missing. It is stored for the next reader.
        """
        for path in (key.join_archive(name), key.partial_join_archive(name)):
            with contextlib.suppress(MissingError):
                return Archive.loads(self._transport.get(path), key=self._address(path))

        def read(index: int) -> Archive | None:
            commit = self.read_split(key, index=index) or Commit()
            with contextlib.suppress(MissingError):
                return self.read_of_commit(key, index=index, name=name, commit=commit)
            return None

        parts = list(map_requests(self._transport, read, range(splits)))
        absent = tuple(index for index, part in enumerate(parts) if part is None)
        archive = Archive.join(part for part in parts if part is not None)
        if absent:
            archive = _records.evolve(archive, sharded=True, missing=absent)
        # All of it is committed, so that another one who joins it writes the same.
        self._transport.put(key.partial_join_archive(name) if absent else key.join_archive(name), archive.dumps())
        return archive

    def elements(self, key: LayerKey, *, record: Record, index: int | None, name: str) -> Elements:
        """Return the artifacts of an attribute of a finished layer. Each is read without the others.

        Args:
            key: The layer.
            record: Its record.
            index: The split that assigned the attribute; None for all, joined.
            name: The attribute.

        Raises:
            MissingError: If it was not assigned.
        """
        if record.splits == 0 or (index is None and len(record.failed) == record.splits):
            return Elements.of(Archive((), sharded=True))
        if index is None and record.splits != 1:
            path = key.join_archive(name)
            try:
                return self._elements(path)
            except MissingError:
                archive = self.join_some(key, name=name, splits=record.splits)
                if not set(archive.missing) <= set(record.failed):
                    raise _unset_error(key, name, archive.missing, record.splits, record.failed) from None
                return Elements.of(archive)
        index = index or 0
        if index in record.failed:
            raise _unset_error(key, name, (index,), record.splits, record.failed)
        commit = self.read_commit(key, index=index, record=record) or Commit()
        found = commit.archives.get(name)
        if isinstance(found, Rows):
            return self._rows(key.archive(index, name, commit.attempt), found)
        return Elements.of(self.read_of_commit(key, index=index, name=name, commit=commit))

    def _elements(self, path: str) -> Elements:
        """Return the artifacts of an archive. The beginning of a large one says where each of them is."""
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
        self,
        key: LayerKey,
        *,
        splits: int,
        seconds: float | None = None,
        commit: Commit | None = None,
        failed: Iterable[int] = (),
    ) -> None:
        """Write the record of a layer that finished, with all of its splits, in place of another record.

        Args:
            key: The layer.
            splits: The number of its splits.
            seconds: How long it took, if that is known.
            commit: The commit of its only split, unless it is a fan-out.
            failed: The splits that failed, if its fan-out tolerates that.
        """
        record = Record(key.flow, key.layer, splits, seconds, commit, key.execution, tuple(sorted(failed)))
        self._transport.put(key.record, record.dumps())


def _unset_error(
    key: LayerKey, name: str, missing: Sequence[int], splits: int, failed: Collection[int]
) -> MissingError:
    """Return the error of an attribute that some splits did not assign."""
    shown = ", ".join(map(str, missing[:_SHOWN])) + (", ..." if len(missing) > _SHOWN else "")
    which = f"{'split' if len(missing) == 1 else 'splits'} {shown} of 0 to {splits - 1}"
    why = ", which failed" if set(missing) <= set(failed) else ""
    error = MissingError(f"'{name}' of layer '{key.layer}' was not assigned by {which}{why}")
    error.splits = tuple(missing) if len(missing) < splits else ()
    return error


def _check_names(key: LayerKey, kept: tuple[str, str, str], root: str) -> None:
    """Refuse a record or commit of another layer: a file system that ignores case has one folder for both.

    Files of attributes are spelled without capital letters; folders have the names that people gave.
    """
    asked = (key.flow, key.execution, key.layer)
    if kept != asked and [name.casefold() for name in kept] == [name.casefold() for name in asked]:
        ours, theirs = next(pair for pair in zip(asked, kept, strict=True) if pair[0] != pair[1])
        raise DatastoreError(
            f"'{ours}' and '{theirs}' are the same folder on the file system of {root}, which is not case-sensitive: "
            "rename one of them, or choose another root"
        )

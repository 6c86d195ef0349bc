"""Lists what an execution stored: its attributes with their sizes, and previews of the small plain ones.

Nothing is unpickled unless the reader asks for it: see `laminar_runtime.report.plain_values`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from laminar_runtime import _records
from laminar_runtime.exceptions import LaminarError, MissingError
from laminar_runtime.report.plain_values import NotPlainError, read_plain
from laminar_runtime.report.previews import preview
from laminar_runtime.report.record import Preview, ReportArtifact
from laminar_runtime.storage.archives import Archive, Artifact
from laminar_runtime.storage.commits import Commit
from laminar_runtime.storage.layout import LayerKey

if TYPE_CHECKING:
    from laminar_runtime.configurations.datastores import DataStore

__all__ = ["ValueReader", "list_artifacts"]

#: Returns the value of an attribute of a layer, of the first split and the first item. It may run the user's code.
ValueReader = Callable[[str, str], Any]

#: The most stored bytes that are read for a preview, and what they may be decompressed to.
_READ, _DECOMPRESSED = 256 * 1024, 1024 * 1024
#: The most values of an attribute that are measured, and the most attributes that are listed.
_MEASURED, _LISTED = 16, 500
#: Extensions of values that are a pickle, and of those that only numpy and the like read.
_PICKLE, _FRAMES, _RAW, _COMPRESSED = "pickle", "frames", "bytes", ".zst"


def list_artifacts(
    store: DataStore,
    keys: Mapping[str, LayerKey],
    *,
    splits: Mapping[str, Sequence[int]] | None = None,
    read: ValueReader | None = None,
) -> Iterator[ReportArtifact]:
    """Yield the attributes that layers assigned, layer by layer.

    Args:
        store: The datastore.
        keys: The layers by name.
        splits: Splits that finished, of layers that have not.
        read: Reads a value, if the reader has the flow's code and asks for previews of any value.
    """
    found: list[ReportArtifact | _Attribute] = []
    for layer, key in keys.items():
        try:
            of_split = _commit_of(store, key, (splits or {}).get(layer, ()))
        except LaminarError as error:
            found.append(ReportArtifact(layer=layer, attribute="", count=0, note=str(error)))
            continue
        if of_split is not None:
            index, commit, count = of_split
            found += [_Attribute(key, index, name, commit, count) for name in sorted(commit.archives)]
    # Several requests for each: many at once, where they wait for a network.
    yield from store.map(lambda one: _describe(store, one, read), found[:_LISTED])
    if len(found) > _LISTED:
        note = f"only the first {_LISTED} of {len(found):,} attributes are listed"
        yield ReportArtifact(layer="", attribute="", count=0, note=note)


@_records.frozen
class _Attribute:
    """An attribute of a split that finished, with the number of such splits."""

    key: LayerKey
    index: int
    name: str
    commit: Commit
    count: int


def _commit_of(store: DataStore, key: LayerKey, finished: Sequence[int]) -> tuple[int, Commit, int] | None:
    """Return a split that finished, its commit, and how many splits did; None if none did."""
    record = store.ledger.read_record(key)
    if record is None:
        split = store.ledger.read_split(key, index=finished[0]) if finished else None
        return None if split is None else (finished[0], split, len(finished))
    index = min({*range(record.splits)} - {*record.failed}, default=None)
    if index is None:
        return None
    commit = store.ledger.read_commit(key, index=index, record=record) or Commit()
    return index, commit, record.splits - len(record.failed)


def _describe(store: DataStore, found: ReportArtifact | _Attribute, read: ValueReader | None) -> ReportArtifact:
    """Return what is known of an attribute, by the archive of one split."""
    if isinstance(found, ReportArtifact):
        return found
    key, attribute = found.key, found.name
    known = ReportArtifact(layer=key.layer, attribute=attribute, count=found.count)
    try:
        archive = store.ledger.read_of_commit(key, index=found.index, name=attribute, commit=found.commit)
    except (LaminarError, OSError) as error:
        return _records.evolve(known, note=f"cannot be read: {error}")
    if found.count == 1:
        known = _records.evolve(known, count=len(archive))
    if not archive.artifacts:
        return known
    types = {artifact.dtype for artifact in archive.artifacts}
    sizes = [size for artifact in archive.artifacts[:_MEASURED] if (size := _size(store, key, artifact)) is not None]
    known = _records.evolve(
        known,
        dtype=types.pop() if len(types) == 1 else "",
        size=sum(sizes) if sizes else None,
        measured=len(sizes),
    )
    shown, note = _preview(store, key, archive, attribute, sizes[0] if sizes else None, read)
    return _records.evolve(known, preview=shown, note=note)


def _size(store: DataStore, key: LayerKey, artifact: Artifact) -> int | None:
    """Return the stored bytes of a value. A transport of a user need not know them."""
    measure = getattr(store.transport, "size", None)
    if measure is None:
        return None
    with contextlib.suppress(LaminarError, OSError):
        return int(measure(artifact.key(key.flow)))
    return None


def _preview(  # noqa: PLR0913, PLR0917 - the same
    store: DataStore, key: LayerKey, archive: Archive, attribute: str, size: int | None, read: ValueReader | None
) -> tuple[Preview | None, str]:
    """Return the preview of the first value of an attribute, or why there is none."""
    if size is not None and size > _READ:
        return None, "too large for a preview"
    if read is not None:
        try:
            return preview(read(key.layer, attribute)), ""
        except Exception as error:  # noqa: BLE001 - unpickling runs code of the user's
            return None, f"cannot be read: {type(error).__name__}: {error}"
    artifact = archive.artifacts[0]
    try:
        content = store.transport.get_range(artifact.key(key.flow), 0, _READ + 1)
        if len(content) > _READ:
            return None, "too large for a preview"
        return _preview_of_bytes(content, artifact.extension)
    except (MissingError, OSError) as error:
        return None, f"cannot be read: {error}"


def _preview_of_bytes(content: bytes, extension: str) -> tuple[Preview | None, str]:
    """Return the preview of stored bytes, without a byte of them being run."""
    if extension.endswith(_COMPRESSED):
        found = _decompress(content)
        return (
            (None, found) if isinstance(found, str) else _preview_of_bytes(found, extension.removesuffix(_COMPRESSED))
        )
    if extension == _FRAMES:
        return None, "an array or a table: it is shown if you ask for previews"
    if extension == _PICKLE:
        try:
            return preview(read_plain(content)), ""
        except NotPlainError:
            return None, "not a plain value: it is shown if you ask for previews"
    if extension != _RAW:
        # Written by a protocol of the user. JSON and other texts show as they are.
        with contextlib.suppress(UnicodeDecodeError):
            return preview(content.decode()), ""
    return preview(content), ""


def _decompress(content: bytes) -> bytes | str:
    """Return decompressed bytes, or why there are none: a few bytes may stand for very many."""
    import io

    import zstandard

    try:
        found: bytes = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(content)).read(_DECOMPRESSED + 1)
    except zstandard.ZstdError as error:
        return f"is damaged: {error}"
    return found if len(found) <= _DECOMPRESSED else "too large for a preview"

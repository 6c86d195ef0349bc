"""A sequence of stored values, each of which is read on access."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

from laminar_runtime import _records
from laminar_runtime.storage.archives import Archive, Artifact

if TYPE_CHECKING:
    from laminar_runtime.configurations.datastores.base import DataStore

__all__ = ["Accessor"]


@_records.frozen(eq=False)
class Accessor(Sequence[Any]):
    """The values of a sharded attribute, or of an attribute of a fan-out. Each is read on access.

    Args:
        archive: Lists the values.
        flow: The flow's name.
        datastore: Where they are stored.

    Example:
        >>> from laminar_runtime import Flow, Layer
        >>> from laminar_runtime.configurations import datastores, executors
        >>> class Letters(Flow): ...
        >>> @Letters.register
        ... class Split(Layer):
        ...     def __call__(self) -> None:
        ...         self.shard(letter=["a", "b"])
        >>> execution = Letters(datastore=datastores.Memory(), executor=executors.Thread())()
        >>> letters = execution.layer(Split).letter
        >>> letters, letters[1]
        (Accessor(2 values), 'b')
    """

    archive: Archive
    flow: str
    datastore: DataStore

    def __repr__(self) -> str:
        return f"Accessor({len(self)} values)"

    def __len__(self) -> int:
        return len(self.archive)

    @overload
    def __getitem__(self, key: int) -> Any: ...
    @overload
    def __getitem__(self, key: slice) -> list[Any]: ...
    def __getitem__(self, key: int | slice) -> Any:
        if isinstance(key, slice):
            return list(self._read(self.archive.artifacts[key]))
        try:
            artifact = self.archive.artifacts[key]
        except IndexError:
            raise IndexError(f"index {key} is out of range: the sequence has {len(self)} values") from None
        return self.datastore.read_artifact(self.flow, artifact)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._read(self.archive.artifacts))

    def _read(self, artifacts: Iterable[Artifact]) -> Iterator[Any]:
        return self.datastore.map(lambda item: self.datastore.read_artifact(self.flow, item), artifacts)

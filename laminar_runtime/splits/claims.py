"""Claims: how the children of an array job share the splits of a layer, so that each split has one child.

With ``ForEach(max_concurrency=n)``, an array job has n children, whatever the number of splits, and each child runs one
split after the other. It claims a split before it runs it, by an object that is created only if there is none::

    .claims/<drive>/<list>/<job>/<index>           the split is claimed, by the child and start that the object names
    .claims/<drive>/<list>/<job>/<index>.failed    the split failed for good

A job has claims of its own: if a request to submit it is repeated, because its answer was lost, there are two jobs, and
the one that is waited for runs what the other has not finished.

A claim is never given back. AWS Batch starts a child again whose host was lost: it goes on with the splits that it had
claimed and not finished. A child that is dead for good fails its array job, after the others have run the other splits.

Child k of n takes the splits k, k + n, k + 2n, ... first: so the children seldom want the same one. Then it takes any
split that is left, so uneven splits balance themselves.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Collection, Sequence

from laminar_runtime.configurations.datastores.transport import Transport, address, map_requests
from laminar_runtime.exceptions import DatastoreError, MissingError
from laminar_runtime.storage.claims import FAILED, Owner

__all__ = ["Claims"]

#: How often to create a claim that the transport refuses as there, but does not find.
_TRIES = 5


class Claims:
    """The claims of one child. It is used by one thread.

    Args:
        transport: Keeps the claims.
        prefix: The prefix of their keys, with a slash at its end.
        owner: The child.
        splits: The indexes of the splits that the children share.
        place: The number of the child, from 0.
        children: The number of children.

    Example:
        >>> from laminar_runtime.configurations.datastores import Memory
        >>> from laminar_runtime.storage.claims import Owner
        >>> store = Memory().transport
        >>> one, other = (
        ...     Claims(store, "c/", owner=Owner(f"job:{k}"), splits=[4, 5, 7], place=k, children=2) for k in range(2)
        ... )
        >>> one.take(), other.take(), other.take(), one.take()
        (4, 5, 7, None)
    """

    def __init__(  # noqa: PLR0913 - by name
        self, transport: Transport, prefix: str, *, owner: Owner, splits: Sequence[int], place: int, children: int
    ) -> None:
        self._transport, self._prefix, self._owner = transport, prefix, owner
        self._splits = splits
        self._lane = deque(splits[place::children])
        self._taken: set[int] = set()
        #: The splits of which it is known whose they are.
        self._known: set[int] = set()

    def take(self) -> int | None:
        """Claim the next split that nobody has claimed.

        Returns:
            The index of the split; None if all are claimed.

        Raises:
            DatastoreError: If a claim can neither be created nor read.
        """
        while (index := self._next()) is not None:
            self._taken.add(index)
            if self._claim(index):
                self._known.add(index)
                return index
            self._look()
        return None

    def leave_out(self, splits: Collection[int]) -> None:
        """Leave splits out, which finished before.

        Args:
            splits: Their indexes.
        """
        self._taken.update(splits)
        self._known.update(splits)

    def own(self) -> tuple[list[int], list[int]]:
        """Find what earlier starts of this child claimed, of the splits that it does not know yet.

        A request of a start that is dead may be stored late. So what it claimed is known for sure when all are claimed.

        Returns:
            The splits that it claimed and that neither were left out nor failed, and those that failed.
        """
        failed = self._look()
        claimed = [index for index in self._splits if index in self._taken and index not in self._known]
        self._known.update(claimed)

        def is_own(index: int) -> bool:
            return Owner.loads(self._transport.get(self._path(index))).child == self._owner.child

        owned = map_requests(self._transport, is_own, claimed)
        own = [index for index, mine in zip(claimed, owned, strict=True) if mine]
        return [index for index in own if index not in failed], [index for index in own if index in failed]

    def fail(self, index: int) -> None:
        """Note that a split failed for good, so that another start of this child does not run it again.

        Args:
            index: The split.
        """
        self._transport.put(f"{self._path(index)}{FAILED}", b"{}")

    def _next(self) -> int | None:
        """Return the next split to claim: of the child's own share, and then any that is left."""
        while self._lane:
            index = self._lane.popleft()
            if index not in self._taken:
                return index
        self._look()
        left = [index for index in self._splits if index not in self._taken]
        # Children that choose at random seldom choose the same one.
        return random.choice(left) if left else None  # noqa: S311 - spreads requests, hides nothing

    def _look(self) -> set[int]:
        """Note the splits that are claimed by now, and return those that failed."""
        names = self._transport.names(self._prefix)
        self._taken.update(int(name) for name in names if not name.endswith(FAILED))
        return {int(name.removesuffix(FAILED)) for name in names if name.endswith(FAILED)}

    def _claim(self, index: int) -> bool:
        """Create a claim, and return whether it is this child's."""
        path, content = self._path(index), self._owner.dumps()
        for _ in range(_TRIES):
            if self._transport.create(path, content):
                return True
            try:
                # A request may have stored the claim, failed, and been repeated: then the stored claim is our own.
                return self._transport.get(path) == content
            except MissingError:
                continue
        raise DatastoreError(f"{address(self._transport, path)} can neither be created nor read")

    def _path(self, index: int) -> str:
        return f"{self._prefix}{index}"

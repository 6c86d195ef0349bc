"""Removes old executions of a flow, and the values that nothing names any more.

A value is stored once for all executions. So its age does not say whether it is needed: that takes a look at what
the remaining executions name. And what nothing names may be named soon, by an execution that has just stored it.
docs/adr/0044-values-are-removed-when-nothing-can-name-them.md proves that this removes none of those. In short: an
execution that stores a value makes it new, also if it was there before. So whatever is older than the start of each
execution that runs, and is named by no record, is named by nobody in future, unless it becomes new first. And a place
of values removes one only if it is as old as it was when it was listed, in one step with the look at its age.

Records are removed before what they name. Whatever ends this in between, no layer counts as finished whose values are
gone, and the next call goes on.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from laminar_runtime import _records
from laminar_runtime.introspection import naming
from laminar_runtime.storage.layout import (
    artifacts_prefix,
    cache_prefix,
    digest_in,
    executions_prefix,
    graph_key,
    is_record,
    names_values,
    outputs_prefix,
    run_key,
    turns_prefix,
)

__all__ = ["BATCH", "GRACE", "Pruned", "Running", "Shelf", "Stored", "prune"]

#: The seconds for which a value stays that nothing names: a start stores parameters before there is an execution, and
#: the clocks of services and machines differ.
GRACE = 86_400.0
#: How many objects are removed at once:
#: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
BATCH = 1000
#: How many executions are listed one by one: of more, it is faster to list all that there are.
_FEW = 50
_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


@_records.frozen
class Stored:
    """An object of a datastore.

    Args:
        key: Its key.
        size: Its bytes; of a value all versions of it.
        modified: When it was written last, in seconds since 1970.
        versions: The ids of its versions, where a bucket has them.
    """

    key: str
    size: int
    modified: float
    versions: tuple[str, ...] = ()


@_records.frozen
class Running:
    """The executions that run.

    Args:
        names: Their ids.
        since: When the first of them was started, in seconds since 1970; None if none runs.
    """

    names: frozenset[str] = frozenset()
    since: float | None = None


@_records.frozen(kw_only=True)
class Pruned:
    """What was removed of a flow, or would be.

    Args:
        flow: The flow's name.
        executions: The number of executions.
        records: The number of their records, archives, notes and outputs.
        artifacts: The number of values.
        bytes: The bytes of all of that.
        waiting: The number of values that nothing names, and that stay: an execution that runs may name them yet.
    """

    flow: str
    executions: int = 0
    records: int = 0
    artifacts: int = 0
    bytes: int = 0
    waiting: int = 0


class Shelf(Protocol):
    """The place of a datastore, for who removes things from it."""

    @property
    def locks(self) -> bool:
        """Whether an execution can be held, so that nobody runs it meanwhile."""

    def alone(self, flow: str) -> AbstractContextManager[Any]:
        """Keep others from removing values of a flow at the same time, if that would do harm.

        Raises:
            DatastoreError: If another process does that.
        """

    def walk(self, prefix: str) -> Iterator[Stored]:
        """Yield all objects below a prefix, those of a folder one after the other."""

    def read(self, keys: Iterable[str]) -> Iterator[bytes]:
        """Read objects. Those that are gone are left out."""

    def delete(self, keys: Sequence[str]) -> None:
        """Delete at most `BATCH` objects."""

    def running(self, flow: str) -> Running:
        """Return the executions that run."""

    def read_notes(self, flow: str, executions: Mapping[str, float], before: float) -> Running:
        """Return those that run, or ended after a time, by the notes of their runs, where no lock says so.

        Args:
            flow: The flow's name.
            executions: The executions that have a note, with the time of their last write.
            before: The time.
        """

    def hold(self, flow: str, execution: str) -> AbstractContextManager[bool]:
        """Hold an execution during the ``with`` block, and yield whether it is held here."""

    def values(self, prefix: str) -> Iterator[Stored]:
        """Yield all values below a prefix."""

    def drop(self, values: Sequence[Stored], before: float) -> Sequence[Stored]:
        """Remove values, and return those that were removed.

        A value that was stored again since it was listed stays. The look at that and the removal are one step.

        Args:
            values: The values.
            before: All of them were stored before this time.
        """


def prune(shelf: Shelf, flows: Sequence[str], *, before: float, now: float, dry_run: bool = False) -> list[Pruned]:
    """Remove the executions of flows that wrote nothing since a time and do not run, and values that nothing names.

    Args:
        shelf: The place of the datastore.
        flows: The names of the flows: one, or those of a chain, whose executions go together.
        before: The time, in seconds since 1970.
        now: The time of the call.
        dry_run: Whether to count only.

    Returns:
        What was removed, or would be, of each flow.

    Raises:
        DatastoreError: If something cannot be removed, or another process removes things of a flow.
    """
    with contextlib.ExitStack() as held:
        for flow in flows:
            held.enter_context(shelf.alone(flow))
        # Who runs is asked first: whoever ends later has been seen, and whoever begins later stores values anew.
        running = _join([shelf.running(flow) for flow in flows])
        found = {flow: _find(shelf, flow) for flow in flows}
        noted = [
            shelf.read_notes(flow, {name: last for name, (last, has_note) in found[flow].items() if has_note}, before)
            for flow in flows
        ]
        running = _join([running, *noted])
        last = _last_writes(found.values())
        since = before if running.since is None else running.since - GRACE
        done = []
        for flow in flows:
            tally, old = _Tally(), [one for one in found[flow] if last[one] < before and one not in running.names]
            if dry_run:
                gone = set(old)
                for stored in _walk(shelf, old, *_folders(flow)):
                    tally.count(stored)
            else:
                gone = set(_remove_all(shelf, flow, old, before, tally))
            _remove(shelf, _old_turns(shelf, flow, before), tally, dry_run=dry_run)
            named = _read_names(shelf, flow, gone)
            swept = _sweep(shelf, flow, named, min(before, since, now - GRACE), dry_run=dry_run)
            done.append(
                Pruned(
                    flow=flow,
                    executions=len(gone),
                    records=tally.number,
                    artifacts=swept.number,
                    bytes=tally.bytes + swept.bytes,
                    waiting=swept.waiting,
                )
            )
    return done


class _Tally:
    """Counts objects."""

    def __init__(self) -> None:
        self.number = self.bytes = self.waiting = 0

    def count(self, stored: Stored) -> None:
        self.number += 1
        self.bytes += stored.size


def _join(found: Iterable[Running]) -> Running:
    found = list(found)
    starts = [one.since for one in found if one.since is not None]
    return Running(frozenset().union(*(one.names for one in found)), min(starts, default=None))


def _folders(flow: str) -> tuple[str, ...]:
    """Return the folders of a flow that have one for each execution."""
    return cache_prefix(flow), executions_prefix(flow), outputs_prefix(flow)


def _find(shelf: Shelf, flow: str) -> dict[str, tuple[float, bool]]:
    """Return when each execution of a flow wrote last, and whether it has a note on a run."""
    found: dict[str, tuple[float, bool]] = {}
    for folder in _folders(flow):
        for stored in shelf.walk(folder):
            name = _execution_of(stored.key, folder)
            if name is not None:
                last, has_note = found.get(name, (0.0, False))
                found[name] = max(last, stored.modified), has_note or stored.key == run_key(flow, name)
    return found


def _last_writes(found: Iterable[Mapping[str, tuple[float, bool]]]) -> dict[str, float]:
    """Return when each execution wrote last, in any flow of a chain: a later one may have values of an earlier one."""
    latest: dict[str, float] = {}
    for of_flow in found:
        for name, (last, _) in of_flow.items():
            latest[name] = max(latest.get(name, 0.0), last)
    return latest


def _execution_of(key: str, folder: str) -> str | None:
    name, slash, _ = key.removeprefix(folder).partition("/")
    # Other files in the folder, such as desktop.ini, are of no execution.
    return name if slash and naming.flaw(name) is None else None


def _walk(shelf: Shelf, executions: Sequence[str], *folders: str) -> Iterator[Stored]:
    """Yield the objects of executions in folders of a flow."""
    if len(executions) <= _FEW:
        for folder, name in itertools.product(folders, executions):
            yield from shelf.walk(f"{folder}{name}/")
        return
    wanted = set(executions)
    for folder in folders:
        yield from (stored for stored in shelf.walk(folder) if _execution_of(stored.key, folder) in wanted)


def _remove_all(shelf: Shelf, flow: str, old: Sequence[str], before: float, tally: _Tally) -> Iterator[str]:
    """Remove executions, and yield them."""
    if not shelf.locks:
        _remove_executions(shelf, flow, old, tally)
        yield from old
        return
    for name in old:
        with shelf.hold(flow, name) as held:
            # It may have been resumed since it was listed.
            if held and all(stored.modified < before for stored in _walk(shelf, [name], *_folders(flow))):
                _remove_executions(shelf, flow, [name], tally)
                yield name


def _remove_executions(shelf: Shelf, flow: str, names: Sequence[str], tally: _Tally) -> None:
    """Remove executions: first what says that layers finished, at last the notes that say how the execution ended."""
    folder = cache_prefix(flow)
    last = {key(flow, name) for name in names for key in (run_key, graph_key)}

    def notes(choose: Callable[[str], bool]) -> Iterator[Stored]:
        return (stored for stored in _walk(shelf, names, folder) if choose(stored.key))

    records = (
        stored
        for _, of_one in itertools.groupby(notes(is_record), lambda one: _execution_of(one.key, folder))
        for stored in sorted(of_one, key=lambda one: one.modified, reverse=True)
    )
    _remove(shelf, records, tally)
    _remove(shelf, notes(lambda key: key not in last and not is_record(key)), tally)
    _remove(shelf, _walk(shelf, names, executions_prefix(flow), outputs_prefix(flow)), tally)
    _remove(shelf, notes(lambda key: key in last), tally)


def _remove(shelf: Shelf, found: Iterable[Stored], tally: _Tally, *, dry_run: bool = False) -> None:
    """Remove objects in their order, and count them."""
    source = iter(found)
    while batch := list(itertools.islice(source, BATCH)):
        if not dry_run:
            shelf.delete([stored.key for stored in batch])
        for stored in batch:
            tally.count(stored)


def _old_turns(shelf: Shelf, flow: str, before: float) -> Iterator[Stored]:
    """Yield the notes of turns but the last one, which has the first key: the next execution looks for it."""
    turns = sorted(shelf.walk(turns_prefix(flow)), key=lambda one: one.key)
    yield from (stored for stored in turns[1:] if stored.modified < before)


def _read_names(shelf: Shelf, flow: str, gone: set[str]) -> set[bytes]:
    """Return the digests that the remaining executions name. Any text that looks like a digest counts as one."""

    def keys() -> Iterator[str]:
        for folder, choose in ((executions_prefix(flow), None), (cache_prefix(flow), names_values)):
            for stored in shelf.walk(folder):
                if _execution_of(stored.key, folder) not in gone and (choose is None or choose(stored.key)):
                    yield stored.key

    named: set[bytes] = set()
    for content in shelf.read(keys()):
        named.update(bytes.fromhex(digest.decode()) for digest in _DIGEST.findall(content))
    return named


def _sweep(shelf: Shelf, flow: str, named: set[bytes], before: float, *, dry_run: bool) -> _Tally:
    """Remove the values that nothing names and that were stored before a time."""
    folder, tally = artifacts_prefix(flow), _Tally()

    def candidates() -> Iterator[Stored]:
        for stored in shelf.values(folder):
            if _is_named(stored.key, named):
                continue
            if stored.modified < before:
                yield stored
            else:
                tally.waiting += 1

    source = candidates()
    while batch := list(itertools.islice(source, BATCH)):
        dropped = batch if dry_run else shelf.drop(batch, before)
        tally.waiting += len(batch) - len(dropped)
        for stored in dropped:
            tally.count(stored)
    return tally


def _is_named(key: str, named: set[bytes]) -> bool:
    """Return whether a value is named, or is none. What is left of a write that was killed is not named."""
    if key.rpartition("/")[2].startswith(".writing-"):
        return False
    digest = digest_in(key)
    return digest is None or bytes.fromhex(digest) in named

"""The outcomes of runs of a flow, to compare one with another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from laminar_runtime.configurations import datastores
from laminar_runtime.storage.archives import Archive
from laminar_runtime.storage.commits import Record

__all__ = ["EXECUTION", "Ended", "Job", "Outcome", "Results", "Task", "results_of"]

EXECUTION = "e1"


@attrs.frozen
class Job:
    """A container: its task, and its size in Fargate."""

    command: tuple[str, ...]
    resources: Mapping[str, str]


#: A task: its layer, split and attempt.
Task = tuple[str, int, int]


@attrs.frozen
class Ended:
    """The end of an execution of a state machine.

    Args:
        state: The state that failed, None if it succeeded.
        text: The message of the failure.
    """

    state: str | None
    text: str = ""


@attrs.frozen(kw_only=True)
class Outcome:
    """The end of one run of a flow, the first or one that resumed it.

    Args:
        failed: The layer that failed, None if the flow succeeded.
        index: The split that failed, if it is known.
        text: The message of the failure.
        calls: The tasks that were called.
        jobs: The containers of the tasks that were started.
        before: The tasks that had finished before.
        results: The contents of the datastore now.
    """

    failed: str | None
    index: int | None
    text: str
    calls: list[Task]
    jobs: dict[Task, Job]
    before: frozenset[tuple[str, int]]
    results: Results


@attrs.frozen
class Results:
    """The contents of a datastore of an execution.

    Args:
        finished: The layers that finished, with the numbers of their splits.
        splits: The splits that finished.
        failed: The splits of layers that finished without them.
        artifacts: Their artifacts, by layer, split and attribute: whether it is sharded, and the values.
    """

    finished: dict[str, int]
    splits: frozenset[tuple[str, int]]
    failed: frozenset[tuple[str, int]]
    artifacts: dict[tuple[str, int, str], tuple[bool, list[Any]]]

    def of(self, layers: set[str]) -> dict[tuple[str, int, str], tuple[bool, list[Any]]]:
        """Return the artifacts of some layers, by their splits."""
        return {
            (layer, index, name): value
            for (layer, index, name), value in sorted(self.artifacts.items())
            if layer in layers and index < self.finished[layer]
        }


def results_of(flow: str, store: datastores.Memory) -> Results:
    """Read the results of the execution of a flow."""
    finished, splits, failed, artifacts = {}, set(), set(), {}
    committed = _commits(store)
    for path, content in sorted(store.workspace.items()):
        match path.split("/"):
            case [_, ".cache", _, layer, ".record.json"]:
                record = Record.loads(content, key=path)
                finished[layer] = record.splits
                failed.update((layer, index) for index in record.failed)
                if record.splits == 1 and not record.failed:
                    splits.add((layer, 0))
            case [_, ".cache", _, layer, ".splits", name]:
                splits.add((layer, int(name.removesuffix(".json"))))
            case [_, "archives", _, layer, index, attempt, name] if committed.get((layer, int(index))) == attempt:
                archive = Archive.loads(content, key=path)
                values = [store.read_artifact(flow, artifact) for artifact in archive.artifacts]
                artifacts[layer, int(index), name.removesuffix(".json")] = (archive.sharded, values)
    return Results(finished, frozenset(splits), frozenset(failed), artifacts)


def _commits(store: datastores.Memory) -> dict[tuple[str, int], str]:
    """Return the attempts by which splits finished, by layer and index."""
    found: dict[tuple[str, int], str] = {}
    for path, content in store.workspace.items():
        match path.split("/"):
            case [_, ".cache", _, layer, ".record.json"]:
                found.setdefault((layer, 0), json.loads(content).get("attempt", ""))
            case [_, ".cache", _, layer, ".splits", name]:
                found[layer, int(name.removesuffix(".json"))] = json.loads(content)["attempt"]
    return found

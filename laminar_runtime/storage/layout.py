"""The keys of what a datastore holds: the only module that spells them. `laminar_runtime.storage` draws the layout.

Each function takes the parts of a key as text. So one template makes the key that Python reads, the pattern that a
policy grants (with ``*`` for a part) and the key that a state computes (with a JSONata expression for a part, which
`laminar_codegen.lower_states.objects` quotes).
"""

from __future__ import annotations

from laminar_runtime import _records
from laminar_runtime.introspection import naming

__all__ = [
    "JoinKey",
    "LayerKey",
    "artifacts_prefix",
    "cache_prefix",
    "executions_prefix",
    "input_key",
    "joins_prefix",
    "layers_prefix",
    "lock_key",
    "states_facts",
]

#: The folders of a flow: values, archives, notes on executions, and locks.
_ARTIFACTS, _ARCHIVES, _CACHE, _LOCKS = "artifacts", "archives", ".cache", ".locks"
#: The objects and folders of an execution among its notes, beside the folders of its layers.
_INPUT, _JOINS = ".input.json", ".joins"
#: The objects and folders of a layer among the notes of an execution.
_RECORD, _SOME, _SPLITS, _ATTEMPTS, _PLAN = ".record.json", ".some", ".splits", ".attempts", ".plan"
#: The objects of a layer that waits for others among the joins of an execution.
_MARKS, _TOKEN = "from", "token.json"


@_records.frozen
class LayerKey:
    """Names one layer of one execution of one flow: what a datastore needs to know of a layer.

    Args:
        flow: The flow's name.
        execution: The execution's id.
        layer: The name that the layer is stored under: its own, unless it runs several times in an execution.
        upstream: The names that it finds other layers under, where those are not their own, as pairs of the layer's
            name and that name.

    Example:
        >>> LayerKey("Report", "e1", "Load").record
        'Report/.cache/e1/Load/.record.json'
        >>> LayerKey("Report", "e1", "Clean.2", upstream=(("Load", "Load.2"),)).of("Load").record
        'Report/.cache/e1/Load.2/.record.json'
    """

    flow: str
    execution: str
    layer: str
    upstream: tuple[tuple[str, str], ...] = ()

    def of(self, layer: str) -> LayerKey:
        """Return the key that this layer finds another layer of its execution under.

        Args:
            layer: The name of the other layer.
        """
        return LayerKey(self.flow, self.execution, dict(self.upstream).get(layer, layer), self.upstream)

    @property
    def record(self) -> str:
        """The key of the layer's record."""
        return f"{self._notes}{_RECORD}"

    @property
    def _notes(self) -> str:
        return f"{cache_prefix(self.flow, self.execution)}{self.layer}/"

    @property
    def archives(self) -> str:
        """The prefix of all the layer's archives, with a slash at its end."""
        return f"{layers_prefix(self.flow, self.execution)}{self.layer}/"

    def archives_of(self, index: int, attempt: str = "") -> str:
        """The prefix of the archives that an attempt at split `index` wrote, with a slash at its end.

        Args:
            index: The split's index.
            attempt: The attempt's token; that of all attempts, and of what earlier releases wrote, unless given.
        """
        return f"{self.archives}{index}/{attempt}/" if attempt else f"{self.archives}{index}/"

    def archive(self, index: int, attribute: str, attempt: str = "") -> str:
        """The key of the archive of an attribute.

        Args:
            index: The index of the split that wrote it.
            attribute: The attribute.
            attempt: The token of the attempt that wrote it; none for what an earlier release wrote.
        """
        name = naming.spell(attribute) if attempt else attribute
        return f"{self.archives_of(index, attempt)}{name}.json"

    def joined(self, attribute: str) -> str:
        """The key of the archive of an attribute over all splits."""
        return f"{self._notes}{naming.spell(attribute)}.json"

    def joined_some(self, attribute: str) -> str:
        """The key of the archive of an attribute over those splits that assigned it, if others did not."""
        return f"{self._notes}{_SOME}/{naming.spell(attribute)}.json"

    def split(self, index: int) -> str:
        """The key of the commit of split `index` of a fan-out."""
        return f"{self.splits}{index}.json"

    @property
    def splits(self) -> str:
        """The prefix under which each split that finished has an object."""
        return f"{self._notes}{_SPLITS}/"

    def attempts(self, index: int, drive: str) -> str:
        """The prefix of the notes of runs of split `index`, with a slash at its end.

        Args:
            index: The split's index.
            drive: Which of the resumes and redrives of the execution they belong to; empty for none of them.
        """
        return f"{self._notes}{_ATTEMPTS}/{drive or '-'}/{index}/"

    def listed(self, name: str) -> str:
        """The key of a list of indexes of the layer's plan."""
        return f"{self._notes}{_PLAN}/{name}.txt"


@_records.frozen
class JoinKey:
    """Names a layer that waits for layers of other branches: what states leave and look for there.

    Args:
        flow: The flow's name.
        execution: The execution's id.
        name: The name of the layer, or of the step, that waits.

    Example:
        >>> JoinKey("Report", "e1", "Merge").mark("Clean")
        'Report/.cache/e1/.joins/Merge/from/Clean'
    """

    flow: str
    execution: str
    name: str

    @property
    def prefix(self) -> str:
        """The prefix of all that is left for it, with a slash at its end."""
        return f"{joins_prefix(self.flow, self.execution)}{self.name}/"

    @property
    def marks(self) -> str:
        """The prefix of the marks of what has ended, with a slash at its end."""
        return f"{self.prefix}{_MARKS}/"

    def mark(self, ended: str) -> str:
        """The key of a mark.

        Args:
            ended: The name of the layer, or of the step, that has ended.
        """
        return f"{self.marks}{ended}"

    @property
    def token(self) -> str:
        """The key of the task token by which it is woken."""
        return f"{self.prefix}{_TOKEN}"


def artifacts_prefix(flow: str) -> str:
    """The prefix of all values of a flow."""
    return f"{flow}/{_ARTIFACTS}/"


def executions_prefix(flow: str) -> str:
    """The prefix under which each execution of a flow has a folder."""
    return f"{flow}/{_ARCHIVES}/"


def layers_prefix(flow: str, execution: str) -> str:
    """The prefix under which each layer of an execution that wrote something has a folder."""
    return f"{executions_prefix(flow)}{execution}/"


def cache_prefix(flow: str, execution: str | None = None) -> str:
    """The prefix under which each layer of an execution of which something finished has a folder.

    Args:
        flow: The flow's name.
        execution: The execution's id; None for the prefix under which each execution has a folder.
    """
    return f"{flow}/{_CACHE}/" if execution is None else f"{flow}/{_CACHE}/{execution}/"


def input_key(flow: str, execution: str) -> str:
    """The key of the input that a state machine was started with."""
    return f"{cache_prefix(flow, execution)}{_INPUT}"


def joins_prefix(flow: str, execution: str) -> str:
    """The prefix of all that layers of exact joins leave for each other in an execution, with a slash at its end."""
    return f"{cache_prefix(flow, execution)}{_JOINS}/"


def lock_key(flow: str, execution: str) -> str:
    """The key of the lock that whoever runs an execution holds, where a datastore has locks."""
    return f"{flow}/{_LOCKS}/{execution}"


def states_facts(folder: str) -> bool:
    """Whether objects in a folder state facts about what was written before, as a record does.

    Args:
        folder: A prefix of keys, with a slash at its end.

    Example:
        >>> states_facts("Report/.cache/e1/Load/"), states_facts("Report/artifacts/")
        (True, False)
    """
    return f"/{_CACHE}/" in f"/{folder}"

"""The keys of what a datastore holds: the only place that knows where it lies. `laminar_runtime.storage` draws it."""

from __future__ import annotations

from laminar_runtime import _records
from laminar_runtime.introspection import naming

__all__ = [
    "LayerKey",
    "artifacts_prefix",
    "cache_prefix",
    "executions_prefix",
    "input_key",
    "layers_prefix",
    "lock_key",
]


@_records.frozen
class LayerKey:
    """Names one layer of one execution of one flow: what a datastore needs to know of a layer.

    Args:
        flow: The flow's name.
        execution: The execution's id.
        layer: The layer's name.

    Example:
        >>> LayerKey("Report", "e1", "Load").record
        'Report/.cache/e1/Load/.record.json'
    """

    flow: str
    execution: str
    layer: str

    @property
    def record(self) -> str:
        """The key of the layer's record."""
        return f"{self.flow}/.cache/{self.execution}/{self.layer}/.record.json"

    @property
    def archives(self) -> str:
        """The prefix of all the layer's archives, with a slash at its end."""
        return f"{self.flow}/archives/{self.execution}/{self.layer}/"

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
        return f"{self.flow}/.cache/{self.execution}/{self.layer}/{naming.spell(attribute)}.json"

    def joined_some(self, attribute: str) -> str:
        """The key of the archive of an attribute over those splits that assigned it, if others did not."""
        return f"{self.flow}/.cache/{self.execution}/{self.layer}/.some/{naming.spell(attribute)}.json"

    def split(self, index: int) -> str:
        """The key of the commit of split `index` of a fan-out."""
        return f"{self.splits}{index}.json"

    @property
    def splits(self) -> str:
        """The prefix under which each split that finished has an object."""
        return f"{self.flow}/.cache/{self.execution}/{self.layer}/.splits/"

    def attempts(self, index: int, drive: str) -> str:
        """The prefix of the notes of runs of split `index`, with a slash at its end.

        Args:
            index: The split's index.
            drive: Which of the resumes and redrives of the execution they belong to; empty for none of them.
        """
        return f"{self.flow}/.cache/{self.execution}/{self.layer}/.attempts/{drive or '-'}/{index}/"

    def listed(self, name: str) -> str:
        """The key of a list of indexes of the layer's plan."""
        return f"{self.flow}/.cache/{self.execution}/{self.layer}/.plan/{name}.txt"


def artifacts_prefix(flow: str) -> str:
    """The prefix of all values of a flow."""
    return f"{flow}/artifacts/"


def executions_prefix(flow: str) -> str:
    """The prefix under which each execution of a flow has a folder."""
    return f"{flow}/archives/"


def layers_prefix(flow: str, execution: str) -> str:
    """The prefix under which each layer of an execution that wrote something has a folder."""
    return f"{flow}/archives/{execution}/"


def cache_prefix(flow: str, execution: str | None = None) -> str:
    """The prefix under which each layer of an execution of which something finished has a folder.

    Args:
        flow: The flow's name.
        execution: The execution's id; None for the prefix under which each execution has a folder.
    """
    return f"{flow}/.cache/" if execution is None else f"{flow}/.cache/{execution}/"


def input_key(flow: str, execution: str) -> str:
    """The key of the input that a state machine was started with."""
    return f"{flow}/.cache/{execution}/.input.json"


def lock_key(flow: str, execution: str) -> str:
    """The key of the lock that whoever runs an execution holds, where a datastore has locks."""
    return f"{flow}/.locks/{execution}"

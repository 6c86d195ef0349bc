"""Keys: the only Python module that spells them. `laminar_runtime.storage` draws the layout of a datastore.

The Terraform module ``datastore`` repeats the folder of the cache, whose objects it lets expire.

Each function takes the parts of a key as text. So one template gives the key that Python reads, the pattern that a
policy grants (with ``*`` for a part) and the key that a state computes (with a JSONata expression for a part, which
`laminar_codegen.lower_states.objects` quotes).
"""

from __future__ import annotations

from laminar_runtime import _records
from laminar_runtime.introspection import naming

#: The names in the input of an execution, besides ``parameters``: the commit of parameters that are in the datastore,
#: under their digests; the tags of its jobs; and what started it.
STORED, TAGS, STARTED_BY = "stored", "tags", "started_by"
#: The attempt whose record of a failure is that of all later ones too, so that their number has a bound.
LAST_RECORDED = 10
__all__ = [
    "LAST_RECORDED",
    "STARTED_BY",
    "STORED",
    "TAGS",
    "JoinKey",
    "LayerKey",
    "answer_key",
    "artifact_key",
    "artifacts_prefix",
    "cache_prefix",
    "digest_in",
    "executions_prefix",
    "failures_prefix",
    "graph_key",
    "input_key",
    "is_record",
    "joins_prefix",
    "layers_prefix",
    "lock_key",
    "locks_prefix",
    "names_values",
    "outputs_prefix",
    "run_key",
    "states_facts",
    "times_key",
    "turns_prefix",
]

#: The folders of a flow: values, archives, notes on executions, locks, turns, and the output of tasks.
_ARTIFACTS, _ARCHIVES, _CACHE, _LOCKS, _TURNS = "artifacts", "archives", ".cache", ".locks", ".turns"
_OUTPUT = ".output"
#: The digits of a SHA-256.
_DIGITS = 64
#: The objects and folders of an execution among its notes, beside the folders of its layers.
_INPUT, _JOINS, _FAILURES, _ANSWERS = ".input.json", ".joins", ".failures", ".answers"
_RUN, _TIMES, _GRAPH = ".run.json", ".times.json", ".graph.json"
#: The objects and folders of a layer among the notes of an execution.
_RECORD, _SOME, _SPLITS, _ATTEMPTS, _PLAN = ".record.json", ".some", ".splits", ".attempts", ".plan"
_CLAIMS, _BEGUN, _ENTRY = ".claims", ".begun", ".entry"
#: The objects of a layer that waits for others, among the joins of an execution.
_MARKS, _TOKEN = "from", "token.json"


@_records.frozen
class LayerKey:
    """Names a layer of an execution of a flow in a datastore.

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
        return f"{self.notes}{_RECORD}"

    @property
    def notes(self) -> str:
        """The prefix of all notes on the layer, its record among them, with a slash at its end."""
        return f"{cache_prefix(self.flow, self.execution)}{self.layer}/"

    @property
    def archives(self) -> str:
        """The prefix of all the layer's archives, with a slash at its end."""
        return f"{layers_prefix(self.flow, self.execution)}{self.layer}/"

    def archives_of(self, index: int, attempt: str = "") -> str:
        """Return the prefix of the archives that an attempt at a split wrote, with a slash at its end.

        Args:
            index: The split's index.
            attempt: The attempt's token. Without it, the prefix holds all attempts, and archives of earlier releases.
        """
        return f"{self.archives}{index}/{attempt}/" if attempt else f"{self.archives}{index}/"

    def archive(self, index: int, attribute: str, attempt: str = "") -> str:
        """Return the key of the archive of an attribute.

        Args:
            index: The index of the split that wrote it.
            attribute: The attribute.
            attempt: The token of the attempt that wrote it; empty for an archive of an earlier release.
        """
        name = naming.spell(attribute) if attempt else attribute
        return f"{self.archives_of(index, attempt)}{name}.json"

    def join_archive(self, attribute: str) -> str:
        """Return the key of the joined archive of an attribute of all splits.

        Args:
            attribute: The attribute.
        """
        return f"{self.notes}{naming.spell(attribute)}.json"

    def partial_join_archive(self, attribute: str) -> str:
        """Return the key of the joined archive of an attribute that some splits did not assign.

        Args:
            attribute: The attribute.
        """
        return f"{self.notes}{_SOME}/{naming.spell(attribute)}.json"

    def split(self, index: int) -> str:
        """Return the key of the commit of a split of a fan-out.

        Args:
            index: The split's index.
        """
        return f"{self.splits}{index}.json"

    @property
    def splits(self) -> str:
        """The prefix of the commits of its splits, with a slash at its end."""
        return f"{self.notes}{_SPLITS}/"

    def attempts(self, index: int, drive: str) -> str:
        """Return the prefix of the notes on runs of a split, with a slash at its end.

        Args:
            index: The split's index.
            drive: The resume or redrive of the execution that they belong to; empty before the first one.
        """
        return f"{self.notes}{_ATTEMPTS}/{drive or '-'}/{index}/"

    def entry(self, drive: str) -> str:
        """Return the key of the note on whether it runs, of a layer that may be skipped and shares a job.

        Args:
            drive: The resume or redrive of the execution that it belongs to; empty before the first one.
        """
        return f"{self.notes}{_ENTRY}/{drive or '-'}.json"

    @property
    def failures(self) -> str:
        """The prefix of the records of its failures, with a slash at its end."""
        return f"{failures_prefix(self.flow, self.execution)}{self.layer}/"

    def failure(self, index: int, attempt: int) -> str:
        """Return the key of the record of a failed attempt at a split. All attempts after the ninth have one key.

        Args:
            index: The split's index.
            attempt: The attempt, from 1.

        Example:
            >>> LayerKey("Report", "e1", "Load").failure(3, 2)
            'Report/.cache/e1/.failures/Load/3.2.json'
        """
        return f"{self.failures}{index}.{min(attempt, LAST_RECORDED)}.json"

    @property
    def outputs(self) -> str:
        """The prefix of the output of its tasks on a machine, with a slash at its end."""
        return f"{outputs_prefix(self.flow)}{self.execution}/{self.layer}/"

    def output(self, index: int, attempt: int) -> str:
        """Return the key of the output of an attempt at a split.

        Args:
            index: The split's index.
            attempt: The attempt, from 1.

        Example:
            >>> LayerKey("Report", "e1", "Load").output(3, 2)
            'Report/.output/e1/Load/3/2.txt'
        """
        return f"{self.outputs}{index}/{attempt}.txt"

    def claims(self, name: str, drive: str, job: str) -> str:
        """Return the prefix of the claims of splits that the children of a job share, with a slash at its end.

        Args:
            name: The name of the job in the layer's plan.
            drive: The resume or redrive of the execution that they belong to; empty before the first one.
            job: The id of the job, without that of a child: a request that is repeated submits another job.
        """
        return f"{self.notes}{_CLAIMS}/{drive or '-'}/{name}/{job}/"

    def beginnings(self, drive: str) -> str:
        """Return the prefix of the notes on splits that began, of a fan-out that tolerates failures.

        Args:
            drive: The resume or redrive of the execution that they belong to; empty before the first one.
        """
        return f"{self.notes}{_BEGUN}/{drive or '-'}/"

    def index_list(self, name: str) -> str:
        """Return the key of a list of indexes of the layer's plan.

        Args:
            name: The name of the list.
        """
        return f"{self.notes}{_PLAN}/{name}.txt"


@_records.frozen
class JoinKey:
    """Names a layer that waits for layers of other branches. States keep marks and a task token there.

    Args:
        flow: The flow's name.
        execution: The execution's id.
        name: The name of the layer or step that waits.

    Example:
        >>> JoinKey("Report", "e1", "Merge").mark("Clean")
        'Report/.cache/e1/.joins/Merge/from/Clean'
    """

    flow: str
    execution: str
    name: str

    @property
    def prefix(self) -> str:
        """The prefix of its marks and its token, with a slash at its end."""
        return f"{joins_prefix(self.flow, self.execution)}{self.name}/"

    @property
    def marks(self) -> str:
        """The prefix of the marks of layers that ended, with a slash at its end."""
        return f"{self.prefix}{_MARKS}/"

    def mark(self, ended: str) -> str:
        """Return the key of a mark.

        Args:
            ended: The name of the layer or step that ended.
        """
        return f"{self.marks}{ended}"

    @property
    def token(self) -> str:
        """The key of the task token that wakes it."""
        return f"{self.prefix}{_TOKEN}"


def artifacts_prefix(flow: str) -> str:
    """Return the prefix of all values of a flow."""
    return f"{flow}/{_ARTIFACTS}/"


def artifact_key(flow: str, digest: str, extension: str) -> str:
    """Return the key of a value of a flow.

    Args:
        flow: The flow's name.
        digest: The SHA-256 of its bytes.
        extension: Says how its bytes are read.
    """
    return f"{artifacts_prefix(flow)}{digest}.{extension}"


def executions_prefix(flow: str) -> str:
    """Return the prefix of the archives of a flow, with a folder for each execution."""
    return f"{flow}/{_ARCHIVES}/"


def layers_prefix(flow: str, execution: str) -> str:
    """Return the prefix of the archives of an execution, with a folder for each layer."""
    return f"{executions_prefix(flow)}{execution}/"


def cache_prefix(flow: str, execution: str | None = None) -> str:
    """Return the prefix of the notes on an execution, with a folder for each layer.

    Args:
        flow: The flow's name.
        execution: The execution's id; None for the notes on all executions, with a folder for each.
    """
    return f"{flow}/{_CACHE}/" if execution is None else f"{flow}/{_CACHE}/{execution}/"


def input_key(flow: str, execution: str) -> str:
    """Return the key of the input of a state machine."""
    return f"{cache_prefix(flow, execution)}{_INPUT}"


def graph_key(flow: str, execution: str) -> str:
    """Return the key of the note on the graph of an execution: which layers there are, and what they depend on."""
    return f"{cache_prefix(flow, execution)}{_GRAPH}"


def answer_key(flow: str, execution: str, job: str) -> str:
    """Return the key of what a job answered the state machine about a layer.

    Args:
        flow: The flow's name.
        execution: The execution's id.
        job: The id of the job, which planned the layer.
    """
    return f"{cache_prefix(flow, execution)}{_ANSWERS}/{job}.json"


def joins_prefix(flow: str, execution: str) -> str:
    """Return the prefix of the marks and tokens of exact joins in an execution, with a slash at its end."""
    return f"{cache_prefix(flow, execution)}{_JOINS}/"


def failures_prefix(flow: str, execution: str) -> str:
    """Return the prefix of the records of failures of an execution, with a folder for each layer."""
    return f"{cache_prefix(flow, execution)}{_FAILURES}/"


def turns_prefix(flow: str) -> str:
    """Return the prefix of the notes of the turns of a deployed flow's executions, with a slash at its end."""
    return f"{flow}/{_TURNS}/"


def run_key(flow: str, execution: str) -> str:
    """Return the key of the record of an execution's run on a machine."""
    return f"{cache_prefix(flow, execution)}{_RUN}"


def lock_key(flow: str, execution: str) -> str:
    """Return the key of the lock of whoever runs an execution, where a datastore has locks."""
    return f"{locks_prefix(flow)}{execution}"


def locks_prefix(flow: str) -> str:
    """Return the prefix of the locks of a flow's executions, with a slash at its end."""
    return f"{flow}/{_LOCKS}/"


def outputs_prefix(flow: str) -> str:
    """Return the prefix of the output of a flow's tasks on a machine, with a folder for each execution."""
    return f"{flow}/{_OUTPUT}/"


def is_record(key: str) -> bool:
    """Return whether an object is the record of a layer.

    Args:
        key: Its key.

    Example:
        >>> is_record("Report/.cache/e1/Load/.record.json"), is_record("Report/.cache/e1/.run.json")
        (True, False)
    """
    return key.endswith(f"/{_RECORD}")


def digest_in(key: str) -> str | None:
    """Return the SHA-256 in the key of a value; None if it is no key of a value.

    Args:
        key: The key.

    Example:
        >>> digest_in(artifact_key("Report", "ab" * 32, "p")) == "ab" * 32
        True
        >>> digest_in("Report/artifacts/README") is None
        True
    """
    name = key.rpartition("/")[2].partition(".")[0]
    return name if len(name) == _DIGITS and not name.strip("0123456789abcdef") else None


def names_values(key: str) -> bool:
    """Return whether an object among the notes on an execution may name values that no archive names.

    Args:
        key: Its key.

    Example:
        >>> names_values("Report/.cache/e1/.input.json"), names_values("Report/.cache/e1/.times.json")
        (True, False)
    """
    return key.endswith((f"/{_RECORD}", f"/{_INPUT}"))


def states_facts(folder: str) -> bool:
    """Return whether objects in a folder state facts about objects that were written before, as a record does.

    Args:
        folder: A prefix of keys, with a slash at its end.

    Example:
        >>> states_facts("Report/.cache/e1/Load/"), states_facts("Report/artifacts/")
        (True, False)
    """
    return f"/{_CACHE}/" in f"/{folder}"


def times_key(flow: str, execution: str) -> str:
    """Return the key of the times of an execution's attempts on a machine."""
    return f"{cache_prefix(flow, execution)}{_TIMES}"

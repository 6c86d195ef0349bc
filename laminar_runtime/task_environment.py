"""The environment of a task, and the only spelling of its variables.

Whoever starts a task (a local executor, AWS Batch, AWS Lambda) names the layer that runs by these variables.
`TaskContext` reads and writes them; user code reads `laminar_runtime.settings.current`.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar

from laminar_runtime import _records, indexes
from laminar_runtime.blocks import block
from laminar_runtime.exceptions import FlowError
from laminar_runtime.identifiers import RESUMED, check_execution_id
from laminar_runtime.storage.layout import LayerKey

__all__ = ["TaskContext", "activate", "folders", "layers_in", "on_aws", "outside", "parse_pack", "spell_pack", "task"]

EXECUTION_ID = "LAMINAR_EXECUTION_ID"
EXECUTION_RETRY = "LAMINAR_EXECUTION_RETRY"
FLOW_NAME = "LAMINAR_FLOW_NAME"
LAYER_NAME = "LAMINAR_LAYER_NAME"
_NAMES = (EXECUTION_ID, FLOW_NAME, LAYER_NAME)
LAYER_INDEX = "LAMINAR_LAYER_INDEX"
LAYER_SPLITS = "LAMINAR_LAYER_SPLITS"
LAYER_ATTEMPT = "LAMINAR_LAYER_ATTEMPT"
#: The name that the layer is stored under, and, as a JSON object, those of other layers by their own names. They are
#: there only for a layer that runs several times in an execution.
LAYER_STORED_AS = "LAMINAR_LAYER_STORED_AS"
UPSTREAM_STORED_AS = "LAMINAR_UPSTREAM_STORED_AS"
#: The indexes of the splits of the children of an array job, in the notation of `laminar_runtime.indexes`; or, after an
#: ``@``, the name of a list of the layer's plan that holds them.
LAYER_INDEXES = "LAMINAR_LAYER_INDEXES"
#: The name of the claims by which the children of an array job share the splits of `LAYER_INDEXES`: it ends with a dot
#: and the number of children.
LAYER_CLAIMS = "LAMINAR_LAYER_CLAIMS"
#: The layers that a job runs, after its virtual CPUs and its memory in MiB: ``2 4096 Load Train``.
PACK = "LAMINAR_PACK"
#: Seconds after which a task is stopped by its own job, and not by AWS Batch, which runs no job again that it stopped.
LAYER_TIMEOUT = "LAMINAR_LAYER_TIMEOUT"
#: With ``0``, each split of a job that runs several is a process of its own from the start, and no fork of one that has
#: imported the flow.
FORKS = "LAMINAR_FORKS"
#: Whether the process of a layer of such a job decides first if the layer runs: it may be skipped.
DECIDES = "LAMINAR_DECIDES"
#: The folder in memory that keeps what the layers of one job store.
KEPT = "LAMINAR_KEPT"
#: What the process of a child that claims splits needs to know of its layer.
WORKER = "LAMINAR_WORKER"
#: Where the flow's datastore is: ``s3://bucket/prefix`` or a folder.
DATASTORE_ROOT = "LAMINAR_DATASTORE_ROOT"
#: The encryption that the flow's datastore requests of S3, for functions that write to it without the flow's code.
DATASTORE_ENCRYPTION = "LAMINAR_DATASTORE_ENCRYPTION"
DATASTORE_KMS_KEY_ID = "LAMINAR_DATASTORE_KMS_KEY_ID"
#: The paths that failures show in the place of others, as a JSON object: a rehearsal runs a flow in a folder that is
#: gone when someone reads why it failed.
SHOWN_PATHS = "LAMINAR_SHOWN_PATHS"
#: The number of the process that took the task of this environment. Processes that the task starts inherit it.
TAKEN = "LAMINAR_TASK_TAKEN"
#: The folders that outlive the task: ``all``, or, in a container, only the ``datastore`` of the flow. By default it is
#: ``datastore`` if the flow's datastore is not on this machine.
FOLDERS = "LAMINAR_FOLDERS"
#: The prefix of the variables that hold the folders of volumes, by their names.
VOLUME = "LAMINAR_VOLUME_"
#: The file that a failing task writes its error to, for the executor that started it.
ERROR_FILE = "LAMINAR_ERROR_FILE"
#: The file for the plan, in a task that plans its layer instead of running it, and the file with the planner's request.
PLAN_FILE = "LAMINAR_PLAN_FILE"
PLAN_REQUEST = "LAMINAR_PLAN_REQUEST"
#: The question to a planner that is a job of AWS Batch, as a JSON object.
PLAN_QUESTION = "LAMINAR_PLAN_QUESTION"

#: The exit code of a planner whose submission hook failed: it may be asked again. It is ``EX_TEMPFAIL`` of sysexits.h.
ASK_AGAIN = 75

#: Makes a task's process print at once, also parts of lines.
UNBUFFERED = {"PYTHONUNBUFFERED": "1"}

#: The exit code of a task whose layer has a dependency that has not finished: to run the task again does not help. It
#: is ``EX_NOINPUT`` of sysexits.h.
UNFINISHED = 66

# AWS Batch sets the index of children of array jobs, and the attempt of every job:
# https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
BATCH_INDEX = "AWS_BATCH_JOB_ARRAY_INDEX"
BATCH_JOB, BATCH_ATTEMPT = "AWS_BATCH_JOB_ID", "AWS_BATCH_JOB_ATTEMPT"
_FUNCTION = "AWS_LAMBDA_FUNCTION_NAME"
#: The id of an invocation of the function of a layer, as a job has one.
INVOCATION = "LAMINAR_INVOCATION"


@_records.frozen(kw_only=True)
class TaskContext:
    """Which task a process runs.

    Args:
        execution: The execution's id.
        flow: The flow's name.
        layer: The layer's name.
        index: The split's index, from 0.
        splits: The number of splits of the layer.
        attempt: The attempt, from 1.
        retry: Whether the execution is a resumed one.
        listed: The name of the list of the layer's plan that has the index; empty if the index is known.
        place: The place in that list, from 0: the child of the array job.
        stored_as: The name that the layer is stored under; empty if that is its own.
        upstream: The names that other layers are stored under, where those are not their own, as pairs of the layer's
            name and that name.
        run: The run of a deployed task whose environment does not name its attempt, as
            ``<job>.<number of its start>``; empty for other tasks.
        drive: The resume or redrive of the execution that it belongs to; empty before the first one.
        deployed: Whether a service runs the task: AWS Batch, AWS Lambda, or another target.
        claims: The name of the claims of a process that runs one split after the other, as it claims them; empty for
            a task, which is one split.

    Example:
        >>> task = TaskContext(execution="e1", flow="Report", layer="Load")
        >>> TaskContext.parse(task.environment()) == task
        True
    """

    execution: str
    flow: str
    layer: str
    _index: int = _records.field(default=0, alias="index")
    splits: int = 1
    attempt: int = 1
    retry: bool = False
    listed: str = ""
    place: int = 0
    drive: str = ""
    run: str = ""
    deployed: bool = False
    stored_as: str = ""
    upstream: tuple[tuple[str, str], ...] = ()
    claims: str = ""

    @property
    def key(self) -> LayerKey:
        """The key of the layer in the datastore."""
        return LayerKey(self.flow, self.execution, self.stored_as or self.layer, self.upstream)

    @property
    def index(self) -> int:
        """The split's index, from 0.

        Raises:
            FlowError: If it is in a list of the layer's plan, which `resolve` has not read; or if the process claims
                its splits.
        """
        if self.claims:
            raise FlowError(f"this process claims splits of layer '{self.layer}', and is none of them")
        if self.listed:
            where = f"at position {self.place} of list '{self.listed}' of the plan"
            raise FlowError(f"the index of this split of layer '{self.layer}' is {where}, which was not read yet")
        return self._index

    def resolve(self, read: Callable[[str], str]) -> TaskContext:
        """Return the task with its index, which may be in a list of the layer's plan.

        A process that claims its splits is taken for the first one that it would claim.

        Args:
            read: Reads a list, by its name.

        Raises:
            FlowError: If the list has no index for this process.
        """
        if not (self.listed or self.claims):
            return self
        if not self.listed:
            return _records.evolve(self, claims="")
        return _records.evolve(self, index=_nth(read(self.listed), self.place), listed="", place=0, claims="")

    @classmethod
    def parse(cls, environment: Mapping[str, str]) -> TaskContext | None:
        """Read the task from a process environment.

        Args:
            environment: The variables.

        Returns:
            The task, or None if the variables name none.

        Raises:
            FlowError: If a variable is not the number that it should be, or the execution's id is not valid; if a job
                of AWS Batch has some of the variables that name a task, and not all.
        """
        names = [environment.get(key) for key in _NAMES]
        execution, flow, layer = names
        if not (execution and flow and layer):
            if BATCH_JOB in environment and any(names):
                missing = ", ".join(key for key in _NAMES if not environment.get(key))
                raise FlowError(f"this job does not say which task it runs: its environment has no {missing}")
            return None
        execution, resumed, drive = execution.partition(RESUMED)
        check_execution_id(execution)
        # The child's own index takes precedence over a list.
        child = _integer(environment, (LAYER_INDEX, BATCH_INDEX), 0, least=0)
        own = LAYER_INDEX in environment
        spelled = "" if own else environment.get(LAYER_INDEXES, "")
        claims = "" if own else _claims(environment)
        listed = spelled[1:] if spelled.startswith("@") else ""
        return cls(
            execution=execution,
            flow=flow,
            layer=layer,
            index=_nth(spelled, child) if spelled and not listed else 0 if listed else child,
            splits=_integer(environment, (LAYER_SPLITS,), 1, least=1),
            attempt=_integer(environment, (LAYER_ATTEMPT,), 1, least=1),
            retry=bool(resumed) or environment.get(EXECUTION_RETRY, "False") == "True",
            listed=listed,
            place=child if listed else 0,
            drive=drive,
            run=_run(environment),
            deployed=on_aws(environment),
            stored_as=environment.get(LAYER_STORED_AS, ""),
            upstream=_upstream(environment),
            claims=claims,
        )

    def environment(self) -> dict[str, str]:
        """Return the variables that make a process run this task."""
        names = {
            LAYER_STORED_AS: self.stored_as,
            UPSTREAM_STORED_AS: json.dumps(dict(self.upstream)) if self.upstream else "",
        }
        return {
            EXECUTION_ID: f"{self.execution}{RESUMED}{self.drive}" if self.drive else self.execution,
            EXECUTION_RETRY: str(self.retry),
            FLOW_NAME: self.flow,
            LAYER_NAME: self.layer,
            LAYER_INDEX: str(self.index),
            LAYER_SPLITS: str(self.splits),
            LAYER_ATTEMPT: str(self.attempt),
            **{variable: name for variable, name in names.items() if name},
        }


def spell_pack(cpu: float, memory: int, layers: Iterable[str]) -> str:
    """Return the value of `PACK`.

    Args:
        cpu: The virtual CPUs of the job.
        memory: Its memory, in MiB.
        layers: The layers, in the order in which they start.

    Example:
        >>> spell_pack(2, 4096, ["Load", "Train"])
        '2 4096 Load Train'
    """
    return " ".join([f"{cpu:g}", str(memory), *layers])


def parse_pack(spelled: str) -> tuple[float, int, tuple[str, ...]]:
    """Return the virtual CPUs, the memory in MiB and the layers of a value of `PACK`.

    Args:
        spelled: The value.

    Raises:
        FlowError: If it is not one.

    Example:
        >>> parse_pack("2 4096 Load Train")
        (2.0, 4096, ('Load', 'Train'))
    """
    try:
        cpu, memory, *layers = spelled.split()
        return float(cpu), int(memory), tuple(layers)
    except ValueError:
        raise FlowError(f"the environment variable {PACK} has no size and layers: {spelled!r}") from None


def layers_in(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the layers that a job runs: several in a pack, one else, and none in a job that runs no layer.

    Args:
        environment: Its variables.

    Example:
        >>> layers_in({"LAMINAR_LAYER_NAME": "Load", "LAMINAR_PACK": "2 4096 Load Train"})
        ('Load', 'Train')
    """
    named = (environment[LAYER_NAME],) if environment.get(LAYER_NAME) else ()
    return parse_pack(environment[PACK])[2] if PACK in environment else named


def on_aws(environment: Mapping[str, str]) -> bool:
    """Return whether a process runs in a job of AWS Batch, in a function of AWS Lambda, or on another target.

    Args:
        environment: Its variables. AWS sets those of jobs and functions; another target sets `INVOCATION`:
            https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html.
    """
    return any(name in environment for name in (BATCH_JOB, _FUNCTION, INVOCATION))


def folders(environment: Mapping[str, str]) -> str:
    """Return which folders of this machine outlive the task of an environment.

    Args:
        environment: The variables.

    Returns:
        ``all``, or ``datastore``: only that of the flow's datastore.
    """
    remote = environment.get(DATASTORE_ROOT, "").startswith("s3://")
    return environment.get(FOLDERS) or ("datastore" if remote else "all")


def _nth(spelled: str, child: int) -> int:
    """Return the index of the split that a child of an array job runs."""
    try:
        return indexes.nth(spelled, child)
    except (IndexError, ValueError):
        raise FlowError(f"the environment variable {LAYER_INDEXES} has no index for child {child}") from None


def _upstream(environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the names that other layers are stored under.

    Raises:
        FlowError: If they are not a JSON object of texts.
    """
    text = environment.get(UPSTREAM_STORED_AS)
    if not text:
        return ()
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not isinstance(names, dict) or not all(isinstance(name, str) for name in names.values()):
        msg = f'the environment variable {UPSTREAM_STORED_AS} must have the form {{"layer": "name"}}, not {text!r}'
        raise FlowError(msg)
    return tuple(sorted(names.items()))


def _run(environment: Mapping[str, str]) -> str:
    """Return the run of a deployed task whose environment does not name its attempt, or ''."""
    job = environment.get(BATCH_JOB) or environment.get(INVOCATION)
    if not job or environment.get(LAYER_ATTEMPT):
        return ""
    # Children of an array job have its id, a colon and their index.
    return f"{job.partition(':')[0]}.{_integer(environment, (BATCH_ATTEMPT,), 1, least=1)}"


def _claims(environment: Mapping[str, str]) -> str:
    """Return the name of the claims of a process that claims its splits, or ''.

    Raises:
        FlowError: If it does not end with the number of children, or there is no `LAYER_INDEXES`.
    """
    name = environment.get(LAYER_CLAIMS, "")
    if not name:
        return ""
    before, _, children = name.rpartition(".")
    if not (before and children.isdecimal() and children.isascii() and int(children) > 0):
        msg = f"the environment variable {LAYER_CLAIMS} must be a name, a dot and the number of children, not {name!r}"
        raise FlowError(msg)
    if not environment.get(LAYER_INDEXES):
        raise FlowError(f"the environment variable {LAYER_CLAIMS} is there without {LAYER_INDEXES}")
    return name


def _integer(environment: Mapping[str, str], names: tuple[str, ...], default: int, *, least: int) -> int:
    """Return the number of the first of some variables that is there.

    Raises:
        FlowError: If it is no whole number, or below the least one.
    """
    for name in names:
        text = environment.get(name)
        if text:
            try:
                number = int(text)
            except ValueError:
                raise FlowError(f"the environment variable {name} must be a whole number, not {text!r}") from None
            if number < least:
                raise FlowError(f"the environment variable {name} must be at least {least}, not {text!r}")
            return number
    return default


#: The task of a thread of control, None outside of a task; if unset, the environment decides.
_active: ContextVar[TaskContext | None] = ContextVar("laminar_task")


def task() -> TaskContext | None:
    """Return the task that this code runs in, None outside of a task."""
    try:
        return _active.get()
    except LookupError:
        return TaskContext.parse(os.environ)


def outside() -> contextlib.AbstractContextManager[None]:
    """Run the ``with`` block outside of a task, as a scheduler does, whatever the environment says."""
    return activate(None)


@block
def activate(context: TaskContext | None) -> Iterator[None]:
    """Run the ``with`` block in a task, for this thread of control; with None, outside of a task."""
    token = _active.set(context)
    try:
        yield
    finally:
        _active.reset(token)

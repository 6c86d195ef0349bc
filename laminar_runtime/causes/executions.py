"""Why an execution of a deployed flow did not succeed, in the form that tasks leave in the datastore.

A task that raised an error left its record. What kills a task from outside leaves none: it is worked out from the
history of the state machine and the descriptions of jobs. Both are joined here, split by split: the newer one counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from laminar_runtime import _records, task_environment
from laminar_runtime.causes import children, functions, tasks
from laminar_runtime.causes.histories import History, StateTask
from laminar_runtime.causes.texts import parse_object
from laminar_runtime.exceptions import LaminarError, MissingError
from laminar_runtime.failures import jobs
from laminar_runtime.failures.console import execution_link
from laminar_runtime.failures.record import Failure, Failures, Kind
from laminar_runtime.failures.redaction import one_line, redact
from laminar_runtime.identifiers import RESUMED
from laminar_runtime.limits import ARRAY_CHILDREN
from laminar_runtime.storage import failures
from laminar_runtime.storage.claims import open_claim
from laminar_runtime.storage.failures import ALL, Only, Readable
from laminar_runtime.storage.layout import LayerKey, failures_prefix, input_key
from laminar_runtime.task_environment import TaskContext

__all__ = ["Reader"]

#: The exit code of a task that does not run again. AWS Batch may have started it once more for that.
_FINAL = 79
#: How deep executions that state machines started are looked into.
_DEPTH = 5
#: The kinds of failures that a signal announces to the task.
_SIGNALLED = frozenset({"reclaimed", "timed out", "stopped"})
#: The kind of failure and the end of an execution, by its status.
_ENDED: Mapping[str, tuple[Kind, str]] = {
    "TIMED_OUT": ("execution timed out", "the execution timed out"),
    "ABORTED": ("execution aborted", "the execution was aborted"),
}
_CUT = frozenset(kind for kind, _ in _ENDED.values())
#: The kinds of failures of a child that may be of the end of its execution.
_WITH_EXECUTION = frozenset({"stopped", "not started"})


class Reader:
    """Finds the failures of an execution.

    Args:
        client: Returns a client of a service of AWS.
        objects: The objects of the datastore.
        execution: The execution's id.
        flows: The names of the flows that it may be of; empty if unknown.
        most: How many failures are read. All are counted.
        only: Whose failures are asked for.
    """

    def __init__(  # noqa: PLR0913 - what is asked of whom
        self,
        client: Callable[[str], Any],
        objects: Readable,
        execution: str,
        flows: Sequence[str] = (),
        most: int = failures.SHOWN,
        *,
        only: Only = ALL,
    ) -> None:
        self._client, self._objects, self._execution = client, objects, execution
        self._flows, self._most, self._only = flows, most, only
        self._notes: list[str] = []
        self._drives: dict[tuple[str, str, int], str] = {}
        #: When functions failed, by their places.
        self._functions: dict[tuple[str, str, int], float] = {}
        #: Why the execution was stopped, if someone said so.
        self._why = ""
        #: The resume or redrive that ended, as the history and the tasks say it; empty if the history cannot be read.
        self._ended: set[str] = set()

    def read(self, arn: str, status: str, error: str = "", cause: str = "") -> Failures:
        """Return the failures of an execution that has ended.

        Args:
            arn: Its ARN.
            status: Its status.
            error: Its error.
            cause: The cause of its error.
        """
        self._flows = self._flows or self._try("the datastore", self._find_flows) or ()
        self._why = one_line(cause) if status == "ABORTED" else ""
        found, count = self._try("its history", lambda: self._of_execution(arn, status, _DEPTH)) or ([], 0)
        recorded = self._try("the datastore", self._read_records) or Failures()
        recorded = self._without_earlier(recorded)
        joined = [self._join(one, recorded) for one in found]
        known, layers = {_place(one) for one in joined}, {(one.flow, one.layer) for one in joined}
        more = [one for one in recorded if _place(one) not in known]
        count += sum((one.flow, one.layer) not in layers for one in more)
        region = arn.split(":")[3]
        # What failed by itself comes before what was cut by the end of the execution.
        ordered = sorted((*joined, *more), key=lambda one: one.kind in _CUT)
        every = [_records.evolve(one, region=one.region or region) for one in ordered]
        shown = [one for one in every if self._only.has(one)][: self._most]
        if self._only != ALL:
            count = sum(map(self._only.has, every))
        elif not shown:
            reason = one_line(": ".join(text for text in (error, cause) if text) or "its history does not say why")
            flow = self._flows[0] if len(self._flows) == 1 else ""
            kind = _ENDED[status][0] if status in _ENDED else "error"
            shown = [Failure(flow=flow, execution=self._execution, layer="", reason=reason, kind=kind)]
        elif status in _ENDED:
            count = max(count, len(every))
        count = max(count, recorded.count, len(shown))
        return Failures(tuple(shown), count, (*self._notes, *recorded.notes), execution_link(arn))

    def _try(self, what: str, read: Callable[[], Any]) -> Any:
        """Return what a function reads; None if this process may not, or cannot, read it, which is noted."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return read()
        # Any code of a task may have written to the datastore: what is damaged there must not hide the failure.
        except (BotoCoreError, ClientError, LaminarError, LookupError, TypeError, ValueError) as error:
            note = f"{what} may have the cause, but cannot be read: {redact(str(error))}"
            self._notes += [] if note in self._notes else [note]
            return None

    def _find_flows(self) -> list[str]:
        """Return the flows in the datastore that have records of failures of the execution, or else its input."""
        names = self._objects.names("")
        found = [flow for flow in names if self._objects.names(failures_prefix(flow, self._execution))]
        return found or [flow for flow in names if self._has_input(flow)]

    def _has_input(self, flow: str) -> bool:
        try:
            self._objects.get(input_key(flow, self._execution))
        except MissingError:
            return False
        return True

    def _read_records(self) -> Failures:
        keys = [LayerKey(flow, self._execution, self._only.layer) for flow in self._flows]
        found = [failures.read(self._objects, key, most=self._most, index=self._only.index) for key in keys]
        notes = tuple(note for one in found for note in one.notes)
        return Failures(tuple(one for part in found for one in part), sum(one.count for one in found), notes)

    def _of_execution(self, arn: str, status: str, depth: int) -> tuple[list[Failure], int]:
        """Return the failures of an execution by its history, and how many there are."""
        history = History.read(self._client("stepfunctions"), arn)
        if depth == _DEPTH:
            self._ended.add(_drive(arn, history.redrives))
        if status in _ENDED:
            parts = [self._of_running(task, status) for task in history.running()]
            return [one for found, _ in parts for one in found], sum(count for _, count in parts)
        failed = history.failures()
        if not failed:
            return [], 0
        task = failed[0]
        if "error" in task.payload:
            # A planner was asked about the next attempt at a layer, and there is none: its tasks have the reason.
            task = next((one for one in failed[1:] if one.service and "error" not in one.payload), task)
        return self._of_task(task, depth)

    def _of_task(self, task: StateTask, depth: int) -> tuple[list[Failure], int]:
        described = parse_object(task.cause)
        nested = described.get("ExecutionArn")
        if nested and depth:
            inner = self._try("its history", lambda: self._of_execution(nested, described.get("Status", ""), depth - 1))
            if inner and inner[0]:
                return inner  # type: ignore[no-any-return]
            error, cause = str(described.get("Error", "")), str(described.get("Cause", ""))
            return self._of_task(_records.evolve(task, error=error, cause=cause), depth - 1)
        job = task.answer.get("JobId") or described.get("JobId")
        if job:
            return self._of_job(str(job), task, children.in_camel_case(described))
        given = tasks.variables_of(task)
        answered = "errorMessage" in described or task.error == tasks.UNKNOWN
        of = tasks.of_function if task.payload and answered else tasks.of_state
        found = of(task, self._execution, self._place(given))
        self._functions |= {_place(found): task.seconds} if of is tasks.of_function else {}
        self._note_drive([found], given)
        return [found], 1

    def _of_job(self, job: str, task: StateTask, known: Mapping[str, Any]) -> tuple[list[Failure], int]:
        # Which child runs a split is known from its description only.
        most = self._most if self._only.index is None else ARRAY_CHILDREN[1]
        described = self._try(f"job {job}", lambda: children.describe(self._client("batch"), job, known, most)) or (
            [known] if known else [],
            1,
        )
        details, count = described
        given = tasks.variables_of(task)
        if details and task_environment.LAYER_CLAIMS in given:
            return self._of_claiming(details, given)
        found = [
            tasks.of_job(detail, self._execution, self._place({**given, **jobs.variables(detail)}))
            for detail in details
        ]
        self._note_drive(found, given)
        if task_environment.PACK in given and found and found[0].exit_code == _FINAL:
            of_layers = self._of_pack(found[0].flow, given)
            found, count = (of_layers, len(of_layers)) if of_layers else (found, count)
        return (found, count) if found else ([tasks.of_state(task, self._execution, self._place(given))], 1)

    def _of_pack(self, flow: str, given: Mapping[str, str]) -> list[Failure]:
        """Return the failures that the layers of a job that runs several have recorded: it ends by itself for these."""

        def read() -> list[Failure]:
            folders = {*self._objects.names(failures_prefix(flow, self._execution))}
            keys = [LayerKey(flow, self._execution, one) for one in task_environment.layers_in(given) if one in folders]
            recorded = [self._without_earlier(failures.read(self._objects, key)) for key in keys]
            return [one for part in recorded for one in part]

        return self._try("the datastore", read) or []

    def _note_drive(self, found: Sequence[Failure], given: Mapping[str, str]) -> str:
        """Note the resume or redrive of failures, and return it."""
        drive = given.get(task_environment.EXECUTION_ID, "").partition(RESUMED)[2]
        self._ended.add(drive)
        self._drives |= {_place(one): drive for one in found}
        return drive

    def _of_claiming(self, details: Sequence[Mapping[str, Any]], given: Mapping[str, str]) -> tuple[list[Failure], int]:
        """Return the failures of splits that the children of a job claimed.

        A child that ends by itself has left a record for each of them. One that was ended has not, for the split that
        it held.
        """
        place = self._place({**given, **jobs.variables(details[0])})
        key = LayerKey(place["flow"], self._execution, place["layer"])
        drive = self._note_drive((), given)
        recorded = self._try("the datastore", lambda: failures.read(self._objects, key, most=self._most)) or Failures()
        recorded = self._without_earlier(recorded)
        found: list[Failure] = []
        for detail in details:
            one = tasks.of_job(detail, self._execution, place)
            if one.exit_code == _FINAL and len(recorded):
                continue
            prefix = key.claims(given[task_environment.LAYER_CLAIMS], drive, one.job.partition(":")[0])
            held = self._claim_of(key, prefix, one.job)
            found.append(one if held is None else _records.evolve(one, index=held))
        self._note_drive(found, given)
        known = {_place(one) for one in found}
        others = [one for one in recorded if _place(one) not in known]
        return [*found, *others], max(recorded.count, len(found) + len(others))

    def _claim_of(self, key: LayerKey, prefix: str, child: str) -> int | None:
        objects = self._objects
        found: int | None = self._try(
            "the datastore", lambda: open_claim(objects.get, objects.names, key, prefix, child)
        )
        return found

    def _of_running(self, task: StateTask, status: str) -> tuple[list[Failure], int]:
        """Return what was cut of a task by the end of its execution, and how much: some splits of an array job."""
        given = tasks.variables_of(task)
        place, job = self._place(given), str(task.answer.get("JobId", ""))
        where = "" if place["layer"] else f" state '{task.state}'"
        cut = self._cut(status, f"while it ran{where}", place, job)
        if not (place["layer"] and "ArrayProperties" in task.request):
            return [cut], 1
        most = self._most if self._only.index is None else ARRAY_CHILDREN[1]
        described = job and self._try(f"job {job}", lambda: children.describe_rest(self._client("batch"), job, most))
        details, count = described or ([], 0)
        found = [one for one in (self._of_cut_child(detail, given, status) for detail in details) if one is not None]
        self._note_drive(found, given)
        if not found:
            # Which of its splits were cut is not known.
            return [_records.evolve(cut, index=0, splits=1)], 1
        return found, len(found) if task_environment.LAYER_CLAIMS in given else count

    def _of_cut_child(self, detail: Mapping[str, Any], given: Mapping[str, str], status: str) -> Failure | None:
        """Return the failure of a child of an array job that did not succeed; None if its split is unknown."""
        place, job = self._place({**given, **jobs.variables(detail)}), str(detail["jobId"])
        if task_environment.LAYER_CLAIMS in given:
            key, drive = LayerKey(place["flow"], self._execution, place["layer"]), self._note_drive((), given)
            prefix = key.claims(given[task_environment.LAYER_CLAIMS], drive, job.partition(":")[0])
            held = self._claim_of(key, prefix, job)
            if held is None:
                return None
            place = {**place, "index": held}
        if detail.get("status") == "FAILED" and jobs.kind_of(detail) not in _WITH_EXECUTION:
            return tasks.of_job(detail, self._execution, place)
        began = detail.get("startedAt") or detail.get("attempts")
        return self._cut(status, "while it ran" if began else "before it ran", place, job)

    def _cut(self, status: str, when: str, place: Mapping[str, Any], job: str) -> Failure:
        kind, end = _ENDED[status]
        reason = f"{end} {when}{f': {self._why}' if self._why else ''}"
        return Failure(execution=self._execution, **place, kind=kind, reason=reason, job=job)

    def _place(self, variables: Mapping[str, str]) -> dict[str, Any]:
        flow = self._flows[0] if len(self._flows) == 1 else ""

        def read(context: TaskContext, name: str) -> str:
            return self._objects.get(context.key.index_list(name)).decode()

        return tasks.place_of(variables, flow, read)

    def _join(self, found: Failure, recorded: Failures) -> Failure:
        """Return the record that a task left of the failure, with what AWS knows; or the failure without a record."""
        if not found.layer or found.kind in _CUT:
            return found
        record = next((one for one in recorded if _place(one) == _place(found)), None)
        if record is None and recorded.count > len(recorded):
            record = self._try("the datastore", lambda: self._read_split(found))
        if record is None or not self._is_of(record, found):
            return self._find_stream(self._count_attempt(found))
        if found.kind in _SIGNALLED:
            # What the task made of the signal that ended it is not why it ended, but says where it was then.
            attempt, where = found.attempt or record.attempt, {"frame": record.frame, "traceback": record.traceback}
            return _records.evolve(found, attempt=attempt, **where)
        known = {name: getattr(found, name) for name in ("exit_code", "log_group", "log_stream", "region")}
        own = {name: getattr(record, name) or value for name, value in known.items()}
        return _records.evolve(record, **own, job=record.job or found.job, start=record.start or found.start)

    def _is_of(self, record: Failure, found: Failure) -> bool:
        """Return whether a record is of the run that a failure is of, not of an earlier one."""
        drive = self._drives.get(_place(found), "")
        if not found.job or _place(found) in self._functions:
            # What ended a function from outside left no record.
            return found.kind in {"error", "exited"} and record.drive == drive
        same = record.job == found.job and record.start == found.start
        return same or (found.kind == "exited" and found.exit_code == _FINAL and record.drive == drive)

    def _without_earlier(self, recorded: Failures) -> Failures:
        """Return records without those of earlier resumes and redrives."""
        kept = tuple(one for one in recorded if not self._ended or one.drive in self._ended)
        return _records.evolve(recorded, shown=kept, count=recorded.count - len(recorded) + len(kept))

    def _read_split(self, found: Failure) -> Failure | None:
        key = LayerKey(found.flow, self._execution, found.layer)
        return next(iter(failures.read(self._objects, key, index=found.index)), None)

    def _find_stream(self, found: Failure) -> Failure:
        """Return the failure of a function with its log stream: no record names it."""
        ended = self._functions.get(_place(found))
        if ended is None or not (found.log_group and found.job):
            return found
        group, request = found.log_group, found.job
        name = self._try("its log", lambda: functions.find_stream(self._client("logs"), group, request, ended))
        return _records.evolve(found, log_stream=name or "")

    def _count_attempt(self, found: Failure) -> Failure:
        """Return the failure of a task without a record, with its attempt, which its runs have noted."""
        if found.attempt or found.kind in {"not placed", "image not pulled", "permission denied", "not started"}:
            return found
        key = LayerKey(found.flow, self._execution, found.layer)
        prefix = key.attempts(found.index, self._drives.get(_place(found), ""))
        runs: list[str] = self._try("the datastore", lambda: self._objects.names(prefix)) or []
        # A child that claims splits may make an attempt in several starts, <job>.<start>.<attempt>.
        begun = {
            (name.partition(".")[0], name.rpartition(".")[2]) for name in runs if name.rpartition(".")[2].isdecimal()
        }
        return _records.evolve(found, attempt=max(1, len(begun)))


def _place(failure: Failure) -> tuple[str, str, int]:
    return failure.flow, failure.layer, failure.index


def _drive(arn: str, redrives: int) -> str:
    """Return the resume or redrive of an execution, as its tasks are given it: see `laminar_codegen.ir.asl`."""
    drive = arn.rpartition(":")[2].partition(RESUMED)[2]
    return f"{drive or 0}.{redrives}" if redrives else drive

"""The state machine that reports executions that failed, timed out or were aborted.

A rule of EventBridge starts it when an execution has ended in such a way::

    Execution          reads the error of the execution, and the job in it
    Failed             chooses: it failed -> Failures, else Running
    Running            looks which layers ran when it timed out or was aborted -> Event
    Failures           a Map over the flows:
      Records            lists the records that tasks left of failures
      Recorded           chooses: there are some -> Record, else No record
      Record             reads the newest one
    Known              chooses: a record is of the job -> Log; a job -> Job, else Event
    Log                finds the log of the job, of which its task does not know
    Job                describes the job that was ended from outside
    Array              chooses: it is an array job -> Child, else Event
    Child              lists a child of it that failed
    Child job          describes this
    Event              puts an event on the event bus of the account
    Topics             a Map over the topics:
      Publish            publishes a message

It needs no function, so deployments without AWS Lambda have it too. It reads the newest events of a history only, and
none of the executions inside: `laminar_runtime.causes` does, where somebody asks.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from laminar_codegen.ir.asl import Catcher, Choice, Map, Rule, State, StateMachine, Succeed, Task
from laminar_codegen.ir.expressions import Expression, Ref, Value
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.settings import Notices
from laminar_codegen.targets.companions.companion import NOTIFY
from laminar_codegen.targets.companions.failure_texts import failure_of_job, log_of_job
from laminar_runtime.causes.histories import ENDS
from laminar_runtime.failures import console
from laminar_runtime.identifiers import RESUMED
from laminar_runtime.storage.layout import failures_prefix

__all__ = ["DETAIL_TYPE", "SOURCE", "emit_notify"]

#: The source and the type of the events.
SOURCE, DETAIL_TYPE = "laminar", "Laminar Execution Failed"
#: What the statuses of executions mean that no task is the reason of.
_ENDED = {"TIMED_OUT": "the execution timed out", "ABORTED": "the execution was aborted"}
#: The newest events of a history that are looked at. Without data an event has some hundred bytes, and the answer of a
#: service 256 KiB at most.
_EVENTS = 200
#: The version of their detail.
_VERSION = 1
#: The most characters of a reason, and of the subject of a message:
#: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
_REASON, _SUBJECT = 1000, 99
_IN = "$states.input"
_SAME = Expression(_IN)
_BUCKET = Ref("local.datastore_bucket")
#: A report without what could not be found is better than none.
_GO_ON = (Catcher(("States.ALL",), "Event", _SAME),)


def emit_notify(graphs: Sequence[Graph]) -> StateMachine:
    """Emit the state machine that reports executions.

    Args:
        graphs: The graphs of the flows. The settings of the first ask for it.

    Returns:
        The state machine. Its input is the detail of an event "Step Functions Execution Status Change".
    """
    notices = graphs[0].settings.notices or Notices()
    jobs = any(layer.placement.queue is not None for graph in graphs for layer in graph.layers)
    topics: tuple[State, ...] = (_topics(notices),) if notices.topics else ()
    return StateMachine(
        name=NOTIFY,
        comment="Reports an execution that failed, timed out or was aborted",
        states=(
            _execution(),
            Choice(
                name="Failed",
                comment="Looks for a task that failed, if one did",
                rules=(Rule(Expression(f"{_IN}.ended = 'FAILED'"), "Failures"),),
                default="Running",
            ),
            _running([layer.name for graph in graphs for layer in graph.layers]),
            _failures([graph.flow for graph in graphs]),
            _choice(jobs=jobs),
            *(_of_jobs() if jobs else ()),
            _event(graphs[0].flow, "Topics" if topics else None),
            *topics,
        ),
        companion=True,
    )


def _execution() -> Task:
    # The cause has the description of the job. In executions that others started, its quotes are escaped.
    job = r"$match($cause, /JobId\\*\": *\\*\"([0-9A-Za-z-]{36})/)[0].groups[0]"
    message = r"$match($cause, /errorMessage\\*\": *\\*\"([^\\\"]*)/)[0].groups[0]"
    # Of executions that take turns, or are in parts, it is the one inside that timed out.
    inner = r"$match($cause, /Status\\*\": *\\*\"(TIMED_OUT|ABORTED)/)[0].groups[0]"
    said = "$substring($cause, 0, 1) != '{' ? $cause : $exists($message) ? $message : ''"
    found = (
        "($cause := $exists($states.result.Cause) ? $states.result.Cause : ''; "
        "$error := $exists($states.result.Error) ? $states.result.Error : ''; "
        f"$job := {job}; $message := {message}; $inner := {inner}; "
        f"{{'arn': {_IN}.executionArn, 'id': $substringBefore({_IN}.name, '{RESUMED}'), "
        f"'status': {_IN}.status, 'ended': $exists($inner) ? $inner : {_IN}.status, "
        f"'error': $error, 'said': $substring({said}, 0, {_REASON}), "
        "'since': $exists($states.result.RedriveDate) ? $states.result.RedriveDate : $states.result.StartDate, "
        "'job': $exists($job) ? $job : ''})"
    )
    return Task(
        name="Execution",
        comment="Reads the error of the execution",
        integration="aws-sdk:sfn:describeExecution",
        arguments={"ExecutionArn": Expression(f"{_IN}.executionArn")},
        output=Expression(found),
        next="Failed",
    )


def _running(layers: Sequence[str]) -> Task:
    """Return the state that finds the layers that ran at the end: those whose tasks were scheduled, and did not end.

    Each event of a task names the one before it; the first one follows the entry of its state, whose name begins with
    that of the layer: https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
    """
    entered = (
        "$entered := function($id) { ($one := $events[Id = $id]; "
        "$one.Type = 'TaskStateEntered' ? $one.StateEnteredEventDetails.Name : "
        "$exists($one) ? $entered($one.PreviousEventId)) }"
    )
    ended = (
        "$ended := function($id) { ($next := $events[PreviousEventId = $id and $contains(Type, /^Task[^E]*$/)][0]; "
        f"$exists($next) and ($next.Type in {json.dumps(ENDS)} or $ended($next.Id))) }}"
    )
    left = "$events[Type = 'TaskScheduled'][$not($ended(Id))].$split($entered(PreviousEventId), ' ')[0]"
    names = f"$distinct($filter({left}, function($name) {{ $name in {json.dumps([*dict.fromkeys(layers)])} }}))"
    return Task(
        name="Running",
        comment="Looks which layers ran when the execution ended",
        integration="aws-sdk:sfn:getExecutionHistory",
        arguments={
            "ExecutionArn": Expression(f"{_IN}.arn"),
            "ReverseOrder": True,
            "MaxResults": _EVENTS,
            "IncludeExecutionData": False,
        },
        output=Expression(
            f"($events := $states.result.Events; {entered}; {ended}; $names := {names}; "
            f"$merge([{_IN}, $count($names) > 0 ? {{'running': [$names]}} : {{}}]))"
        ),
        next="Event",
        catch=_GO_ON,
    )


def _failures(flows: Sequence[str]) -> Map:
    newest = _newest("$states.result.record", "time")
    # What an earlier attempt left is not why a job was ended from outside.
    own = f"{_IN}.job = '' or $substring($found.job, 0, $length({_IN}.job)) = {_IN}.job"
    return Map(
        name="Failures",
        comment="Looks for the records of failures of each flow",
        items=[*flows],
        selector={
            "flow": Expression("$states.context.Map.Item.Value"),
            "id": Expression(f"{_IN}.id"),
            "since": Expression(f"{_IN}.since"),
        },
        states=_RECORDS,
        output=Expression(
            f"($found := {newest}; $merge([{_IN}, $exists($found) and ({own}) ? {{'failure': $found}} : {{}}]))"
        ),
        next="Known",
        catch=(Catcher(("States.ALL",), "Event", _SAME),),
    )


def _newest(values: str, name: str) -> str:
    return f"$sort([{values}], function($a, $b) {{ $a.{name} < $b.{name} }})[0]"


#: The fields of a record, and of the failure that is reported.
_FIELDS = ("flow", "layer", "index", "splits", "attempt", "kind", "error_class", "job", "log_group", "log_stream")


def _record() -> str:
    fields = ", ".join(f"'{name}': $record.{name}" for name in _FIELDS)
    return (
        f"($record := $parse($states.result.Body); {{'record': {{{fields}, "
        f"'reason': $substring($record.reason, 0, {_REASON}), "
        "'time': $exists($record.time) ? $record.time : ''}})"
    )


_PREFIX = failures_prefix(f"' & {_IN}.flow & '", f"' & {_IN}.id & '")
_RECORDS: tuple[State, ...] = (
    Task(
        name="Records",
        comment="Lists the records of failures since the execution began",
        integration="aws-sdk:s3:listObjectsV2",
        arguments={"Bucket": _BUCKET, "Prefix": Expression("'", Ref("local.datastore_prefix"), f"{_PREFIX}'")},
        output=Expression(
            "{'newest': " + _newest(f"$states.result.Contents[LastModified >= {_IN}.since]", "LastModified") + ".Key}"
        ),
        next="Recorded",
    ),
    Choice(
        name="Recorded",
        comment="Reads the newest one, if there is one",
        rules=(Rule(Expression(f"$exists({_IN}.newest)"), "Record"),),
        default="No record",
    ),
    Task(
        name="Record",
        comment="Reads a record",
        integration="aws-sdk:s3:getObject",
        arguments={"Bucket": _BUCKET, "Key": Expression(f"{_IN}.newest")},
        output=Expression(_record()),
        next=None,
        # Any code of a task may have written it.
        catch=(Catcher(("States.ALL",), "No record"),),
    ),
    Succeed(name="No record", comment="No task left one"),
)


#: The job that a call described; undefined if AWS Batch has forgotten it.
_FOUND = "$states.result.Jobs[0]"


def _choice(*, jobs: bool) -> Choice:
    if not jobs:
        rules = (Rule(Expression(f"$exists({_IN}.failure)"), "Event"),)
        return Choice(name="Known", comment="Goes on with the record, if there is one", rules=rules, default="Event")
    unknown = f"$exists({_IN}.failure) = false and {_IN}.job != ''"
    of_job = f"$exists({_IN}.failure.job) and $exists({_IN}.failure.log_stream) = false"
    return Choice(
        name="Known",
        comment="Describes a job that left no record, because something ended it from outside; else finds its log",
        rules=(
            Rule(Expression(unknown), "Job"),
            Rule(Expression(f"{of_job} and $contains({_IN}.failure.job, /^[0-9A-Za-z-]{{36}}(:|$)/)"), "Log"),
        ),
        default="Event",
    )


def _of_jobs() -> tuple[State, ...]:
    # AWS Batch forgets jobs after a week.
    failure = f"$exists({_FOUND}) ? {{'failure': {failure_of_job(_FOUND)}}} : {{}}"
    array = f"{{'array': $exists({_FOUND}.ArrayProperties.Size)}}"
    child = f"$exists($states.result.JobSummaryList[0]) ? $states.result.JobSummaryList[0].JobId : {_IN}.job"
    logs = f"{{'failure': $merge([{_IN}.failure, {log_of_job(_FOUND)}])}}"
    return (
        _describe("Log", "Finds the log of the job that left a record", "failure.job", logs, "Event"),
        _describe("Job", "Describes the job", "job", f"{failure}, {array}", "Array"),
        Choice(
            name="Array",
            comment="Looks for a child that failed, of an array job",
            rules=(Rule(Expression(f"{_IN}.array"), "Child"),),
            default="Event",
        ),
        Task(
            name="Child",
            comment="Finds a child that failed",
            integration="aws-sdk:batch:listJobs",
            arguments={"ArrayJobId": Expression(f"{_IN}.job"), "JobStatus": "FAILED", "MaxResults": 1},
            output=Expression(f"$merge([{_IN}, {{'child': {child}}}])"),
            next="Child job",
            catch=_GO_ON,
        ),
        _describe("Child job", "Describes it", "child", failure, "Event"),
    )


def _describe(name: str, comment: str, job: str, found: str, then: str) -> Task:
    """Return a state that describes a job, and adds what it finds to its input."""
    return Task(
        name=name,
        comment=comment,
        integration="aws-sdk:batch:describeJobs",
        arguments={"Jobs": Expression(f"[{_IN}.{job}]")},
        output=Expression(f"$merge([{_IN}, {found}])"),
        next=then,
        catch=_GO_ON,
    )


def _link() -> str:
    """Return the expression of the address of the execution, as `laminar_runtime.failures.console` has it."""
    known = console.HOSTS.items()
    hosts = "".join(f"$substring($region, 0, {len(start)}) = '{start}' ? '{host}' : " for start, host in known)
    return (
        f"'https://' & $region & '.' & ({hosts}'{console.HOME}') & '/states/home?region=' & $region & "
        f"'#/v2/executions/details/' & {_IN}.arn"
    )


def _detail(flow: str) -> str:
    """Return the beginning of an expression that has the detail of the event as ``$detail``."""
    # The description of a job has its environment, so of JSON only the message of an error is shown.
    said = f"{_IN}.error & ({_IN}.error != '' and {_IN}.said != '' ? ': ' : '') & {_IN}.said"
    ended = "".join(f"{_IN}.ended = '{status}' ? '{text}' : " for status, text in _ENDED.items())
    whole = f"($ended := {ended}''; $said := {said}; $ended & ($ended != '' and $said != '' ? ': ' : '') & $said)"
    members = {
        "version": str(_VERSION),
        "deployment": f"$split({_IN}.arn, ':')[6]",
        "flow": f"$exists($failure.flow) and $failure.flow != '' ? $failure.flow : {json.dumps(flow)}",
        "execution": f"{_IN}.id",
        "executionArn": f"{_IN}.arn",
        "status": f"{_IN}.status",
        "layer": f"$exists($failure.layer) ? $failure.layer : {_IN}.running[0]",
        "running": f"{_IN}.running",
        "index": "$failure.index",
        "splits": "$failure.splits",
        "attempt": "$failure.attempt",
        "kind": "$failure.kind",
        "errorClass": "$failure.error_class",
        "reason": f"$exists($failure.reason) ? $failure.reason : {whole}",
        "job": "$failure.job",
        "logGroup": "$failure.log_group",
        "logStream": "$failure.log_stream",
        "link": _link(),
    }
    written = ", ".join(f"'{name}': {value}" for name, value in members.items())
    return f"$failure := {_IN}.failure; $region := $split({_IN}.arn, ':')[3]; $detail := {{{written}}}"


def _event(flow: str, after: str | None) -> Task:
    detail = _detail(flow)
    entry = f"{{'Source': '{SOURCE}', 'DetailType': '{DETAIL_TYPE}', 'Detail': $string($detail)}}"
    return Task(
        name="Event",
        comment="Puts an event on the event bus, for whoever has a rule for it",
        integration="events:putEvents",
        arguments=Expression(f"({detail}; {{'Entries': [{entry}]}})"),
        output={} if after is None else Expression(f"({detail}; {_message()})"),
        next=after,
    )


def _message() -> str:
    """Return the expression of the subject and the message of a notification, of ``$detail``."""
    place = (
        "'Layer: ' & $detail.layer & ($exists($detail.index) and $exists($detail.splits) and $detail.splits > 1 "
        "? ', split ' & $detail.index & ' of 0 to ' & ($detail.splits - 1) : '') "
        "& ($exists($detail.attempt) and $detail.attempt > 0 ? ', attempt ' & $detail.attempt : '')"
    )
    stream = "'Log stream: ' & $detail.logGroup & ' ' & $detail.logStream"
    running = "$count($detail.running) > 1 ? 'Layers: ' & $join($detail.running, ', ')"
    lines = (
        "'Execution ' & $detail.execution & ' of ' & $detail.flow & ': ' & $detail.status",
        f"{running} : $exists($detail.layer) and $detail.layer != '' ? {place} : ''",
        "'Reason: ' & $detail.reason",
        f"$exists($detail.logStream) and $detail.logStream != '' ? {stream} : ''",
        "$detail.link",
    )
    subject = "$detail.deployment & ' ' & $detail.status & ': ' & $detail.execution"
    # A subject has letters of ASCII only.
    return (
        f"{{'subject': $substring($replace({subject}, /[^ -~]/, '?'), 0, {_SUBJECT}), "
        f"'message': $join([{', '.join(lines)}][$ != ''], '\\n')}}"
    )


def _topics(notices: Notices) -> Map:
    items: Value = notices.topics if isinstance(notices.topics, Ref) else [*notices.topics]
    return Map(
        name="Topics",
        comment="Publishes the message to each topic",
        items=items,
        selector={
            "topic": Expression("$states.context.Map.Item.Value"),
            "subject": Expression(f"{_IN}.subject"),
            "message": Expression(f"{_IN}.message"),
        },
        states=(
            Task(
                name="Publish",
                comment="Publishes it to one of them",
                integration="sns:publish",
                arguments={
                    "TopicArn": Expression(f"{_IN}.topic"),
                    "Subject": Expression(f"{_IN}.subject"),
                    "Message": Expression(f"{_IN}.message"),
                },
                next=None,
            ),
        ),
        next=None,
    )

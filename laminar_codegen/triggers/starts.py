"""The triggers of a flow that start it through the starter: all but the one plain schedule.

Before: triggers with their parameters. After: a schedule or a rule of EventBridge for each, the starter's state
machine, one queue of failed starts, roles, alarms, and a variable for each trigger that switches it off.

The modules of events and of schedules are imported where they are used: a flow without triggers does not load them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import attrs

from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.deployment import Alarm, Deployment, Role
from laminar_codegen.ir.expressions import Joined, Ref
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.terraform import Block, Validation, Variable
from laminar_codegen.limits import RULE_NAME_LENGTH
from laminar_codegen.policies.sizes import Fitted, fit
from laminar_codegen.policies.statement import Statement, regional, states_arn
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import LAM110, LAM111
from laminar_codegen.triggers.expressions import ExpressionInZone, validations
from laminar_codegen.triggers.kind import TriggerKind
from laminar_codegen.triggers.schedule import is_plain
from laminar_codegen.triggers.start import FAILED, Start
from laminar_codegen.triggers.starter import STARTER, emit_starter
from laminar_codegen.triggers.timing import Timing
from laminar_runtime.configurations.schedulers.step_functions import StepFunctions
from laminar_runtime.configurations.triggers import EventTrigger, Schedule, Trigger
from laminar_runtime.exceptions import SchedulerError

__all__ = ["STARTS", "Starts"]

_NAME = Ref("var.name")
_LABEL = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
#: Labels that other resources have, or their alarms before ``_failed``.
_TAKEN = ("notify", "run", "starter", "stop_jobs")


@attrs.frozen(eq=False, repr=False)
class Starts:
    """The triggers of a flow.

    Args:
        all: Each of them, with its label.
        deployment: The configured name of the deployment, None for the flow's name.
    """

    all: tuple[Start, ...]
    deployment: str | None = None

    @property
    def schedules(self) -> tuple[tuple[Start, Schedule], ...]:
        """Those that are schedules."""
        return tuple((start, start.trigger) for start in self.all if isinstance(start.trigger, Schedule))

    @property
    def events(self) -> tuple[tuple[Start, EventTrigger], ...]:
        """Those that start the flow after an event."""
        return tuple((start, start.trigger) for start in self.all if isinstance(start.trigger, EventTrigger))

    def __str__(self) -> str:
        return ", ".join(f"{start.label} ({_describe(start.trigger)})" for start in self.all)


def _describe(trigger: Trigger) -> str:
    return str(ExpressionInZone.of(trigger)) if isinstance(trigger, Schedule) else type(trigger).__name__


def _label(trigger: Trigger) -> str:
    if not isinstance(trigger, (Schedule, EventTrigger)):
        raise SchedulerError(f"{trigger!r} is not a trigger that can be deployed")
    return trigger.name or trigger.kind


def _find(scheduler: StepFunctions) -> Iterator[Starts]:
    found = scheduler.started_without_caller
    if found and not is_plain(found):
        yield Starts(tuple(Start(_label(trigger), trigger) for trigger in found), scheduler.configured_name)


def _emit(starts: Starts) -> Iterator[Block]:
    from laminar_codegen.triggers.event_start import emit_rule
    from laminar_codegen.triggers.timed_start import emit_schedule

    yield FAILED.emit(_queue_policy(starts) if starts.events else None)
    for start, schedule in starts.schedules:
        yield emit_schedule(start, schedule)
    for start, trigger in starts.events:
        yield from emit_rule(start, trigger)


def _queue_policy(starts: Starts) -> Joined:
    """Return the policy by which rules may send to the queue. A schedule does so by its role.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
    """
    from laminar_codegen.triggers.start_input import write_json

    statement = {
        "Sid": "KeepFailures",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": FAILED.arn,
        "Condition": {
            "ArnEquals": {"aws:SourceArn": [regional("events", "rule/", start.resource) for start, _ in starts.events]}
        },
    }
    return write_json({"Version": "2012-10-17", "Statement": [statement]})


def _roles(starts: Starts, flows: str) -> Iterator[Role]:
    if starts.schedules:
        description = f"Starts the {flows} on schedule"
        yield Role("schedule", "scheduler.amazonaws.com", description, "starts executions on schedule")
    if starts.events:
        description = f"Starts the {flows} after events"
        yield Role("events", "events.amazonaws.com", description, "starts executions after events")


def _for_events(deployment: Deployment) -> Fitted:
    """Return the permission to call the starter.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-identity-based.html
    """
    machine = (states_arn("stateMachine", STARTER),)
    return fit(deployment, lambda _: (Statement("StartExecutions", ("states:StartExecution",), machine),))


def _for_schedules(deployment: Deployment) -> Fitted:
    """Return the permissions to call the starter and to keep failed starts: see `FailedStarts`."""
    return fit(deployment, lambda _: _schedule_statements(deployment))


def _schedule_statements(deployment: Deployment) -> tuple[Statement, ...]:
    (starts,) = (trigger.value for trigger in deployment.triggers if isinstance(trigger.value, Starts))
    return FAILED.schedule_statements(STARTER, [start.resource for start, _ in starts.schedules])


def _alarms(starts: Starts) -> Iterator[Alarm]:
    yield FAILED.alarm(Joined("A trigger of the state machine ", _NAME, " could not start it"))
    yield Alarm(
        label="starter_failed",
        description=Joined("An execution of the state machine ", _NAME, " could not be started for a trigger"),
        namespace="AWS/States",
        metric="ExecutionsFailed",
        statistic="Sum",
        dimensions={"StateMachineArn": Ref(f"aws_sfn_state_machine.{STARTER}.arn")},
    )
    for start, _ in starts.events:
        yield Alarm(
            label=f"{start.label}_failed",
            description=Joined(f"The rule {start.label} of the state machine ", _NAME, " could not call its target"),
            namespace="AWS/Events",
            metric="FailedInvocations",
            statistic="Sum",
            dimensions={"RuleName": Ref(f"aws_cloudwatch_event_rule.{start.label}.name")},
        )


def _variables(starts: Starts) -> Iterator[Variable]:
    for start in starts.all:
        description = f"Whether the trigger {start.label} starts executions."
        yield Variable(name=start.switch, type="bool", description=description, default=(True,))


def _validations(starts: Starts) -> Iterator[tuple[Ref, Validation]]:
    from laminar_codegen.triggers.timed_start import times_in_utc

    for _, schedule in starts.schedules:
        yield from validations(ExpressionInZone.of(schedule))
        yield from times_in_utc(schedule)
    for _, trigger in starts.events:
        from laminar_codegen.triggers.event_start import names_of_events

        yield from names_of_events(trigger)


def _timings(starts: Starts) -> Iterator[Timing]:
    for start, schedule in starts.schedules:
        zoned = ExpressionInZone.of(schedule)
        yield Timing(zoned.expression, zoned.timezone, start.switch, start.label, schedule.start, schedule.end)


def check_names(graph: Graph, starts: Starts) -> Iterator[Problem]:
    """Check that the triggers of a flow have different names, of which names of resources can be made."""
    for label, number in Counter(start.label for start in starts.all).items():
        if number > 1:
            what = f"flow '{graph.flow}' has {number} triggers of the name '{label}'"
            yield Problem(graph.location, LAM110, what, "give each its own name, as in Schedule(..., name='daily')")
        if not _LABEL.fullmatch(label) or label in _TAKEN:
            what = f"the trigger '{label}' of flow '{graph.flow}' has a name that cannot be used"
            fix = "use at most 32 lower-case letters, digits and underscores, and begin with a letter"
            yield Problem(graph.location, LAM110, what, f"{fix}; {', '.join(_TAKEN)} are reserved")


def check_each(graph: Graph, starts: Starts) -> Iterator[Problem]:
    """Check the parameters of each trigger and, if they are valid, the trigger by the rules of its service."""
    from laminar_codegen.triggers.event_start import check_event
    from laminar_codegen.triggers.start_input import find_flaws
    from laminar_codegen.triggers.timed_start import check_schedule

    for start in starts.all:
        flaws = [*find_flaws(start.trigger.parameters)]
        for flaw in flaws:
            what = f"the trigger '{start.label}' of flow '{graph.flow}' is not valid: {flaw}"
            yield Problem(graph.location, LAM111, what, "use names of attributes, and values that JSON has")
        if flaws:
            continue
        if isinstance(start.trigger, Schedule):
            yield from check_schedule(graph, start, start.trigger)
        if isinstance(start.trigger, EventTrigger):
            yield from check_event(graph, start, start.trigger, starts.deployment or graph.flow)


def _machines(_: Starts) -> tuple[StateMachine, ...]:
    return (emit_starter(),)


def _longest_name(starts: Starts) -> int:
    return RULE_NAME_LENGTH - 1 - max(len(start.label) for start in starts.all)


#: The kind of trigger.
STARTS = TriggerKind(
    name="trigger",
    find=_find,
    emit=_emit,
    rules=(check_names, check_each),
    roles=_roles,
    permissions={"schedule": _for_schedules, "events": _for_events},
    alarms=_alarms,
    variables=_variables,
    machines=_machines,
    parameters=lambda starts: ((start.label, start.trigger.parameters) for start in starts.all),
    schedules=_timings,
    validations=_validations,
    longest_name=_longest_name,
)

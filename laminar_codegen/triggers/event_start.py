"""An event that starts a flow: a rule of Amazon EventBridge, and its target, the starter.

Before: ``ObjectCreated("uploads", prefix="in/")``. After: a rule with the pattern of such events, and a target whose
input transformer takes the parameters of the flow from the event.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.expressions import Input, Joined, Ref, Value
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.terraform import Block, Nested, Validation
from laminar_codegen.limits import EVENT_PATHS, PATTERN_LENGTH, TEMPLATE_LENGTH
from laminar_codegen.policies.statement import regional
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import LAM110, LAM111, LAM112
from laminar_codegen.render.hcl_values import write_expression
from laminar_codegen.triggers.event_paths import PATH, EventPaths
from laminar_codegen.triggers.patterns import find_pattern_flaws
from laminar_codegen.triggers.start import FAILED, Start
from laminar_codegen.triggers.start_input import find_placeholders, write_input, write_json
from laminar_codegen.triggers.starter import STARTER
from laminar_runtime.configurations.triggers import EXECUTION_ID, After, Event, EventTrigger, FromEvent, ObjectCreated
from laminar_runtime.variables import Text, Variable

__all__ = ["SOURCES", "check_event", "emit_rule", "names_of_events"]

#: Names of buckets, those from before 2018 too, and of state machines.
_BUCKET, _MACHINE = re.compile(r"[A-Za-z0-9._-]{1,255}", re.ASCII), re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)
_STATUSES = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


@attrs.frozen(eq=False, repr=False)
class _Source:
    """The events of a trigger: their pattern, and what one is known by if it is delivered again."""

    pattern: Mapping[str, Any]
    identity: Any


def _source_of_bucket(trigger: ObjectCreated) -> _Source:
    """Return the events of a bucket. S3 may send one twice, as two events: the sequencer is the same.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """
    prefix, suffix = trigger.prefix or "", trigger.suffix or ""
    key: dict[str, Any] = {}
    if prefix and suffix:
        # Two operators of one field would be alternatives.
        key = {"wildcard": _between(prefix, suffix)}
    elif prefix or suffix:
        key = {"prefix": prefix} if prefix else {"suffix": suffix}
    detail = {"bucket": {"name": [trigger.bucket]}, **({"object": {"key": [key]}} if key else {})}
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": detail}
    parts = ("bucket.name", "object.key", "object.sequencer")
    return _Source(pattern, [FromEvent(f"$.detail.{part}") for part in parts])


def _between(prefix: Text, suffix: Text) -> str | Ref:
    """Return the wildcard for all that is between two texts."""
    if isinstance(prefix, str) and isinstance(suffix, str):
        return f"{_plain(prefix)}*{_plain(suffix)}"
    return Ref(f'join("*", [{_plain_expression(prefix)}, {_plain_expression(suffix)}])')


def _plain(text: str) -> str:
    """Return a text as a part of a wildcard."""
    return text.replace("\\", "\\\\").replace("*", "\\*")


def _plain_expression(text: Text) -> str:
    r"""Return the expression of a text as a part of a wildcard.

    Example:
        >>> print(_plain_expression("in*/"), _plain_expression(Variable("folder")))
        "in\\*/" replace(replace(var.folder, "\\", "\\\\"), "*", "\\*")
    """
    if isinstance(text, str):
        return write_expression(_plain(text))
    return rf'replace(replace(var.{text.name}, "\\", "\\\\"), "*", "\\*")'


def _source_of_deployment(trigger: After) -> _Source:
    """Return the ends of executions of a deployment. One that was redriven ends again, at another time.

    https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
    """
    name = Input.of(trigger.flow) if isinstance(trigger.flow, Variable) else trigger.flow
    detail = {"status": [*trigger.status], "stateMachineArn": [regional("states", "stateMachine:", name)]}
    pattern = {"source": ["aws.states"], "detail-type": ["Step Functions Execution Status Change"], "detail": detail}
    return _Source(pattern, [FromEvent(f"$.detail.{part}") for part in ("executionArn", "status", "stopDate")])


#: The events that start a flow, by the class of the trigger. Another kind of event is a row.
SOURCES: Mapping[type[EventTrigger], Callable[[Any], _Source]] = {
    ObjectCreated: _source_of_bucket,
    Event: lambda trigger: _Source(trigger.pattern, FromEvent("$.id")),
    After: _source_of_deployment,
}


def _source(trigger: EventTrigger) -> _Source:
    found: _Source = next(source(trigger) for kind, source in SOURCES.items() if isinstance(trigger, kind))
    return found


def _paths(trigger: EventTrigger) -> EventPaths:
    return EventPaths.of((_source(trigger).identity, trigger.parameters))


def emit_rule(start: Start, trigger: EventTrigger) -> tuple[Block, Block]:
    """Emit a rule that starts the flow, and its target.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html

    Args:
        start: The start.
        trigger: Its trigger.
    """
    source, paths = _source(trigger), _paths(trigger)
    rule: dict[str, Value] = {
        "name": start.resource,
        "description": Joined("Starts the state machine ", Ref("var.name")),
        "event_pattern": write_json(source.pattern),
        "state": start.state,
        "tags": Ref("var.tags"),
        "depends_on": [labels.MADE_FIRST],
    }
    target: dict[str, Value] = {
        "rule": Ref(f"aws_cloudwatch_event_rule.{start.label}.name"),
        "target_id": STARTER,
        "arn": Ref(f"aws_sfn_state_machine.{STARTER}.arn"),
        "role_arn": labels.role("events"),
        "input_transformer": {
            "input_paths": paths.named,
            "input_template": write_input(start.label, "event", source.identity, trigger.parameters, paths.write),
        },
        **FAILED.delivery,
        # EventBridge needs the permissions of the role before the target.
        "depends_on": ["aws_iam_role_policy.events"],
    }
    nested: Nested = {"dead_letter_config": {}, "input_transformer": {}, "retry_policy": {}}
    return (
        Block("aws_cloudwatch_event_rule", start.label, rule),
        Block("aws_cloudwatch_event_target", start.label, target, nested),
    )


def check_event(graph: Graph, start: Start, trigger: EventTrigger, deployment: str) -> Iterator[Problem]:
    """Check that EventBridge accepts a rule and its target.

    Args:
        graph: The graph of the flow.
        start: The start.
        trigger: Its trigger.
        deployment: The name of the flow's deployment.
    """
    where = f"the trigger '{start.label}' of flow '{graph.flow}'"
    for what, fix in _names_without_events(trigger):
        yield Problem(graph.location, LAM110, f"{where} {what}", fix)
    if isinstance(trigger, After):
        if not trigger.status:
            yield Problem(graph.location, LAM110, f"{where} is about no status", f"use {', '.join(_STATUSES)}")
        for status in sorted({*trigger.status} - {*_STATUSES}):
            what = f"{where} is about the status {status!r}, with which no execution ends"
            yield Problem(graph.location, LAM110, what, f"use {', '.join(_STATUSES)}")
        if trigger.flow == deployment:
            what = f"{where} starts the flow after itself, without an end"
            yield Problem(graph.location, LAM110, what, "name another flow, or use a Schedule")
    for flaw in _pattern_flaws(trigger):
        fix = "write it as in {'source': ['shop'], 'detail': {'kind': ['order']}}"
        yield Problem(graph.location, LAM112, f"{where} has no valid pattern: {flaw}", fix)
    for flaw, fix in _input_flaws(start, trigger):
        yield Problem(graph.location, LAM111, f"{where} {flaw}", fix)


def _names_without_events(trigger: EventTrigger) -> Iterator[tuple[str, str]]:
    """Yield a name that nothing has, so that no event is about it, and how to fix it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
    """
    if isinstance(trigger, ObjectCreated) and not _fits(_BUCKET, trigger.bucket):
        yield f"is about a bucket {_quote(trigger.bucket)}, which no bucket is called", "use its name alone: 'uploads'"
    if isinstance(trigger, After) and not _fits(_MACHINE, trigger.flow):
        what = f"is about a deployment {_quote(trigger.flow)}, which none is called"
        yield what, "use its name, as in After('Import')"


def names_of_events(trigger: EventTrigger) -> Iterator[tuple[Ref, Validation]]:
    """Yield the variables that name what events are about, and their validations. An empty one may stand for none.

    Args:
        trigger: The trigger.
    """
    if isinstance(trigger, ObjectCreated) and isinstance(trigger.bucket, Variable):
        bucket = Input.of(trigger.bucket)
        yield (
            bucket,
            Validation(_name_condition(_BUCKET, bucket), "A bucket is given by its name alone, as in uploads."),
        )
    if isinstance(trigger, After) and isinstance(trigger.flow, Variable):
        deployment = Input.of(trigger.flow)
        yield (
            deployment,
            Validation(_name_condition(_MACHINE, deployment), "A deployment is given by its name, as in Import."),
        )
        own = "A deployment that starts after itself would start without an end: name another one."
        yield deployment, Validation(f"{deployment.expression} != var.name", own)


def _name_condition(pattern: re.Pattern[str], reference: Ref) -> str:
    return f'{reference.expression} == "" || can(regex("^{pattern.pattern}$", {reference.expression}))'


def _quote(text: Text) -> str:
    return repr(text.default if isinstance(text, Variable) else text)


def _fits(pattern: re.Pattern[str], text: Text) -> bool:
    """Return whether a text, or the default of a variable, is a name. An empty default may stand for none."""
    known = text.default or None if isinstance(text, Variable) else text
    return known is None or bool(pattern.fullmatch(known))


def _pattern_flaws(trigger: EventTrigger) -> Iterator[str]:
    if isinstance(trigger, Event):
        found = [*find_pattern_flaws(trigger.pattern)]
        if found:
            yield from found
            return
    length = sum(len(part) for part in write_json(_source(trigger).pattern).parts if isinstance(part, str))
    if length > PATTERN_LENGTH:
        yield f"it has {length:,} characters of at most {PATTERN_LENGTH:,}"


def _input_flaws(start: Start, trigger: EventTrigger) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the parameters of an event, and how to fix it."""
    known = True
    for placeholder in find_placeholders(trigger.parameters):
        if isinstance(placeholder, FromEvent):
            if not PATH.fullmatch(placeholder.text):
                yield f"takes {placeholder.text!r} from the event, which is no path", "write $.detail.name or $.list[0]"
        elif not (isinstance(trigger, After) and placeholder == EXECUTION_ID):
            known = False
            yield f"has a parameter with {placeholder.text}, which its event does not have", "use FromEvent(...)"
    if not known:
        return
    paths = _paths(trigger)
    if len(paths.named) > EVENT_PATHS:
        yield f"takes {len(paths.named)} values from the event", f"take at most {EVENT_PATHS}"
    template = write_input(start.label, "event", _source(trigger).identity, trigger.parameters, paths.write)
    length = sum(len(part) for part in template.parts if isinstance(part, str))
    if length > TEMPLATE_LENGTH:
        yield f"has {length:,} characters of parameters", f"use at most {TEMPLATE_LENGTH:,}"

"""The rules about how a deployment is operated: its log, traces, roles and alarms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from laminar_codegen.ir.expressions import Input, Ref
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.settings import ACTION, KEY, NO_SETTINGS, PATH, TOPIC, Notices
from laminar_codegen.limits import ALARM_ACTIONS, LONG_LOOK_BACK, SHORT_PERIOD
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import LAM074, LAM075
from laminar_codegen.triggers.gaps import longest_gap
from laminar_codegen.triggers.registry import schedules_of
from laminar_runtime.configurations.operations import LEVELS

__all__ = ["SETTINGS_RULES", "check_followers"]


def check_settings(graph: Graph) -> Iterator[Problem]:
    """Check that AWS accepts the settings, and the defaults of variables among them."""
    settings = NO_SETTINGS if graph.linked else graph.settings
    actions, notices = _texts(settings.ok_actions), settings.notices or Notices()
    level, flag = f"use {', '.join(LEVELS[:-1])} or {LEVELS[-1]}", "use true or false"
    topic_fix = "give the ARN of a standard topic, as in arn:aws:sns:eu-west-1:123456789012:alerts"
    key_fix = (
        "give the ARN of a customer managed key: nobody can change the policy of AWS's own key for SNS, alias/aws/sns, "
        "so CloudWatch cannot publish alarms to a topic with it"
    )
    path = "begin and end it with a slash, as in /teams/reports/, with at most 512 letters, digits and +=,.@_/-"
    for name, value, accepts, fix in (
        ("level of the log", settings.log_level, LEVELS.__contains__, level),
        ("execution_data of the log", settings.log_data, ("true", "false").__contains__, flag),
        ("tracing", settings.tracing, ("true", "false").__contains__, flag),
        ("role_path", settings.role_path, _matches(PATH), path),
        *(("action of an alarm", action, _matches(ACTION), "give it by its ARN") for action in actions),
        *(("topic of notifications", topic, _matches(TOPIC), topic_fix) for topic in _texts(notices.topics)),
        ("kms_key of notifications", notices.key, _matches(KEY), key_fix),
    ):
        text = value.variable.default if isinstance(value, Input) else value
        if isinstance(text, str) and not accepts(text):
            which = f"the Variable '{value.variable.name}' has the default" if isinstance(value, Input) else "it is"
            what = f"the {name} of flow '{graph.flow}' is not valid: {which} {text!r}"
            yield Problem(graph.location, LAM074, what, fix)
    if len(actions) > ALARM_ACTIONS:
        what = f"flow '{graph.flow}' has {len(actions)} ok_actions; CloudWatch accepts {ALARM_ACTIONS}"
        yield Problem(graph.location, LAM074, what, "use one SNS topic for several of them")


def _texts(given: Sequence[str | Ref] | Ref) -> Sequence[str | Ref]:
    """Return texts, or those of the default of a variable that stands for all of them."""
    if isinstance(given, Ref):
        default = given.variable.default if isinstance(given, Input) else None
        return () if default is None or isinstance(default, str) else default
    return given


def check_successes(graph: Graph) -> Iterator[Problem]:
    """Check that an alarm for missing successes can be raised when it should, and only then."""
    seconds = graph.settings.no_success_in
    if seconds is None or graph.linked:
        return
    alarm = f"flow '{graph.flow}' has an alarm if no execution succeeds in {seconds} seconds"
    schedules = [one for one in schedules_of(graph.triggers) if one.repeats]
    lasting = [one for one in schedules if one.lasts]
    if not lasting:
        what = f"{alarm}, and no schedule that repeats{' without an end' if schedules else ''}"
        yield Problem(graph.location, LAM075, what, "give it one, as in AWS.StepFunctions(schedule='rate(1 day)')")
    gaps = [gap for one in lasting if (gap := longest_gap(one.expression)) is not None]
    # Each schedule starts executions, so the most frequent one says how often they should succeed.
    if not SHORT_PERIOD <= seconds <= LONG_LOOK_BACK or (len(gaps) == len(lasting) and seconds <= min(gaps, default=0)):
        every = f", and up to {min(gaps)} lie between two starts" if gaps else ""
        fix = (
            f"use {SHORT_PERIOD} to {LONG_LOOK_BACK} seconds, the most that CloudWatch looks back, and more than from "
            "a start to the end of the next execution. For a weekly or rarer schedule leave it out: the alarms failed, "
            "timed-out, aborted and not-started say what went wrong"
        )
        yield Problem(graph.location, LAM075, f"{alarm}{every}", fix)


def check_followers(graphs: Sequence[Graph]) -> Iterator[Problem]:
    """Check that the flows that follow another one do not say anything else of the deployment of both."""
    first, *others = graphs
    for graph in others:
        if graph.settings not in (NO_SETTINGS, first.settings):
            what = f"flow '{graph.flow}' follows another flow, and has its own logs, tracing, role_path or alarms"
            yield Problem(graph.location, LAM074, what, f"give them to flow '{first.flow}', whose deployment it is")


def _matches(pattern: str) -> Callable[[str], bool]:
    # Python's $ also matches before a last line feed, Terraform's does not.
    return lambda text: not text.endswith("\n") and re.search(pattern, text) is not None


SETTINGS_RULES = (check_settings, check_successes)

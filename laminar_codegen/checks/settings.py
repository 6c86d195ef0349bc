"""The rules about how a deployment is operated: its log, traces, roles and alarms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from laminar_codegen.ir.expressions import Input, Ref
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.settings import ACTION, PATH
from laminar_codegen.limits import ALARM_ACTIONS
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import LAM074
from laminar_runtime.configurations.operations import LEVELS

__all__ = ["SETTINGS_RULES"]


def check_settings(graph: Graph) -> Iterator[Problem]:
    """Check that AWS accepts the settings, and the defaults of variables among them."""
    settings = graph.settings
    actions = () if isinstance(settings.ok_actions, Ref) else settings.ok_actions
    level, flag = f"use {', '.join(LEVELS[:-1])} or {LEVELS[-1]}", "use true or false"
    path = "begin and end it with a slash, as in /teams/reports/, with at most 512 letters, digits and +=,.@_/-"
    for name, value, accepts, fix in (
        ("level of the log", settings.log_level, LEVELS.__contains__, level),
        ("execution_data of the log", settings.log_data, ("true", "false").__contains__, flag),
        ("tracing", settings.tracing, ("true", "false").__contains__, flag),
        ("role_path", settings.role_path, _matches(PATH), path),
        *(("action of an alarm", action, _matches(ACTION), "give it by its ARN") for action in actions),
    ):
        text = value.variable.default if isinstance(value, Input) else value
        if isinstance(text, str) and not accepts(text):
            which = f"the Variable '{value.variable.name}' has the default" if isinstance(value, Input) else "it is"
            what = f"the {name} of flow '{graph.flow}' is not valid: {which} {text!r}"
            yield Problem(graph.location, LAM074, what, fix)
    if len(actions) > ALARM_ACTIONS:
        what = f"flow '{graph.flow}' has {len(actions)} ok_actions; CloudWatch accepts {ALARM_ACTIONS}"
        yield Problem(graph.location, LAM074, what, "use one SNS topic for several of them")


def _matches(pattern: str) -> Callable[[str], bool]:
    return lambda text: re.search(pattern, text) is not None


SETTINGS_RULES = (check_settings,)

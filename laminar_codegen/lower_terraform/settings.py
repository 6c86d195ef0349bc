"""Applies the settings of a deployment to its resources.

Before: the resources as each document has them. After: those of a flow that asks for it in `AWS.StepFunctions`::

    aws_sfn_state_machine        logging_configuration, tracing_configuration
    aws_lambda_function          tracing_config
    aws_iam_role                 path
    aws_cloudwatch_metric_alarm  ok_actions

One pass does it for all resources, so a target or a trigger of another kind needs nothing of its own for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import attrs

from laminar_codegen.ir.expressions import Input, Joined, Ref, Value
from laminar_codegen.ir.settings import ACTION, KEY, OFF, PATH, TOPIC, Notices, Settings, is_true
from laminar_codegen.ir.terraform import Block, Validation
from laminar_codegen.limits import ALARM_ACTIONS
from laminar_runtime.configurations.operations import LEVELS

__all__ = ["apply_settings", "as_inputs", "level_rule", "path_rule", "validations"]


def apply_settings(block: Block, settings: Settings) -> Block:
    """Return a resource as the settings of its deployment have it.

    Args:
        block: The resource.
        settings: The settings.
    """
    change = _CHANGES.get(block.type)
    return block if change is None else attrs.evolve(block, body=change(dict(block.body), settings))


def _state_machine(body: dict[str, Value], settings: Settings) -> dict[str, Value]:
    if settings.log_level is not None:
        body["logging_configuration"] = _logging(body["logging_configuration"], settings)
    if settings.tracing is not None:
        body["tracing_configuration"] = {"enabled": _flag(settings.tracing)}
    return body


def _logging(before: Value, settings: Settings) -> dict[str, Value]:
    """Return the configuration of a log. Without events it has no destination, so its role needs no permissions."""
    assert isinstance(before, Mapping)  # noqa: S101 - for mypy: each state machine has a log
    level, data = settings.log_level, settings.log_data
    if level == OFF:
        return {"level": OFF, "include_execution_data": False}
    if not isinstance(level, Ref):
        return {**before, "level": level, "include_execution_data": _flag(data)}
    destination = before["log_destination"]
    assert isinstance(destination, Joined)  # noqa: S101 - for mypy: the ARN of the log group, and ":*"
    written = "".join(part if isinstance(part, str) else f"${{{part.expression}}}" for part in destination.parts)
    off = f'{level.expression} == "{OFF}"'
    included = is_true(data) if isinstance(data, Ref) else json.dumps(data)
    return {
        "level": level,
        "include_execution_data": Ref(f"{off} ? false : {included}"),
        "log_destination": Ref(f'{off} ? null : "{written}"'),
    }


def _function(body: dict[str, Value], settings: Settings) -> dict[str, Value]:
    tracing = settings.tracing
    if isinstance(tracing, Ref):
        body["tracing_config"] = {"mode": Ref(f'{is_true(tracing)} ? "Active" : "PassThrough"')}
    elif tracing is not None:
        body["tracing_config"] = {"mode": "Active" if tracing else "PassThrough"}
    return body


def _role(body: dict[str, Value], settings: Settings) -> dict[str, Value]:
    return _after(body, "name", {} if settings.role_path is None else {"path": settings.role_path})


def _alarm(body: dict[str, Value], settings: Settings) -> dict[str, Value]:
    actions = settings.ok_actions
    given: Value = actions if isinstance(actions, Ref) else [*actions]
    return _after(body, "alarm_actions", {"ok_actions": given} if given else {})


def _after(body: dict[str, Value], name: str, more: Mapping[str, Value]) -> dict[str, Value]:
    """Return arguments with further ones behind one of them."""
    return {
        key: value for known in body for key, value in ((known, body[known]), *(more.items() if known == name else ()))
    }


def _flag(flag: bool | Ref | None) -> bool | Ref | None:  # noqa: FBT001 - the setting itself
    return Ref(is_true(flag)) if isinstance(flag, Ref) else flag


def as_inputs(settings: Settings) -> dict[str, Value]:
    """Return the inputs of the module ``flow`` for settings, without those that a flow does not say.

    Args:
        settings: The settings.
    """
    actions = settings.ok_actions
    inputs: dict[str, Value] = {
        "log_level": settings.log_level,
        "log_execution_data": _flag(settings.log_data),
        "tracing": _flag(settings.tracing),
        "role_path": settings.role_path,
        "ok_actions": (actions if isinstance(actions, Ref) else [*actions]) if actions else None,
    }
    return {name: value for name, value in inputs.items() if value is not None}


_CHANGES = {
    "aws_sfn_state_machine": _state_machine,
    "aws_lambda_function": _function,
    "aws_iam_role": _role,
    "aws_cloudwatch_metric_alarm": _alarm,
}


def level_rule(level: Ref) -> Validation:
    """Return the validation of the level of a log.

    Args:
        level: The reference to it.
    """
    return Validation(
        f"contains({json.dumps(LEVELS)}, {level.expression})", f"The level of the log must be {' or '.join(LEVELS)}."
    )


def path_rule(path: Ref) -> Validation:
    """Return the validation of the path of roles.

    Args:
        path: The reference to it, which may be null.
    """
    return Validation(
        f'{path.expression} == null ? true : can(regex("{PATH}", {path.expression}))',
        "The path of roles must begin and end with a slash, as in /teams/reports/, with at most 512 characters.",
    )


def _flag_rule(flag: Ref) -> Validation:
    return Validation(f'contains(["true", "false"], {flag.expression})', "The value must be true or false.")


def _action_rule(action: Ref) -> Validation:
    return Validation(
        f'can(regex("{ACTION}", {action.expression}))', "The action of an alarm must be given by its ARN."
    )


def _actions_rule(actions: Ref) -> Validation:
    each = f'alltrue([for arn in {actions.expression} : can(regex("{ACTION}", arn))])'
    counted = f"length({actions.expression}) <= {ALARM_ACTIONS}"
    return Validation(f"{counted} && {each}", f"An alarm has at most {ALARM_ACTIONS} actions, each given by its ARN.")


_TOPIC = "Notifications need the ARN of a standard topic of Amazon SNS."
_KEY = (
    "The key must be a customer managed key, by its ARN: AWS's own key for SNS does not let CloudWatch publish alarms."
)


def _topic_rule(topic: Ref) -> Validation:
    return Validation(f'can(regex("{TOPIC}", {topic.expression}))', _TOPIC)


def _topics_rule(topics: Ref) -> Validation:
    return Validation(f'alltrue([for arn in {topics.expression} : can(regex("{TOPIC}", arn))])', _TOPIC)


def _key_rule(key: Ref) -> Validation:
    return Validation(f'can(regex("{KEY}", {key.expression}))', _KEY)


def validations(settings: Settings) -> dict[Ref, tuple[Validation, ...]]:
    """Return the validations of the variables in settings, by the references to them.

    Args:
        settings: The settings.
    """
    actions, notices = settings.ok_actions, settings.notices or Notices()
    topics = notices.topics
    rules = (
        (settings.log_level, level_rule),
        (settings.log_data, _flag_rule),
        (settings.tracing, _flag_rule),
        (settings.role_path, path_rule),
        *([(actions, _actions_rule)] if isinstance(actions, Ref) else [(action, _action_rule) for action in actions]),
        *([(topics, _topics_rule)] if isinstance(topics, Ref) else [(topic, _topic_rule) for topic in topics]),
        (notices.key, _key_rule),
    )
    found: dict[Ref, tuple[Validation, ...]] = {}
    for value, rule in rules:
        if isinstance(value, Input):
            found[value] = tuple(dict.fromkeys((*found.get(value, ()), rule(value))))
    return found

"""The fields of a state, and their valid values.

https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from laminar_codegen import limits
from laminar_codegen.rehearsal.asl import query_language
from laminar_codegen.rehearsal.asl.templates import expression_of, expressions_in

__all__ = ["check_fields"]

_LEFT = frozenset({"Assign", "Output", "Next", "End"})
_ATTEMPTED = _LEFT | {"Retry", "Catch"}
_FIELDS = {
    "Task": _ATTEMPTED | {"Resource", "Arguments", "TimeoutSeconds", "HeartbeatSeconds", "Credentials"},
    "Parallel": _ATTEMPTED | {"Branches", "Arguments"},
    "Map": _ATTEMPTED
    | {"Items", "ItemSelector", "ItemProcessor", "MaxConcurrency", "ItemReader", "ItemBatcher", "ResultWriter"}
    | {"ToleratedFailureCount", "ToleratedFailurePercentage", "Label"},
    "Pass": _LEFT,
    "Wait": _LEFT | {"Seconds", "Timestamp"},
    "Choice": frozenset({"Choices", "Default", "Assign", "Output"}),
    "Succeed": frozenset({"Output"}),
    "Fail": frozenset({"Error", "Cause"}),
}
_COMMON = frozenset({"Type", "Comment", "QueryLanguage"})
_NEEDED = {
    "Task": ("Resource",),
    "Parallel": ("Branches",),
    "Map": ("ItemProcessor",),
    "Choice": ("Choices",),
}
_RETRIER = frozenset(
    {"Comment", "ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy"}
)
_CATCHER = frozenset({"Comment", "ErrorEquals", "Next", "Assign", "Output"})
_RULE = frozenset({"Comment", "Condition", "Next", "Assign", "Output"})

#: Fields without expressions of the state itself.
_WITHOUT_EXPRESSIONS = frozenset({"Comment", "Branches", "ItemProcessor", "Choices", "Catch", "Retry"})
_CONSTANT = frozenset({"Type", "Resource", "Next", "End", "Default", "QueryLanguage", "Label"})
_STATES_FIELD = re.compile(r"\$states\s*\.\s*`?(\w+)")
_TOKEN = ".waitForTaskToken"  # noqa: S105 - the name of a pattern
_GIVES_TOKEN = re.compile(r"\$states\.context(?!\.(?!Task\b))")
_VARIABLE = re.compile(r"[^\W\d]\w*")
_VARIABLE_LENGTH = 80
_LONGEST_DELAY = 31_622_400


def check_fields(state: Mapping[str, Any], place: str) -> Iterator[str]:
    """Yield the problems of one state's own fields.

    Args:
        state: The state.
        place: Where it is.
    """
    kind = state.get("Type")
    if not isinstance(kind, str) or kind not in _FIELDS:
        yield f"{place}.Type: unknown type of state {kind!r}"
        return
    yield from _check_names(state, _FIELDS[kind] | _COMMON, place)
    yield from (f"{place}: a {kind} needs {field}" for field in _NEEDED.get(kind, ()) if field not in state)
    if state.get("QueryLanguage", "JSONata") != "JSONata":
        yield f"{place}.QueryLanguage: a state of a JSONata machine cannot use {state['QueryLanguage']}"
    if _FIELDS[kind] >= _LEFT:
        yield from _check_end(state, place)
    yield from _check_shapes(state, place)
    yield from _check_expressions(state, kind, place)
    yield from _check_numbers(state, kind, place)
    yield from _check_lists(state, place)
    if kind == "Choice" and not _items(state, "Choices"):
        yield f"{place}.Choices: a Choice needs at least one rule"
    if kind == "Wait" and ("Seconds" in state) == ("Timestamp" in state):
        yield f"{place}: a Wait needs either Seconds or Timestamp"


def _check_lists(state: Mapping[str, Any], place: str) -> Iterator[str]:
    """Yield the problems of retriers, catchers and rules."""
    for index, retrier in enumerate(_items(state, "Retry")):
        yield from _check_retrier(retrier, f"{place}.Retry[{index}]")
    for field in ("Retry", "Catch"):
        yield from _check_errors(_items(state, field), f"{place}.{field}")
    for index, catcher in enumerate(_items(state, "Catch")):
        yield from _check_exit(catcher, _CATCHER, f"{place}.Catch[{index}]", {"input", "context", "errorOutput"})
    for index, rule in enumerate(_items(state, "Choices")):
        yield from _check_exit(rule, _RULE, f"{place}.Choices[{index}]", {"input", "context"})
        if "Condition" not in rule:
            yield f"{place}.Choices[{index}]: a rule needs a Condition"


def _items(state: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    items = state.get(field, [])
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _check_shapes(state: Mapping[str, Any], place: str) -> Iterator[str]:
    for field in ("Retry", "Catch", "Choices", "Branches"):
        items = state.get(field, [])
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            yield f"{place}.{field}: must be a list of objects"
    if state.get("Branches", [{}]) == []:
        yield f"{place}.Branches: must have at least one branch"
    yield from _check_assign(state, place)


def _check_assign(written: Mapping[str, Any], place: str) -> Iterator[str]:
    assigned = written.get("Assign", {})
    if not isinstance(assigned, dict):
        yield f"{place}.Assign: must be an object of variables"
        return
    for name in assigned:
        if _VARIABLE.fullmatch(name) is None or len(name) > _VARIABLE_LENGTH or name == "states":
            yield f"{place}.Assign: {name!r} is not a valid name of a variable"


def _check_names(written: Mapping[str, Any], known: frozenset[str], place: str) -> Iterator[str]:
    yield from (f"{place}.{field}: unknown field" for field in written if field not in known)


def _check_end(state: Mapping[str, Any], place: str) -> Iterator[str]:
    if state.get("End", True) is not True:
        yield f"{place}.End: must be true or absent"
    if ("Next" in state) == ("End" in state):
        yield f"{place}: needs either Next or End"


def _check_expressions(state: Mapping[str, Any], kind: str, place: str) -> Iterator[str]:
    before = {"input", "context"}
    after = before | ({"result"} if _FIELDS[kind] >= _ATTEMPTED else set())
    for field, value in state.items():
        if field in _CONSTANT and isinstance(value, str) and expression_of(value) is not None:
            yield f"{place}.{field}: this cannot be an expression"
        elif field not in _WITHOUT_EXPRESSIONS:
            yield from _check_value(value, f"{place}.{field}", after if field in ("Assign", "Output") else before)
    resource = state.get("Resource")
    if isinstance(resource, str) and resource.endswith(_TOKEN):
        given = " ".join(expressions_in(state.get("Arguments")))
        if _GIVES_TOKEN.search(given) is None:
            yield f"{place}.Arguments: the task does not get $states.context.Task.Token, so the state never ends"


def _check_value(value: Any, place: str, known: set[str]) -> Iterator[str]:
    for expression in expressions_in(value):
        problem = query_language.check_syntax(expression)
        if problem is not None:
            yield f"{place}: {expression} is not valid JSONata: {problem}"
        for name in _STATES_FIELD.findall(expression):
            if name not in known:
                yield f"{place}: $states has no {name} here"


def _check_exit(written: Mapping[str, Any], known: frozenset[str], place: str, states: set[str]) -> Iterator[str]:
    yield from _check_names(written, known, place)
    yield from _check_assign(written, place)
    if "Next" not in written:
        yield f"{place}: needs Next"
    for field in ("Condition", "Assign", "Output"):
        yield from _check_value(written.get(field), f"{place}.{field}", states)


def _check_errors(items: list[Mapping[str, Any]], place: str) -> Iterator[str]:
    """Yield the problems of the lists of errors. ``States.ALL`` must be the only error, in the last item.

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    """
    for index, item in enumerate(items):
        errors = item.get("ErrorEquals")
        if not isinstance(errors, list) or not errors or not all(isinstance(error, str) for error in errors):
            yield f"{place}[{index}].ErrorEquals: must be a list of error names"
        elif "States.ALL" in errors and (len(errors) > 1 or index < len(items) - 1):
            yield f"{place}[{index}].ErrorEquals: States.ALL must be the only error, in the last item"


def _check_retrier(retrier: Mapping[str, Any], place: str) -> Iterator[str]:
    yield from _check_names(retrier, _RETRIER, place)
    yield from _check_number(retrier, "IntervalSeconds", (1, limits.STATE_RETRIES), place)
    yield from _check_number(retrier, "MaxAttempts", (0, limits.STATE_RETRIES), place)
    yield from _check_number(retrier, "BackoffRate", (1, float("inf")), place, whole=False)
    yield from _check_number(retrier, "MaxDelaySeconds", (1, _LONGEST_DELAY), place)
    if retrier.get("JitterStrategy", "NONE") not in ("FULL", "NONE"):
        yield f"{place}.JitterStrategy: FULL or NONE, not {retrier['JitterStrategy']!r}"


def _check_numbers(state: Mapping[str, Any], kind: str, place: str) -> Iterator[str]:
    seconds = (("TimeoutSeconds", 1), ("HeartbeatSeconds", 1)) if kind == "Task" else ()
    waits = (("Seconds", 0),) if kind == "Wait" else (("MaxConcurrency", 0),) if kind == "Map" else ()
    for field, least in (*seconds, *waits):
        if not isinstance(state.get(field), str) or expression_of(state[field]) is None:
            yield from _check_number(state, field, (least, limits.STATE_RETRIES), place)
    timeout, heartbeat = state.get("TimeoutSeconds"), state.get("HeartbeatSeconds")
    if isinstance(timeout, int) and isinstance(heartbeat, int) and heartbeat >= timeout:
        yield f"{place}.HeartbeatSeconds: {heartbeat} is not less than TimeoutSeconds, {timeout}"


def _check_number(
    written: Mapping[str, Any], field: str, bounds: tuple[float, float], place: str, *, whole: bool = True
) -> Iterator[str]:
    value = written.get(field, bounds[0])
    number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not number or not bounds[0] <= value <= bounds[1]:
        kind = "whole number" if whole else "number"
        yield f"{place}.{field}: must be a {kind} from {bounds[0]} to {bounds[1]}, not {value!r}"

"""Takes definitions apart: from JSON to values, refused if Step Functions would refuse them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from laminar_codegen.rehearsal.asl.definition import (
    Catcher,
    Choice,
    Exit,
    Fail,
    Machine,
    Map,
    Parallel,
    Pass,
    Retrier,
    Rule,
    State,
    Succeed,
    Task,
    Wait,
)
from laminar_codegen.rehearsal.asl.errors import DefinitionError, UnsupportedError
from laminar_codegen.rehearsal.asl.templates import Template
from laminar_codegen.rehearsal.asl.validation import validate

__all__ = ["parse"]

_Written = Mapping[str, Any]

#: Calls of what only express workflows have.
_MISSING = frozenset({"aws-sdk:sfn:startSyncExecution"})
_RESOURCE = re.compile(r"arn:[\w-]+:states:::([\w:-]+?)(?:\.(sync|sync:2|waitForTaskToken))?")


def parse(definition: Mapping[str, Any] | str) -> Machine:
    """Parse a definition.

    Args:
        definition: The definition, as JSON text or its value.

    Returns:
        The machine.

    Raises:
        DefinitionError: If Step Functions refuses it. The error has all problems.
        UnsupportedError: If Step Functions accepts it, but the interpreter cannot run it.
    """
    text = definition if isinstance(definition, str) else json.dumps(definition, ensure_ascii=False)
    problems = validate(text)
    if problems:
        raise DefinitionError(problems)
    return _machine(json.loads(text))


def _machine(written: _Written) -> Machine:
    states = {name: _PARSERS[state["Type"]](name, state) for name, state in written["States"].items()}
    return Machine(written["StartAt"], states, written.get("TimeoutSeconds"))


def _pass(name: str, written: _Written) -> Pass:
    return Pass(name=name, exit=_exit(written))


def _wait(name: str, written: _Written) -> Wait:
    seconds, timestamp = _template(written, "Seconds"), _template(written, "Timestamp")
    return Wait(name=name, exit=_exit(written), seconds=seconds, timestamp=timestamp)


def _choice(name: str, written: _Written) -> Choice:
    rules = tuple(Rule(Template(rule["Condition"]), _exit(rule)) for rule in written["Choices"])
    default = _exit(written, "Default") if "Default" in written else None
    return Choice(name=name, rules=rules, default=default)


def _succeed(name: str, written: _Written) -> Succeed:
    return Succeed(name=name, output=_template(written, "Output"))


def _fail(name: str, written: _Written) -> Fail:
    error, cause = Template(written.get("Error", "")), Template(written.get("Cause", ""))
    return Fail(name=name, error=error, cause=cause)


def _parallel(name: str, written: _Written) -> Parallel:
    branches = tuple(_machine(branch) for branch in written["Branches"])
    return Parallel(name=name, branches=branches, arguments=_template(written, "Arguments"), **_error_handling(written))


def _task(name: str, written: _Written) -> Task:
    resource = _RESOURCE.fullmatch(written["Resource"])
    if resource is None:
        raise UnsupportedError(f"State {name!r} calls {written['Resource']}: only service integrations are supported")
    if resource[1] in _MISSING:
        raise UnsupportedError(f"State {name!r} calls {resource[1]}, which is not supported")
    return Task(
        name=name,
        integration=resource[1],
        pattern=resource[2] or "",  # type: ignore[arg-type] # one of them, by the expression
        arguments=Template(written.get("Arguments", {})),
        timeout=_template(written, "TimeoutSeconds"),
        heartbeat=_template(written, "HeartbeatSeconds"),
        role=_template(written.get("Credentials", {}), "RoleArn"),
        **_error_handling(written),
    )


def _map(name: str, written: _Written) -> Map:
    config = written["ItemProcessor"].get("ProcessorConfig", {})
    distributed = config.get("Mode", "INLINE") == "DISTRIBUTED"
    for field in ("ItemBatcher", "ResultWriter"):
        if field in written:
            raise UnsupportedError(f"State {name!r} has {field}, which is not supported")
    if config.get("ExecutionType", "STANDARD") != "STANDARD":
        raise UnsupportedError(f"State {name!r} has children of an EXPRESS workflow, which are not supported")
    return Map(
        name=name,
        items=_template(written, "Items"),
        selector=_template(written, "ItemSelector"),
        concurrency=Template(written.get("MaxConcurrency", 0)),
        processor=_machine(written["ItemProcessor"]),
        distributed=distributed,
        label=written.get("Label", re.sub(r"\W", "", name)[:40]),
        reader=_reader(name, written["ItemReader"]) if "ItemReader" in written else None,
        tolerated_count=_template(written, "ToleratedFailureCount"),
        tolerated_percentage=_template(written, "ToleratedFailurePercentage"),
        **_error_handling(written),
    )


def _reader(name: str, written: _Written) -> Template:
    kind = written.get("ReaderConfig", {}).get("InputType")
    if not written.get("Resource", "").endswith(":s3:getObject") or kind != "JSON":
        raise UnsupportedError(f"State {name!r} reads its items otherwise than from an object of S3 with JSON")
    return Template(written.get("Arguments", {}))


def _error_handling(written: _Written) -> dict[str, Any]:
    return {
        "exit": _exit(written),
        "retry": tuple(_retrier(retrier) for retrier in written.get("Retry", ())),
        "catch": tuple(Catcher(tuple(item["ErrorEquals"]), _exit(item)) for item in written.get("Catch", ())),
    }


def _retrier(written: _Written) -> Retrier:
    return Retrier(
        errors=tuple(written["ErrorEquals"]),
        interval=written.get("IntervalSeconds", 1),
        attempts=written.get("MaxAttempts", 3),
        backoff=written.get("BackoffRate", 2.0),
        longest=written.get("MaxDelaySeconds", float("inf")),
    )


def _exit(written: _Written, target: str = "Next") -> Exit:
    return Exit(_template(written, "Assign"), _template(written, "Output"), written.get(target))


def _template(written: _Written, field: str) -> Template | None:
    return Template(written[field]) if field in written else None


_PARSERS: Mapping[str, Callable[[str, _Written], State]] = {
    "Choice": _choice,
    "Fail": _fail,
    "Map": _map,
    "Parallel": _parallel,
    "Pass": _pass,
    "Succeed": _succeed,
    "Task": _task,
    "Wait": _wait,
}

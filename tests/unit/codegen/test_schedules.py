"""Schedules: what is taken, what is refused, and what of it is in the document."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from laminar_codegen.pipeline import Compilation
from laminar_codegen.problems import CompileError
from laminar_codegen.render.terraform_json import render_document

FLOW = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.schedulers import AWS

class F(Flow): ...

@F.register
class A(Layer):
    def __call__(self) -> None: ...

flow = F(scheduler=AWS.StepFunctions(schedule={!r}, timezone={!r}))

if __name__ == "__main__" and flow:
    flow()
"""
CHAIN = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.schedulers import AWS

class One(Flow): ...
class Two(Flow): ...

@One.register
@Two.register
class A(Layer):
    def __call__(self) -> None: ...

One(scheduler=AWS.StepFunctions({one}))().next(flow=Two(scheduler=AWS.StepFunctions({two})), linker=lambda _: None)
"""
Compiles = Callable[[str], Compilation]


def codes(compiled: Compiles, text: str) -> list[str]:
    try:
        compiled(text)
    except CompileError as error:
        return [problem.code for problem in error.problems]
    return []


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 hour)",
        "rate(5 minutes)",
        "rate(30 days)",
        "cron(0 6 * * ? *)",
        "cron(0/15 * ? * MON-FRI *)",
        "cron(0 8,20 LW JAN,jul ? 2026-2030)",
        "cron(0 10 15W */3 ? *)",
        "cron(0 10 ? * fri#2 *)",
        "cron(0 10 ? * 6L *)",
    ],
)
def test_schedules(compiled: Compiles, expression: str) -> None:
    """What EventBridge Scheduler takes is in the document as it is, with its time zone."""
    document = json.loads(render_document(compiled(FLOW.format(expression, "Europe/Berlin")).document))
    schedule = document["resource"]["aws_scheduler_schedule"]["flow"]
    found = schedule["schedule_expression"], schedule["schedule_expression_timezone"]
    assert found == (expression, "Europe/Berlin")


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "0 6 * * ? *",
        "rate(0 hours)",
        "rate(1.5 hours)",
        "rate(1 week)",
        "rate(1  hour)",
        "at(2026-11-31T06:00:00)",
        "at(2026-11-22)",
        "cron(0 6 * * ?)",
        "cron(0 6 * * * *)",
        "cron(0 6 ? * ? *)",
        "cron(60 6 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 6 0 * ? *)",
        "cron(0 6 32W * ? *)",
        "cron(0 6 * 13 ? *)",
        "cron(0 6 ? * MONDAY *)",
        "cron(0 6 ? * FRI#6 *)",
        "cron(0 6 * * ? 1969)",
        "cron(*/0 6 * * ? *)",
        "cron(1- 6 * * ? *)",
        "cron(٣ 6 * * ? *)",
        "cron(0 6 * * ? *) ",
        'cron(0 6 * * ? *)"${path.module}',
    ],
)
def test_no_schedules(compiled: Compiles, expression: str) -> None:
    """What it does not take is refused before Terraform sees it."""
    assert codes(compiled, FLOW.format(expression, "UTC")) == ["LAM050"]


@pytest.mark.parametrize("timezone", ["", "Europe", "Europe/Berln", "${path.module}", "A" * 51, "../etc/passwd"])
def test_no_timezones(compiled: Compiles, timezone: str) -> None:
    """A time zone that there is not is refused."""
    assert codes(compiled, FLOW.format("rate(1 hour)", timezone)) == ["LAM051"]


@pytest.mark.parametrize("timezone", ["UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+3"])
def test_timezones(compiled: Compiles, timezone: str) -> None:
    """Names of all forms are taken."""
    assert codes(compiled, FLOW.format("rate(1 hour)", timezone)) == []


def test_a_chain_is_started_by_its_first_flow(compiled: Compiles) -> None:
    """The first flow's schedule is the deployment's; one of a flow that follows is refused."""
    schedule = "schedule='rate(1 day)'"
    document = compiled(CHAIN.format(one=schedule, two="")).document
    assert [block.label for block in document.resources if block.type == "aws_scheduler_schedule"] == ["flow"]
    assert codes(compiled, CHAIN.format(one="", two=schedule)) == ["LAM052"]

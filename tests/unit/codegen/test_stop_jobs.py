"""Jobs that no state waits for end with their executions: by a state if one of them fails, else by a rule."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.allocate import allocate
from laminar_codegen.command.main import main
from laminar_codegen.cost import estimate_stop
from laminar_codegen.ir.plan import PipelinedFanOut, Run, Sequence, SubMachine
from laminar_codegen.ir.terraform import Module
from laminar_codegen.limits import NAME_LENGTH
from laminar_codegen.lower_states.states import emit_states
from laminar_codegen.lower_terraform.module_call import call_module
from laminar_codegen.pipeline import Compilation
from laminar_codegen.rehearsal.simulated import (
    Attempt,
    Call,
    JobResult,
    NamedError,
    Services,
    profiled_services,
    replay,
    replay_flow,
)
from laminar_codegen.render.terraform_json import render_document, render_machine
from laminar_codegen.targets.batch.stop_jobs import STOP_JOBS
from laminar_codegen.targets.batch.stop_jobs_rule import ended_executions
from laminar_runtime import task_environment

FLOW = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container, ForEach, Parameter

class Items(Flow): ...

@Items.register
class Find(Layer):
    def __call__(self) -> None:
        self.shard(item=[1, 2, 3])

@Items.register(foreach=ForEach([Parameter(layer=Find, attribute="item")]))
class Fetch(Layer):
    def __call__(self, find: Find) -> None:
        self.text = str(find.item)

@Items.register(foreach=ForEach([Parameter(layer=Fetch, attribute="text", index=None)], pipelined=True))
class Clean(Layer):
    def __call__(self, fetch: Fetch) -> None:
        self.text = fetch.text

@Items.register(
    foreach=ForEach([Parameter(layer=Clean, attribute="text", index=None)], pipelined=True),
    container=Container(spot=True),
)
class Count(Layer):
    def __call__(self, clean: Clean) -> None:
        self.length = len(clean.text)
"""
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:flow:e1"
SPLITS = 3


class _Itself(dict[str, str]):
    """References that stand for themselves, as in a replay."""

    def __missing__(self, expression: str) -> str:
        return {"local.partition": "aws"}.get(expression, expression)


def services(seconds: Mapping[str, float], refused: str) -> Services:
    """Return services that refuse the job of a layer."""
    known = profiled_services(seconds, splits=dict.fromkeys(("Fetch", "Clean", "Count"), SPLITS))

    def submit(integration: str) -> Callable[[Call], Any]:
        handler = known.jobs.handlers()[integration]

        def answer(call: Call) -> Any:
            if call.arguments["JobName"].endswith(f"-{refused}"):
                raise NamedError("Batch.ClientException", "no such queue")
            return handler(call)

        return answer

    known.others = {name: submit(name) for name in ("batch:submitJob", "batch:submitJob.sync")}
    return known


@pytest.mark.parametrize(("refused", "left"), [("Clean", {"Fetch"}), ("Count", {"Fetch", "Clean"})])
def test_jobs_before_one_that_is_not_taken_are_terminated(
    compiled: Callable[[str], Compilation], refused: str, left: set[str]
) -> None:
    """Nothing waits for them: they would run on after the execution failed."""
    known = services({"Fetch": 5000, "Clean": 5000}, refused)
    replayed = replay_flow(compiled(FLOW).machines, services=known)
    assert (replayed.status, replayed.seconds) == ("FAILED", 0)
    jobs = [job for job in known.jobs.jobs.values() if job.parent is None]
    ended = {job.request.environment[task_environment.LAYER_NAME]: (job.state, job.status_reason) for job in jobs}
    assert {layer: how for layer, how in ended.items() if layer != "Find"} == dict.fromkeys(
        left, ("FAILED", "The execution ended before the job did")
    )


def test_the_error_is_that_of_the_job(compiled: Callable[[str], Compilation]) -> None:
    """The planner gets the input that it gets without the termination, and is asked again after a redrive."""
    asked = []
    known = profiled_services({}, splits={"Fetch": SPLITS})
    invoke = known.functions.handlers()["lambda:invoke"]

    def note(call: Call) -> Any:
        asked.append(call.arguments["Payload"])
        return invoke(call)

    def result(attempt: Attempt) -> JobResult | None:
        return JobResult(exit_code=1) if attempt.layer == "Clean" and attempt.index == 1 else None

    known.others, known.jobs.run = {"lambda:invoke": note}, result
    assert replay_flow(compiled(FLOW).machines, services=known).error == "ExecutionError"
    *_, request = asked
    assert request["chain"] == ["Fetch", "Clean", "Count"]
    assert request["error"] == {"Error": "States.TaskFailed", "Cause": "Array Child Job failed"}
    assert request["plan"]["splits"] == SPLITS


def stop_machine(compilation: Compilation) -> dict[str, Any]:
    """Return the definition of the machine that ends jobs."""
    (machine,) = (machine for machine in compilation.machines if machine.name == STOP_JOBS)
    definition: dict[str, Any] = json.loads(render_machine(machine, _Itself()))
    return definition


def stopping(
    status: str, redrives: int, pages: Mapping[str, list[list[tuple[str, str]]]]
) -> tuple[Services, list[Any]]:
    """Return services that describe an execution, and list jobs of queues in pages; and the calls that they get."""
    calls: list[Any] = []

    def describe(call: Call) -> Any:
        assert call.arguments == {"ExecutionArn": EXECUTION, "IncludedData": "METADATA_ONLY"}
        return {"Status": status, "RedriveCount": redrives}

    def listed(call: Call) -> Any:
        (wanted,) = call.arguments["Filters"]
        calls.append((call.arguments["JobQueue"], wanted["Name"], *wanted["Values"]))
        number = int(call.arguments.get("NextToken", 0))
        found = pages.get(call.arguments["JobQueue"], [[]])
        further = {"NextToken": str(number + 1)} if number + 1 < len(found) else {}
        summaries = [{"JobId": job, "JobName": "x", "Status": state} for job, state in found[number]]
        return {"JobSummaryList": summaries, **further}

    def terminate(call: Call) -> Any:
        calls.append(call.arguments["JobId"])
        return {}

    answers = {
        "aws-sdk:sfn:describeExecution": describe,
        "aws-sdk:batch:listJobs": listed,
        "aws-sdk:batch:terminateJob": terminate,
    }
    return Services(others=answers), calls


def test_all_jobs_that_have_not_ended_are_terminated(compiled: Callable[[str], Compilation]) -> None:
    """In all queues that pipelines use, on all pages of the lists, and again until they have ended, if that is soon."""
    first, second = [("a", "RUNNING"), ("b", "SUCCEEDED")], [("c", "FAILED"), ("d", "PENDING"), ("e", "RUNNABLE")]
    known, calls = stopping("ABORTED", 0, {"var.job_queue_arn": [first, [], second]})
    replayed = replay(stop_machine(compiled(FLOW)), services=known, input={"executionArn": EXECUTION})
    assert (replayed.status, replayed.seconds) == ("SUCCEEDED", 9 * 30)
    assert [call for call in calls if isinstance(call, str)] == ["a", "d", "e"] * 10
    lists = {call for call in calls if not isinstance(call, str)}
    assert {queue for queue, _, _ in lists} == {"var.job_queue_arn", "var.fargate_spot_job_queue_arn"}
    assert len({wanted for _, _, wanted in lists}) == 1


def test_it_looks_twice_where_there_is_nothing(compiled: Callable[[str], Compilation]) -> None:
    """A job may have been submitted in the moment in which the execution was stopped."""
    known, calls = stopping("FAILED", 0, {})
    replayed = replay(stop_machine(compiled(FLOW)), services=known, input={"executionArn": EXECUTION})
    assert (replayed.status, replayed.seconds, len(calls)) == ("SUCCEEDED", 30, 2 * 2)
    assert replayed.transitions == estimate_stop(compiled(FLOW).machines[-1])


def test_check_prints_what_it_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of each execution that does not succeed, and of flows with pipelines only."""
    (tmp_path / "flow.py").write_text(FLOW, encoding="utf-8")
    assert main(["check", str(tmp_path / "flow.py")]) == 0
    printed = capsys.readouterr().out.partition("\nstop: ")[2]
    assert "  states          10 in 1 state machine\n" in printed
    assert "  transitions     23, and 1 for each job that has not ended\n" in printed
    assert "$0.000575 an execution that fails, is stopped or times out; nothing for others" in printed
    (tmp_path / "flow.py").write_text(FLOW.replace(", pipelined=True", ""), encoding="utf-8")
    assert main(["check", str(tmp_path / "flow.py")]) == 0
    assert "\nstop: " not in capsys.readouterr().out


def test_jobs_are_found_by_their_names(compiled: Callable[[str], Compilation]) -> None:
    """A list of jobs that begin so has those of the execution, of that redrive of it, and no others."""
    compilation = compiled(FLOW)
    known = profiled_services({}, splits={"Fetch": SPLITS})
    replayed = replay_flow(compilation.machines, services=known, name="e1")
    named = {job.request.name for job in known.jobs.jobs.values() if job.request.name != "Items-Find"}
    prefixes = {name.removesuffix(f"Items-{layer}") for name in named for layer in ("Fetch", "Clean", "Count")}
    (prefix,) = (found for found in prefixes if re.fullmatch("[0-9a-f]{16}-", found))
    assert named == {f"{prefix}Items-{layer}" for layer in ("Fetch", "Clean", "Count")}

    def wanted(execution: str, status: str, redrives: int) -> str:
        def describe(_: Call) -> Any:
            return {"Status": status, "RedriveCount": redrives}

        answers, calls = stopping(status, redrives, {})
        answers.others = {**answers.others, "aws-sdk:sfn:describeExecution": describe}
        replay(stop_machine(compilation), services=answers, input={"executionArn": execution})
        return str(calls[0][-1])

    assert wanted(replayed.arn, "ABORTED", 0) == f"{prefix}*"
    # It was redriven meanwhile: what it submits now is not ended.
    assert wanted(replayed.arn, "RUNNING", 1) == f"{prefix}*"
    others = {wanted(replayed.arn, "FAILED", 1), wanted(replayed.arn, "RUNNING", 2), wanted(EXECUTION, "FAILED", 0)}
    assert f"{prefix}*" not in others
    assert len(others) == 2


def test_the_longest_names_of_jobs(compiled: Callable[[str], Compilation]) -> None:
    """A job is named after the execution, the flow and the layer, and AWS Batch takes names of 128 characters."""
    text = FLOW.replace("Items", "F" * NAME_LENGTH).replace("Clean", "C" * 64).replace("Fetch", "G" * 64)
    known = profiled_services({})
    assert replay_flow(compiled(text).machines, services=known).status == "SUCCEEDED"
    assert max(len(job.request.name) for job in known.jobs.jobs.values()) == 128


def document(compilation: Compilation) -> dict[str, Any]:
    """Return the Terraform document."""
    found: dict[str, Any] = json.loads(render_document(compilation.document))
    return found


def test_the_rule_is_about_machines_with_pipelines(compiled: Callable[[str], Compilation]) -> None:
    """It starts the machine for executions that did not succeed, with what EventBridge says of them."""
    found = document(compiled(FLOW))
    pattern = found["locals"]["ended_executions"]
    assert pattern["detail"]["status"] == ["ABORTED", "FAILED", "TIMED_OUT"]
    (watched,) = pattern["detail"]["stateMachineArn"]
    assert watched.endswith(":stateMachine:${var.name}")
    target = found["resource"]["aws_cloudwatch_event_target"]["stop_jobs"]
    assert target["input_path"] == "$.detail"
    assert target["arn"] == "${aws_sfn_state_machine.stop_jobs.arn}"
    assert target["retry_policy"] == {"maximum_retry_attempts": 5, "maximum_event_age_in_seconds": 3600}


def test_the_rule_is_about_machines_of_parts(compiled: Callable[[str], Compilation]) -> None:
    """Where layers run item by item in a machine that another one starts, executions of that machine are watched."""
    (graph,) = compiled(FLOW).graphs
    plan = Sequence((Run("Find"), SubMachine("part_1", PipelinedFanOut(("Fetch", "Clean", "Count")))))
    (watched,) = ended_executions(allocate([graph], emit_states(graph, plan)))["detail"]["stateMachineArn"]
    assert "".join(part for part in watched.parts if isinstance(part, str)).endswith("-part-1")


def test_flows_without_pipelines_have_none_of_it(compiled: Callable[[str], Compilation]) -> None:
    """Neither the machine, nor the rule, its role and variable, nor what the machine may do."""
    text = json.dumps(document(compiled(FLOW.replace(", pipelined=True", ""))))
    for word in ("stop_jobs", "event_rule", "ListJobs", "terminateJob", "DescribeExecution", "ended_executions"):
        assert word not in text


def test_the_module_makes_the_machine_and_the_role(compiled: Callable[[str], Compilation]) -> None:
    """The rule is the document's own, and refers to what the module makes by name."""
    compilation = compiled(FLOW)
    called = call_module(compilation.document, Module("./flow"), compilation.deployment)
    found = json.loads(render_document(called))
    (call,) = found["module"].values()
    assert set(call["definitions"]) == {"flow", "stop_jobs"}
    assert call["roles"]["stop_jobs"]["service"] == "events.amazonaws.com"
    target = found["resource"]["aws_cloudwatch_event_target"]["stop_jobs"]
    assert target["arn"].endswith(":stateMachine:${var.name}-stop-jobs")
    assert found["locals"]["stop_jobs_role_arn"] == '${module.flow.role_arns["stop_jobs"]}'
    assert target["depends_on"] == ["module.flow"]

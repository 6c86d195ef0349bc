"""What the emitted machine does with layers on other services than AWS Batch on Fargate: replayed in virtual time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from laminar_codegen.allocate import longest_name
from laminar_codegen.cost import estimate
from laminar_codegen.ir.expressions import resolve
from laminar_codegen.limits import FUNCTION_NAME_LENGTH
from laminar_codegen.pipeline import Compilation, compile_flow
from laminar_codegen.rehearsal.simulated import Functions, Invocation, NamedError, Replayed, Services, replay
from laminar_codegen.targets.aws_lambda.labels import task_functions
from tests.support.golden import compilation_of, document_of


@attrs.define
class Account:
    """Answers the functions of the golden flow on AWS Lambda.

    Args:
        splits: How wide its fan-out is.
        failing: How often each task of some layers fails before it succeeds.
        refused: How many invocations AWS Lambda refuses at first.
        tries: How often each task was invoked.
        payloads: What the functions were given.
    """

    splits: int
    failing: dict[str, int] = attrs.field(factory=dict)
    refused: int = 0
    tries: Counter[tuple[str, int]] = attrs.field(factory=Counter)
    payloads: list[dict[str, Any]] = attrs.field(factory=list)

    def run(self, invocation: Invocation) -> Any:
        payload = invocation.payload
        if "planner" in invocation.name:
            group = {"size": self.splits, "indexes": f"0-{self.splits - 1}", "splits": self.splits, "attempt": 1}
            return {"run": True, "splits": self.splits, "attempt": 1, "groups": [group] if self.splits else []}
        if self.refused:
            self.refused -= 1
            raise NamedError("Lambda.TooManyRequestsException", "Rate exceeded")
        self.payloads.append(payload)
        task = (payload["layer"], payload.get("child", 0))
        self.tries[task] += 1
        if self.tries[task] <= self.failing.get(payload["layer"], 0):
            # A function whose `Retry` names failures decides by itself which ones are repeated.
            raise NamedError("Laminar.FailedAttempt" if "retry" in payload else "ValueError", "no luck")
        return {}

    def replay(self) -> Replayed:
        definition = json.dumps(document_of("lambda")["locals"]["definition"]).replace("${local.partition}", "aws")
        functions = Functions(self.run, lambda invocation: 60 if "run_count" in invocation.name else 0)
        return replay(definition, services=Services(functions=functions))


@pytest.fixture(scope="module")
def compilation() -> Compilation:
    return compilation_of("lambda")


@pytest.mark.parametrize("splits", [0, 1, 2, 25, 1000])
def test_a_fan_out_on_lambda(splits: int, compilation: Compilation) -> None:
    """Each split is an invocation that gets its index; ten run at once; what it takes is what was estimated."""
    account = Account(splits)
    replayed = account.replay()
    assert replayed.status == "SUCCEEDED", replayed.cause
    payloads = [payload for payload in account.payloads if payload["layer"] == "Count"]
    assert sorted(payload["child"] for payload in payloads) == list(range(splits))
    assert {payload["splits"] for payload in payloads} <= {splits}
    assert replayed.seconds == 60 * -(-splits // 10)
    unit = compilation.units[0]
    expected = estimate(unit.machines)
    if splits:
        assert replayed.transitions == expected.transitions.at({"Count": splits})
        assert replayed.events == expected.events.at({"Count": splits})
    assert replayed.events < 25_000


def test_splits_are_tried_again_by_themselves() -> None:
    """A failed split is invoked again, and its siblings are not; it finds its attempt out itself."""
    account = Account(3, failing={"Count": 2, "Total": 1})
    assert account.replay().status == "SUCCEEDED"
    tasks = sorted((payload["layer"], payload.get("child", 0)) for payload in account.payloads[1:])
    assert tasks == [*(("Count", child) for child in range(3) for _ in range(3)), ("Total", 0), ("Total", 0)]
    assert not any("attempt" in payload for payload in account.payloads)


def test_a_split_that_has_no_attempt_left() -> None:
    """The execution fails with the error of the flow's own code."""
    replayed = Account(2, failing={"Count": 3}).replay()
    assert (replayed.status, replayed.error) == ("FAILED", "ValueError")


def test_lambda_that_is_busy() -> None:
    """What AWS Lambda refuses is asked of it again, and is no attempt of a layer without a retry."""
    assert Account(1, refused=3).replay().status == "SUCCEEDED"


def test_jobs_get_no_attempt_that_a_service_counts() -> None:
    """Tasks find their attempts out; splits with a retry are started as often as AWS Batch has it on spot capacity."""
    states = document_of("ec2")["locals"]["definition"]
    tasks = {name: task for name, task in _tasks(states) if "batch" in task["Resource"]}
    environments = {
        name: {item["Name"]: item["Value"] for item in task["Arguments"]["ContainerOverrides"]["Environment"]}
        for name, task in tasks.items()
    }
    assert not any("LAMINAR_LAYER_ATTEMPT" in environment for environment in environments.values())
    assert tasks["Train"]["Arguments"]["RetryStrategy"]["Attempts"] == 10
    assert "RetryStrategy" not in tasks["Check"]["Arguments"]


def _tasks(machine: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name, state in machine["States"].items():
        if state["Type"] == "Task":
            found.append((name, state))
        for inner in (*state.get("Branches", ()), *([state["ItemProcessor"]] if "ItemProcessor" in state else ())):
            found += _tasks(inner)
    return found


def _on_lambda(folder: Path, layers: Sequence[str]) -> Compilation:
    """Return a flow of layers on AWS Lambda, each after the one before."""
    lines = [
        "from laminar_runtime import Flow, Layer",
        "from laminar_runtime.configurations.executors import AWS",
        "class Report(Flow): ...",
    ]
    for before, layer in zip(["", *layers], layers, strict=False):
        hint = f", before: {before}" if before else ""
        lines += ["@Report.register", f"class {layer}(Layer):", f"    def __call__(self{hint}) -> None: ..."]
    lines.append("if flow := Report(executor=AWS.Lambda()):\n    flow()\n")
    (folder / "flow.py").write_text("\n".join(lines), encoding="utf-8")
    return compile_flow(str(folder / "flow.py"))


def test_each_layer_has_a_function(tmp_path: Path) -> None:
    """It is named after the layer, by a digest where that is too long or not enough, and AWS takes each name."""
    layers = ["Load", "AB", "A_b", "Planner", "Summarise" * 7, "Summarise" * 6]
    graph = _on_lambda(tmp_path, layers).graphs[0]
    labels = task_functions(graph)
    assert list(labels) == layers
    assert (labels["Load"], labels["Planner"]) == ("run_load", "run_planner")
    assert len(set(labels.values())) == len(layers)
    assert max(len("-") + longest_name([graph]) + len(label) for label in labels.values()) == FUNCTION_NAME_LENGTH


@pytest.mark.parametrize(("layers", "named"), [(20, 20), (21, 1), (400, 1)])
def test_many_functions(tmp_path: Path, layers: int, named: int) -> None:
    """A policy names each function, or their common beginning where they are too many for a role's policies."""
    document = _on_lambda(tmp_path, [f"Layer{number}" for number in range(layers)]).document
    policies: Any = document.locals["statements"]
    (run,) = [item for item in policies["state_machine"] if item["Sid"] == "RunTasks"]
    assert len(run["Resource"]) == named
    longest = {"var.name": "n" * 46, "local.datastore_prefix": "p" * 200, "local.datastore_bucket": "b" * 63}

    class Given(dict[str, str]):
        def __missing__(self, expression: str) -> str:
            return longest.get(expression, "x" * 20)

    for label in ("state_machine", "function"):
        assert len(json.dumps(resolve(policies[label], Given()))) < 10_240

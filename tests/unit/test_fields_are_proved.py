"""Each argument of a layer, a flow and a deployment is proved: by small cases, and by a flow that is executed.

The flow of a row is one of `tests.support.golden.EXECUTED`, and so

- rehearsed, as its document says (tests/integration/rehearsal/test_golden_flows.py),
- applied and destroyed with the stand-in of the AWS provider (tests/e2e/test_golden_documents.py),
- executed by roles whose statements are enough, and all used (tests/e2e/test_least_privilege.py).
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from laminar_runtime import Flow, ListVariable, Variable
from laminar_runtime.configurations import executors, layers, networks, operations, planners, triggers
from laminar_runtime.configurations.schedulers import AWS
from tests.support.golden import CASES, EXECUTED

TESTS = Path(__file__).parents[1]


class Row(NamedTuple):
    """Arguments that are proved together.

    named   how the class is called in a flow
    fields  the arguments, a space between two
    golden  the flow that is executed
    cases   files with small cases, in tests/unit: each has a call of the class, and names each argument
    """

    named: str
    fields: str
    golden: str
    cases: tuple[str, ...]


CHECKS = "codegen/cases/targets/batch/checks.test"
FUNCTION_CHECKS = "codegen/cases/targets/aws_lambda/checks.test"
PLACEMENT = "codegen/cases/ir/placement.test"
DOCKER = "runtime/configurations/executors/test_docker_options.py"
VOLUMES = "runtime/configurations/test_volumes.py"
GRAPH = "codegen/cases/frontend/build_graph.test"
REGISTRY = "codegen/cases/targets/registry.test"
PLANNERS = "codegen/cases/targets/planners.test"
STARTS = "codegen/cases/triggers/starts.test"
TIMED = "codegen/cases/triggers/timed_start.test"
EVENTS = "codegen/cases/triggers/event_start.test"
SETTINGS = "codegen/cases/ir/settings.test"
EMITTED = "codegen/cases/lower_terraform/settings.test"
OPERATIONS = "codegen/cases/checks/settings.test"
PLACED = "runtime/configurations/executors/test_placement.py"

ROWS = (
    Row("Container", "command workdir", "everything", (PLACEMENT,)),
    Row("Container", "cpu memory gpu architecture ephemeral_storage", "ec2", (PLACEMENT, CHECKS, FUNCTION_CHECKS)),
    Row("Container", "image secrets", "environments", (PLACEMENT, FUNCTION_CHECKS)),
    Row("Container", "spot", "ec2", (PLACEMENT, GRAPH)),
    Row("Container", "log_driver log_options environment", "ec2", (PLACEMENT, CHECKS, FUNCTION_CHECKS)),
    Row(
        "Container",
        "shared_memory tmpfs swap ulimits devices user read_only_root privileged accelerator efa",
        "ec2",
        (CHECKS, DOCKER),
    ),
    Row("Container", "init", "ec2", (CHECKS, FUNCTION_CHECKS)),
    Row("Container", "registry_credentials tags", "ec2", (CHECKS, FUNCTION_CHECKS, "codegen/test_variables.py")),
    Row("Container", "properties", "ec2", ("codegen/cases/targets/batch/further_properties.test",)),
    Row("Container", "volumes", "volumes", (CHECKS, FUNCTION_CHECKS, VOLUMES)),
    Row("EFS", "file_system mount access_point", "volumes", (VOLUMES,)),
    Row("EFS", "root transit_encryption iam read_only name", "everything", (VOLUMES,)),
    Row("Host", "source mount name read_only", "everything", (VOLUMES,)),
    Row("Retry", "attempts", "recovery", (GRAPH, "codegen/cases/ir/retriers.test")),
    Row("Retry", "delay backoff jitter", "everything", (GRAPH, "codegen/cases/ir/retriers.test")),
    Row("Retry", "on", "everything", (GRAPH, "codegen/cases/targets/batch/retry_checks.test")),
    Row("ForEach", "parameters", "recovery", (GRAPH, CHECKS)),
    Row("ForEach", "pipelined", "one_to_one", (GRAPH, "codegen/cases/checks/graph.test")),
    Row("ForEach", "max_concurrency", "recovery", (CHECKS,)),
    Row("ForEach", "tolerated_failures", "recovery", ("runtime/test_tolerated_failures.py",)),
    Row("ForEach", "splits_per_job splits_at_once", "everything", (CHECKS, "runtime/configurations/test_layers.py")),
    Row("Catch", "exceptions", "recovery", ("runtime/configurations/test_layers.py",)),
    Row("executors.AWS.Batch", "platform concurrency", "everything", (GRAPH, REGISTRY, CHECKS)),
    Row("executors.AWS.Batch", "timeout", "ec2", (GRAPH, REGISTRY, CHECKS)),
    Row("executors.AWS.Batch", "queue share_identifier", "placed", (PLACED, "codegen/test_variables.py")),
    Row("executors.AWS.Batch", "priority role", "placed", (GRAPH, REGISTRY)),
    Row("executors.AWS.Lambda", "timeout concurrency", "lambda", (GRAPH, REGISTRY)),
    Row("executors.AWS.Lambda", "role", "placed", (GRAPH, REGISTRY)),
    Row("executors.AWS.Lambda", "network", "everything", (GRAPH, REGISTRY, PLANNERS)),
    Row("executors.AWS.Auto", "batch function", "everything", ("codegen/test_auto.py",)),
    Row("planners.AWS.Lambda", "memory image", "environments", (PLANNERS,)),
    Row("planners.AWS.Lambda", "timeout network", "everything", (PLANNERS,)),
    Row(
        "planners.AWS.Batch",
        "cpu memory timeout platform queue share_identifier priority",
        "without_lambda",
        (PLANNERS,),
    ),
    Row("Network", "subnets security_groups", "environments", (PLANNERS,)),
    Row("Schedule", "expression timezone start end window name", "triggers", (STARTS, TIMED)),
    Row("Schedule", "parameters", "triggers", (STARTS, "codegen/cases/triggers/registry.test")),
    Row("ObjectCreated", "bucket prefix suffix parameters", "triggers", (EVENTS,)),
    Row("ObjectCreated", "name", "everything", (EVENTS, STARTS)),
    Row("Event", "pattern parameters", "triggers", (EVENTS, STARTS)),
    Row("Event", "name", "everything", (EVENTS, STARTS)),
    Row("After", "flow status parameters", "triggers", (EVENTS,)),
    Row("After", "name", "everything", (EVENTS, STARTS)),
    Row("Flow", "executor container timeout", "everything", ("runtime/test_flow.py",)),
    Row("Flow", "scheduler", "everything", (GRAPH,)),
    Row("StepFunctions", "schedule", "environments", (GRAPH, "codegen/test_interface.py")),
    Row("StepFunctions", "timezone", "scheduled", (GRAPH, "codegen/test_interface.py")),
    Row("StepFunctions", "triggers overlap", "triggers", ("codegen/cases/lower_terraform/alarms.test",)),
    Row("StepFunctions", "logs tracing role_path alarms", "environments", (SETTINGS, EMITTED, OPERATIONS)),
    Row("StepFunctions", "dashboard", "reported", (SETTINGS, "codegen/cases/lower_terraform/dashboard.test")),
    Row("StepFunctions", "notifications", "reported", (OPERATIONS,)),
    Row("StepFunctions", "planner network", "environments", (GRAPH,)),
    Row("Logs", "level execution_data", "environments", (SETTINGS, EMITTED, OPERATIONS)),
    Row("Alarms", "ok_actions aborted", "environments", (SETTINGS, EMITTED)),
    Row("Alarms", "no_success_in", "environments", (SETTINGS, OPERATIONS)),
    Row("Notifications", "topics kms_key", "reported", (OPERATIONS,)),
    Row("Variable", "name description default", "environments", (PLANNERS, "codegen/cases/render/hcl.test")),
    Row("ListVariable", "name description default", "environments", (PLANNERS, EMITTED)),
)

#: What is in no document, or in no document of one flow alone: why, and the file in tests that holds it.
ELSEWHERE = {
    ("Container", "capabilities"): ("AWS Batch has none: refused", f"unit/{CHECKS}"),
    ("executors.AWS.Batch", "job_queue_arn"): (
        "of jobs that a process submits itself",
        "integration/runtime/configurations/executors/test_aws_batch.py",
    ),
    ("executors.AWS.Batch", "job_role_arn"): (
        "of jobs that a process submits itself",
        "integration/runtime/configurations/executors/test_aws_batch.py",
    ),
    ("executors.AWS.Batch", "poll"): (
        "of jobs that a process submits itself",
        "integration/runtime/configurations/executors/test_aws_batch.py",
    ),
    ("Flow", "datastore"): ("a deployed flow has that of its variable", "unit/runtime/test_flow.py"),
    ("Flow", "others"): ("of classes after Flow among the bases", "unit/runtime/test_flow.py"),
    ("StepFunctions", "deployment"): ("what a call starts", "integration/runtime/test_deployment.py"),
    ("StepFunctions", "directory"): ("of `create`", "e2e/test_scheduler_interface.py"),
    ("StepFunctions", "variables"): ("of `create`", "e2e/test_scheduler_interface.py"),
    ("StepFunctions", "apply"): ("of `create`", "e2e/test_scheduler_interface.py"),
    ("StepFunctions", "terraform"): ("of `create`", "e2e/test_scheduler_interface.py"),
    ("StepFunctions", "joins"): ("the plan only; the case 'exact joins' there", "e2e/test_least_privilege.py"),
    ("StepFunctions", "pack"): ("the plan only", "integration/rehearsal/test_packs.py"),
    ("StepFunctions", "profile"): ("the plan only", "integration/rehearsal/test_packs.py"),
    ("StepFunctions", "module"): ("calls the module `flow`", "e2e/test_scheduler_interface.py"),
    ("StepFunctions", "module_version"): ("calls the module `flow`", "unit/codegen/test_interface.py"),
}

CLASSES: dict[str, Callable[..., Any]] = {
    "Container": layers.Container,
    "EFS": layers.EFS,
    "Host": layers.Host,
    "Retry": layers.Retry,
    "ForEach": layers.ForEach,
    "Catch": layers.Catch,
    "executors.AWS.Batch": executors.AWS.Batch,
    "executors.AWS.Lambda": executors.AWS.Lambda,
    "executors.AWS.Auto": executors.AWS.Auto,
    "planners.AWS.Lambda": planners.AWS.Lambda,
    "planners.AWS.Batch": planners.AWS.Batch,
    "Network": networks.Network,
    "Schedule": triggers.Schedule,
    "ObjectCreated": triggers.ObjectCreated,
    "Event": triggers.Event,
    "After": triggers.After,
    "Flow": Flow,
    "StepFunctions": AWS.StepFunctions,
    "Logs": operations.Logs,
    "Alarms": operations.Alarms,
    "Notifications": operations.Notifications,
    "Variable": Variable,
    "ListVariable": ListVariable,
}


def fields_of(named: str) -> list[str]:
    """Return the arguments of a class."""
    return [*inspect.signature(CLASSES[named]).parameters]


def given_in(program: str, named: str) -> set[str]:
    """Return the arguments that calls of a class in a flow's file have; a flow may have them as attributes, too."""
    tree = ast.parse(program)
    flows = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and _is_flow(node)}
    found = set(_attributes(flows.values())) if named == "Flow" else set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            known = called in flows if named == "Flow" else f".{called}".endswith(f".{named}")
            if known:
                found |= {word.arg for word in node.keywords if word.arg}
                found |= {*fields_of(named)[: len(node.args)]}
    return found


def _is_flow(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "Flow" for base in node.bases)


def _attributes(classes: Any) -> Iterator[str]:
    for node in classes:
        for statement in node.body:
            if isinstance(statement, ast.Assign):
                yield from (target.id for target in statement.targets if isinstance(target, ast.Name))


def mentions(text: str, named: str, field: str) -> bool:
    """Return whether a text has calls of a class, and an argument by its name or among the first two by its place."""
    by_name = re.search(rf"(?<![\w.]){field}\s*=", text) is not None
    by_place = field in fields_of(named)[:2]
    # Flows are called by the names of their classes.
    called = r"\w" if named == "Flow" else rf"\b{named.rpartition('.')[2]}"
    return re.search(rf"{called}\(", text) is not None and (by_name or by_place)


ALL = [(row, field) for row in ROWS for field in row.fields.split()]


def test_each_argument_is_in_a_row() -> None:
    """A new argument needs its proofs, and none is there twice."""
    proved = [(row.named, field) for row, field in ALL]
    assert sorted([*proved, *ELSEWHERE]) == sorted((named, field) for named in CLASSES for field in fields_of(named))


@pytest.mark.parametrize(("row", "field"), [pytest.param(row, field, id=f"{row.named}-{field}") for row, field in ALL])
def test_an_argument_is_proved(row: Row, field: str) -> None:
    """Its flow is executed and has it, and so have the small cases."""
    assert row.golden in EXECUTED
    assert field in given_in((CASES[row.golden] / "flow.py").read_text(encoding="utf-8"), row.named)
    assert row.cases
    for case in row.cases:
        assert mentions((TESTS / "unit" / case).read_text(encoding="utf-8"), row.named, field), case


@pytest.mark.parametrize("argument", [pytest.param(key, id="-".join(key)) for key in ELSEWHERE])
def test_an_argument_is_held_elsewhere(argument: tuple[str, str]) -> None:
    """The file that is named has it."""
    _, file = ELSEWHERE[argument]
    text = (TESTS / file).read_text(encoding="utf-8")
    assert re.search(rf"\b{argument[1]}\b", text), file


def test_each_executed_flow_is_a_golden_case() -> None:
    """What is executed is applied, too; and each is in a row, or shows permissions of its own."""
    assert {*EXECUTED} <= {*CASES}
    assert {*EXECUTED} - {row.golden for row in ROWS} == {"linked"}


def test_a_missing_argument_is_found() -> None:
    """The comparison can fail: by the class, the argument, or its place."""
    program = (
        "class F(Flow):\n    timeout = 3\n\nexecutors.AWS.Batch(queue='q')\nplanners.AWS.Batch(cpu=1)\nF(executor=1)"
    )
    assert given_in(program, "executors.AWS.Batch") == {"queue"}
    assert given_in(program, "planners.AWS.Batch") == {"cpu"}
    assert given_in(program, "Flow") == {"executor", "timeout"}
    assert given_in(program, "Retry") == set()
    assert mentions("Retry(3)", "Retry", "attempts")
    assert not mentions("Retry(3)", "Retry", "jitter")
    assert not mentions("jitter=3", "Retry", "jitter")

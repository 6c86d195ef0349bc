"""A new kind of target is one value in the registry: no pass knows a kind by name. The recipe of the documentation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

from laminar_codegen.command.main import main
from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import DRIVE, Map, Task
from laminar_codegen.ir.deployment import Deployment, Role, TaskResource
from laminar_codegen.ir.expressions import Expression, Ref, Value
from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.placement import Container, Queue, Target
from laminar_codegen.ir.terraform import Block, Variable
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.policies.calls import TAGS, Calls
from laminar_codegen.policies.datastore import for_tasks
from laminar_codegen.policies.sizes import Fitted
from laminar_codegen.policies.statement import Statement, managed_rule, regional
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import Rule
from laminar_codegen.targets import registry
from laminar_codegen.targets.kind import Attempts, TargetKind, TaskStates
from laminar_runtime.configurations.executors import Executor

FLOW = """
from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.executors import Process
from laminar_runtime.configurations.layers import Container, ForEach, Parameter


class Ecs(Process):
    "Stands for tasks of Amazon ECS."


class Report(Flow): ...


@Report.register(executor=Ecs(), container=Container(gpu=%d))
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.shard(item=parameters.items)


@Report.register(executor=Ecs(), foreach=ForEach(parameters=[Parameter(Load, "item")]))
class Work(Layer):
    def __call__(self, load: Load) -> None: ...


flow = Report()
"""


@attrs.frozen
class EcsTarget(Target):
    """Amazon ECS runs the layer."""

    service: ClassVar[str] = "Amazon ECS"

    timeout: float | None = None

    def describe(self, container: Container) -> str:
        return f"on {self.service}"

    def facts(self, container: Container) -> dict[str, Value]:
        return {"runs_on": self.service, "memory": container.memory}


@attrs.frozen
class TaskDefinition(TaskResource):
    """A task definition of Amazon ECS."""


@attrs.frozen
class EcsStates(TaskStates):
    """Runs each task by ``ecs:runTask``."""

    error_field: ClassVar[str] = "StoppedReason"

    def once(self, layer: LayerNode, after: str | None, attempts: Attempts) -> Task:
        return self._task(layer, layer.name, after, attempts)

    def group(self, layer: LayerNode, name: str, attempts: Attempts) -> Map:
        return Map(
            name=name,
            comment=layer.summary,
            items=Expression("[0..$states.input.size - 1]"),
            states=(self._task(layer, f"{name} split", None, attempts),),
            next=None,
        )

    def _task(self, layer: LayerNode, name: str, after: str | None, attempts: Attempts) -> Task:
        return Task(
            name=name,
            comment=layer.summary,
            integration="ecs:runTask.sync",
            arguments={
                "Cluster": Ref("var.cluster_arn"),
                "TaskDefinition": Ref("aws_ecs_task_definition.ecs.arn"),
                "Overrides": {"Execution": Expression(DRIVE), "Layer": layer.name},
            },
            of_service=(),
            retry=attempts.retriers,
            catch=attempts.catchers,
            next=after,
        )


def _resources(graph: Graph) -> Iterator[TaskDefinition]:
    placed = [layer.placement for layer in graph.layers if isinstance(layer.executor, EcsTarget)]
    if placed:
        yield TaskDefinition(f"{graph.prefix}ecs", labels.flow(graph), placed[0], graph.timeout)


def _emit(definition: TaskDefinition) -> Iterator[Block]:
    yield Block(
        "aws_ecs_task_definition",
        definition.label,
        {
            "family": labels.of_deployment(definition.label),
            "task_role_arn": labels.role("task"),
            "container_definitions": Ref("jsonencode([])"),
        },
    )


RULE = Rule("LAM099", "a GPU on ECS", "The toy target has none.", "Leave gpu out.")


def _no_gpus(graph: Graph) -> Iterator[Problem]:
    for layer in graph.layers:
        if isinstance(layer.executor, EcsTarget) and layer.container.gpu:
            yield Problem(layer.location, RULE, f"layer '{layer.name}' requests GPUs", "leave gpu out")


def _roles(flows: str, _: Sequence[TaskResource]) -> Iterator[Role]:
    yield Role("task", "ecs-tasks.amazonaws.com", f"What the layers of the {flows} may do", "the tasks have")


def _statements(deployment: Deployment, short: bool) -> Iterator[Statement]:  # noqa: FBT001 - a field of the kind
    found = deployment.of_type(TaskDefinition)
    arns = tuple(regional("ecs", "task-definition/", labels.of_deployment(item.label), ":*") for item in found)
    yield Statement("RunTasks", ("ecs:RunTask",), arns)
    yield managed_rule("AwaitTasks", "StepFunctionsGetEventsForECSTaskRule")


def _of_executor(executor: Executor, timeout: float | None) -> EcsTarget | None:
    return EcsTarget(timeout) if type(executor).__name__ == "Ecs" else None


ECS = TargetKind(
    target=EcsTarget,
    of_executor=_of_executor,
    states=lambda _: EcsStates(),
    resources=_resources,
    emit=_emit,
    rules=(_no_gpus,),
    roles=_roles,
    permissions={"task": for_tasks},
    statements=_statements,
    variables=lambda _: (Variable(name="cluster_arn", type="string", description="ARN of the ECS cluster."),),
    log_groups=lambda _: (labels.TASKS,),
    calls={
        "aws_ecs_task_definition": (
            Calls(
                service="ecs",
                resources=("task-definition/{n}-*:*",),
                plan=(),
                plan_any=("DescribeTaskDefinition",),
                apply=("RegisterTaskDefinition", *TAGS),
                destroy=("DeregisterTaskDefinition",),
            ),
        )
    },
    task_role=("task", "tasks"),
)


@pytest.fixture
def ecs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder for a flow, with the kind in the registry."""
    monkeypatch.setattr(registry, "TARGETS", (*registry.TARGETS, ECS))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _document(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main([*words, "flow.py"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_a_kind_of_target_is_one_entry(ecs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its states, resources, role, permissions and variables are in the document, and nothing of other targets is."""
    (ecs / "flow.py").write_text(FLOW % 0)
    document = _document(capsys)
    states = document["locals"]["definition"]["States"]
    assert states["Load"]["Resource"].endswith(":ecs:runTask.sync")
    (split,) = states["Work splits"]["ItemProcessor"]["States"].values()
    assert split["ItemProcessor"]["States"]["Work split"]["Resource"].endswith(":ecs:runTask.sync")
    made = document["resource"]
    assert set(made["aws_ecs_task_definition"]) == {"ecs"}
    assert "aws_batch_job_definition" not in made
    assert set(made["aws_iam_role"]) == {"state_machine", "task", "planner"}
    granted = {action for item in document["locals"]["statements"]["state_machine"] for action in item["Action"]}
    assert "ecs:RunTask" in granted
    assert not any(action.startswith("batch:") for action in granted)
    assert "cluster_arn" in document["variable"]
    assert "job_queue_arn" not in document["variable"]
    assert document["output"]["task_role_arn"]["value"] == "${local.task_role_arn}"
    assert document["locals"]["layers"]["Load"]["runs_on"] == "Amazon ECS"


def test_with_a_module(ecs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its resources stay in the document that calls the module ``flow``; its role is the module's, as all roles are."""
    (ecs / "flow.py").write_text(FLOW % 0)
    document = _document(capsys, "--module", "./modules/flow")
    assert set(document["resource"]["aws_ecs_task_definition"]) == {"ecs"}
    assert document["module"]["flow"]["roles"]["task"]["service"] == "ecs-tasks.amazonaws.com"


def test_its_rules_are_checked(ecs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (ecs / "flow.py").write_text(FLOW % 1)
    assert main(["flow.py"]) == 1
    assert "LAM099" in capsys.readouterr().err


def test_a_kind_that_cannot_limit_splits(ecs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It does not know of ``max_concurrency`` unless it says so."""
    (ecs / "flow.py").write_text((FLOW % 0).replace('"item")])', '"item")], max_concurrency=3)'))
    assert main([str(ecs / "flow.py")]) == 1
    assert "LAM058 layer 'Work' has max_concurrency=3, which Amazon ECS does not have" in capsys.readouterr().err


def test_other_targets_are_as_they_were(ecs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Layers of other executors run where they ran."""
    (ecs / "flow.py").write_text((FLOW % 0).replace("executor=Ecs(), ", ""))
    document = _document(capsys)
    assert set(document["resource"]["aws_batch_job_definition"]) == {"fargate"}
    assert "aws_ecs_task_definition" not in document["resource"]


def test_who_deploys_may_make_its_resources(ecs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The calls for its types of resources are the kind's own."""
    (ecs / "flow.py").write_text(FLOW % 0)
    policies = _document(capsys, "--emit", "deployer-policy")
    granted = {action for item in policies["apply"]["Statement"] for action in item["Action"]}
    assert "ecs:RegisterTaskDefinition" in granted
    assert "batch:RegisterJobDefinition" not in granted


def test_kinds_share_a_role_and_a_log_group(ecs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of the tasks are declared once, whatever kinds of targets have them."""
    (ecs / "flow.py").write_text((FLOW % 0).replace("executor=Ecs(), foreach", "foreach"))
    assert main(["--emit", "hcl", "flow.py"]) == 0
    document = capsys.readouterr().out
    assert document.count('resource "aws_iam_role" "task"') == 1
    assert document.count('resource "aws_cloudwatch_log_group" "tasks"') == 1
    assert document.count('output "task_role_arn"') == 1
    assert 'resource "aws_batch_job_definition"' in document
    assert 'resource "aws_ecs_task_definition"' in document


def test_a_queue_may_follow_from_a_layer(ecs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job queue that its kind does not list is an input of the document, too: a target may name any."""
    big = Queue("big_job_queue_arn", "EC2", "large tasks")
    monkeypatch.setattr(EcsTarget, "queue", lambda *_: big)
    (ecs / "flow.py").write_text(FLOW % 0)
    compilation = compile_flow("flow.py")
    assert compilation.deployment.queues == (big,)
    assert "big_job_queue_arn" in {variable.name for variable in compilation.document.variables}


def test_permissions_are_computed_once(ecs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compilation asks for the permissions of a role once: the check of their length and the document share them."""
    asked: list[Deployment] = []

    def counted(deployment: Deployment) -> Fitted:
        asked.append(deployment)
        return for_tasks(deployment)

    kind = attrs.evolve(registry.TARGETS[-1], permissions={"task": counted})
    monkeypatch.setattr(registry, "TARGETS", (*registry.TARGETS[:-1], kind))
    (ecs / "flow.py").write_text(FLOW % 0)
    compile_flow("flow.py")
    assert len(asked) == 1

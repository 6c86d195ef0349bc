"""The classes that name each other: modules import them for their type annotations only, which loads nothing.

Imports at run time go one way, and import-linter sees to that. It does not look at imports under ``TYPE_CHECKING``, so
these are listed here: a new one is a decision. The compiler's face, ``laminar_codegen/__init__.py``, names all that it
exports so, to import it on use: tests/unit/test_public_names.py has that list.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import laminar_codegen
import laminar_runtime
from tests.support.sources import nodes_of

#: What is imported for annotations, by those who are below its module.
NAMED = {
    "laminar_codegen.planning.choose_targets": {"Choice"},
    "laminar_codegen.planning.profile": {"Profile"},
    "laminar_codegen.rehearsal.aws.batch_api": {"BatchApi"},
    "laminar_codegen.rehearsal.aws.bucket_policies": {"S3Api"},
    "laminar_codegen.rehearsal.aws.event_bus": {"EventBus"},
    "laminar_codegen.rehearsal.aws.lambda_api": {"LambdaApi"},
    "laminar_codegen.rehearsal.aws.log_queries": {"LogQueries"},
    "laminar_codegen.rehearsal.aws.topics": {"TopicsApi"},
    "laminar_codegen.rehearsal.aws.own_services": {"Service"},
    "laminar_codegen.rehearsal.aws.parameters": {"ParametersApi"},
    "laminar_codegen.rehearsal.aws.role_checks": {"JobRoles"},
    "laminar_codegen.rehearsal.aws.step_functions": {"StepFunctions"},
    "laminar_runtime.configurations.datastores": {"DataStore"},
    "laminar_runtime.configurations.datastores.accessor": {"Accessor"},  # a task that reads no splits needs none
    "laminar_runtime.configurations.datastores.base": {"DataStore"},
    "laminar_runtime.configurations.datastores.memory": {"Memory"},  # nor this one
    "laminar_runtime.configurations.datastores.s3": {"AWS"},
    "laminar_runtime.configurations.datastores.s3_objects": {"Objects"},
    "laminar_runtime.configurations.executors": {"Executor"},
    # A task needs no executor, and its layer has no hooks, as a rule.
    "laminar_runtime.configurations.executors.aws": {"AWS"},
    "laminar_runtime.configurations.executors.base": {"Executor"},
    "laminar_runtime.configurations.executors.docker": {"Docker"},
    "laminar_runtime.configurations.executors.process": {"Process"},
    "laminar_runtime.configurations.executors.tasks": {"Permit"},
    "laminar_runtime.configurations.executors.thread": {"Thread"},
    "laminar_runtime.configurations.hooks": {"annotation", "condition", "event"},
    "laminar_runtime.configurations.hooks.condition": {"entry"},
    "laminar_runtime.configurations.hooks.event": {"execution", "retry", "submission"},
    "laminar_runtime.configurations.planners": {"Planner"},  # few programs configure one
    "laminar_runtime.configurations.schedulers": {"Scheduler"},
    "laminar_runtime.configurations.volumes": {"EFS", "Host", "Volume"},  # most containers mount none
    # A handle of an execution has its deployment, which returns handles.
    "laminar_runtime.causes.objects": {"S3Objects"},
    "laminar_runtime.costs": {"Cost"},
    "laminar_runtime.deployed.deployment": {"Deployment"},
    "laminar_runtime.deployed.execution": {"DeployedExecution"},
    "laminar_runtime.execution": {"Execution"},
    "laminar_runtime.failures.record": {"Failures"},
    "laminar_runtime.flow": {"Flow"},
    "laminar_runtime.handles": {"Status"},
    "laminar_runtime.inputs.shapes": {"Shape"},  # flows without typed parameters do not load it
    "laminar_runtime.layer": {"Layer"},
    "laminar_runtime.storage.commits": {"Commit"},
    "laminar_runtime.storage.failures": {"Readable"},
    "laminar_runtime.tasks.joins": {"each"},  # few layers join splits
    "laminar_runtime.tasks.pipelines": {"Guard"},
    "laminar_runtime.timings": {"Timings"},
}


def test_only_classes_that_name_each_other() -> None:
    found: dict[str, set[str]] = {}
    face = Path(str(laminar_codegen.__file__))
    for package in (laminar_runtime, laminar_codegen):
        for file in Path(str(package.__file__)).parent.rglob("*.py"):
            if file == face:
                continue
            for statement in _imports_of_types(file):
                module = str(statement.module)
                found.setdefault(module, set()).update(name.name for name in statement.names)
    own = {module: names for module, names in found.items() if module.startswith("laminar_")}
    assert own == NAMED


def _imports_of_types(file: Path) -> Iterator[ast.ImportFrom]:
    for node in nodes_of(file, ast.If):
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            yield from (statement for statement in node.body if isinstance(statement, ast.ImportFrom))


def test_protocols() -> None:
    """Each protocol of the runtime has several kinds that share no code. None hides a cycle of imports."""
    found = {
        node.name
        for file in Path(str(laminar_runtime.__file__)).parent.rglob("*.py")
        for node in nodes_of(file, ast.ClassDef)
        if "Protocol" in map(ast.unparse, node.bases)
    }
    assert found == {
        "Transport",  # memory, files, S3; a test's own
        "Objects",  # S3 by obstore and by boto3
        "Shelf",  # files and a bucket, for who removes old executions
        "Starter",  # processes of splits: started anew, or forked
        "ExecutionHandle",  # an execution on this machine, one that is rehearsed, and a deployed one
        "Readable",  # the parts of a transport that reading failures takes, and objects in S3 without a datastore
        "Target",  # a flow on this machine, its deployment, one that is rehearsed
        "Writable",  # the same parts of a transport for writing notes on runs, for a layer that knows no datastores
        "JsonProtocol",  # of serde.Protocol, which is how values are serialised
        "PickleProtocol",  # the same
        "Processes",  # of packs: forked from one that has the flow, or started anew
    }

"""What users import: every name of the contract's table, and no other by accident."""

from __future__ import annotations

import importlib.util

import pytest

import laminar_codegen
import laminar_runtime
from laminar_runtime.configurations.datastores import Memory
from laminar_runtime.configurations.executors import Thread
from tests.support.harness import Folder

PUBLIC = {
    "laminar_codegen": [
        "Compilation",
        "CompileError",
        "Deployment",
        "Document",
        "Location",
        "Module",
        "Problem",
        "Scheduling",
        "compile_flow",
        "render_document",
        "render_hcl",
    ],
    "laminar_runtime": [
        "Execution",
        "Flow",
        "Layer",
        "LayerRun",
        "ListVariable",
        "Parameters",
        "Variable",
        "__version__",
        "each",
    ],
    "laminar_runtime.artifacts": ["Archive", "Artifact", "LayerKey", "Record"],
    "laminar_runtime.configurations.datastores": [
        "AWS",
        "Accessor",
        "Archive",
        "Artifact",
        "DataStore",
        "Local",
        "Memory",
        "Record",
        "from_root",
    ],
    "laminar_runtime.configurations.executors": ["AWS", "Docker", "Executor", "Process", "Thread"],
    "laminar_runtime.configurations.hooks": [
        "annotation",
        "condition",
        "entry",
        "event",
        "execution",
        "retry",
        "submission",
    ],
    "laminar_runtime.configurations.networks": ["Network"],
    "laminar_runtime.configurations.planners": ["AWS", "Planner"],
    "laminar_runtime.configurations.layers": [
        "Catch",
        "Configuration",
        "Container",
        "EFS",
        "ForEach",
        "Host",
        "Parameter",
        "Retry",
        "State",
    ],
    "laminar_runtime.configurations.schedulers": ["AWS", "Delegated", "Scheduler"],
    "laminar_runtime.configurations.serde": ["JsonProtocol", "PickleProtocol", "Protocol", "dtype"],
    "laminar_runtime.configurations.operations": ["Alarms", "Flag", "LEVELS", "Logs", "Notifications"],
    "laminar_runtime.configurations.triggers": [
        "After",
        "EXECUTION_ID",
        "Event",
        "FromEvent",
        "ObjectCreated",
        "Placeholder",
        "SCHEDULED_TIME",
        "Schedule",
        "Trigger",
    ],
    "laminar_runtime.deployed": [
        "DeployedExecution",
        "Deployment",
        "execution",
        "find",
        "from_terraform",
        "parameter_name",
    ],
    "laminar_runtime.deployed.aio": ["AsyncDeployment", "AsyncExecution", "execution", "find", "from_terraform"],
    "laminar_runtime.exceptions": [
        "AbortedError",
        "AccessDeniedError",
        "AssignmentError",
        "DamagedError",
        "DatastoreError",
        "DeploymentError",
        "ExecutionError",
        "ExecutionFailedError",
        "FlowError",
        "LaminarError",
        "LayerError",
        "MissingError",
        "NotFoundError",
        "SchedulerError",
        "StartedBeforeError",
        "StillRunningError",
        "SubmissionError",
        "TaskError",
        "ThrottledError",
        "TimeLimitError",
        "UnfinishedError",
        "UnsetError",
        "WaitTimeoutError",
    ],
    "laminar_runtime.settings": ["TaskContext", "current"],
    "laminar_runtime.testing": ["fail_flow", "fail_layer", "run_flow", "run_layer", "shards", "splits"],
    "laminar_runtime.types": ["Hint", "dependencies", "hints", "resolve", "unwrap"],
}


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names_are_pinned(module: str) -> None:
    """A public module exports exactly the names that are written down here, and has all of them."""
    imported = importlib.import_module(module)
    assert sorted(imported.__all__) == PUBLIC[module]
    assert all(hasattr(imported, name) for name in imported.__all__)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("laminar_runtime.configurations.datastores", "AWS.S3"),
        ("laminar_runtime.configurations.executors", "AWS.Auto"),
        ("laminar_runtime.configurations.executors", "AWS.Batch"),
        ("laminar_runtime.configurations.executors", "AWS.Lambda"),
        ("laminar_runtime.configurations.schedulers", "AWS.StepFunctions"),
    ],
)
def test_names_of_aws_are_attributes_of_aws(module: str, name: str) -> None:
    """What is on AWS is found below ``AWS``."""
    outer, inner = name.split(".")
    assert isinstance(getattr(getattr(importlib.import_module(module), outer), inner), type)


@pytest.mark.integration
@pytest.mark.parametrize("heavy", ["boto3", "botocore", "laminar_codegen", "moto", "cloudpickle", "asyncio"])
def test_import_is_light(heavy: str, folder: Folder) -> None:
    """Importing the package loads neither AWS nor the compiler nor what only a run needs."""
    code = f"""
    import sys, laminar_runtime
    from laminar_runtime.configurations import datastores, executors, hooks, layers, schedulers, serde
    print({heavy!r} in sys.modules)
    """
    assert folder.run(code) == "False"


@pytest.mark.integration
@pytest.mark.parametrize(
    "seldom",
    [
        "hashlib",
        "laminar_runtime.configurations.datastores.memory",
        "laminar_runtime.configurations.executors.base",
        "laminar_runtime.configurations.hooks.event",
        "laminar_runtime.failures.tracebacks",
        "laminar_runtime.pipelines",
        "laminar_runtime.process.prompts",
        "laminar_runtime.splits.job_container",
        "laminar_runtime.tasks.joins",
        "pickle",
    ],
)
def test_what_is_seldom_needed_is_loaded_on_use(seldom: str, folder: Folder) -> None:
    """Importing the package, which each task does, loads nothing that most tasks go without."""
    assert importlib.util.find_spec(seldom) is not None
    assert folder.run(f"import sys, laminar_runtime; print({seldom!r} in sys.modules)") == "False"


@pytest.mark.integration
def test_import_compiles_no_pattern(folder: Folder) -> None:
    """Patterns are compiled when they are used: to compile those of all modules would take longer than to load them."""
    code = """
    import json, re, typing

    compiled = []
    re.compile = lambda *given: compiled.append(given)
    import laminar_runtime
    from laminar_runtime.configurations import datastores, executors, hooks, layers, serde
    print(compiled)
    """
    assert folder.run(code) == "[]"


def test_a_layer_of_an_execution_is_a_layer_run() -> None:
    """What an execution gives by name, by class or in a list has one type, for code that reads layers of any flow."""

    class Report(laminar_runtime.Flow): ...

    @Report.register
    class Load(laminar_runtime.Layer):
        def __call__(self) -> None:
            self.rows = 3

    execution = Report(datastore=Memory(), executor=Thread())()
    for run in (execution.layer("Load"), execution.layer(Load), *execution.datastore.list_layers(execution=execution)):
        assert isinstance(run, laminar_runtime.LayerRun)
    assert [(run.name, run.state.finished, run.rows) for run in (execution.layer("Load"),)] == [("Load", True, 3)]


def test_all_errors_have_one_base() -> None:
    """Whoever catches `LaminarError` catches every error of ours."""
    exceptions = importlib.import_module("laminar_runtime.exceptions")
    assert all(issubclass(getattr(exceptions, name), exceptions.LaminarError) for name in exceptions.__all__)


def test_names_of_the_compiler_are_found_on_use() -> None:
    """Each exported name has a module, and each module is of an exported name."""
    assert sorted(laminar_codegen._MODULES) == sorted(laminar_codegen.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'compile_floe'"):
        _ = laminar_codegen.compile_floe  # type: ignore[attr-defined] # it is misspelt

"""Starts of deployed flows: once for an id, and never with other parameters than those of the first start."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from laminar_runtime import Execution, Flow, Layer, Parameters, _records
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.deployed.deployment import Deployment
from laminar_runtime.exceptions import FlowError, StartedBeforeError
from laminar_runtime.storage.layout import input_key


class Report(Flow): ...


@Report.register
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None: ...


class TakenError(ClientError): ...


class Machines:
    """A Step Functions that starts one execution of a name."""

    exceptions = SimpleNamespace(ExecutionAlreadyExists=TakenError)

    def __init__(self) -> None:
        self.inputs: dict[str, dict[str, Any]] = {}

    def start_execution(self, *, name: str, input: str, **_: str) -> None:  # noqa: A002 - the API's name
        if name in self.inputs:
            raise TakenError({"Error": {"Code": "ExecutionAlreadyExists"}}, "StartExecution")
        self.inputs[name] = json.loads(input)

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803 - the API's name
        return {"status": "RUNNING", "input": json.dumps(self.inputs[executionArn.rpartition(":")[2]])}


@pytest.fixture
def machines() -> Machines:
    return Machines()


@pytest.fixture
def deployment(machines: Machines) -> Deployment:
    found = Deployment("report", "arn:aws:states:eu-west-1:123456789012:stateMachine:report", "s3://bucket")
    found.__dict__["clients"] = lambda _: machines
    return found


@pytest.fixture
def flow(deployment: Deployment) -> Report:
    """The flow of the deployment, whose datastore is the memory of this process."""
    made = Report(datastore=datastores.Memory(), executor=executors.Thread())
    made._keep_in(made.configuration.datastore)
    made.configuration.scheduler = AWS.StepFunctions.of(deployment, "Report")
    return made


def parameters_of(execution: Execution) -> dict[str, Any]:
    layer = execution.layer("Parameters")
    return {name: getattr(layer, name) for name in execution.datastore.list_artifacts(layer=layer)}


def store_input(flow: Report, machines: Machines, name: str) -> None:
    """Do what the first state of a state machine does."""
    flow.datastore.transport.put(input_key("Report", name), json.dumps(machines.inputs[name]).encode())


SCHEMA = {
    "type": "object",
    "properties": {
        "day": {"type": "string", "format": "date"},
        "rows": {"type": "array", "items": {"type": "integer", "minimum": -9, "maximum": 9}},
        "form": {"enum": ["page", "table"]},
        "part": {
            "type": "object",
            "properties": {"a": {"type": "boolean"}},
            "required": ["a"],
            "additionalProperties": False,
        },
        "key": {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]},
        "pair": {"type": "array", "prefixItems": [{"type": "number"}, {}], "minItems": 2, "maxItems": 2},
    },
    "required": ["day"],
    "additionalProperties": False,
}


@pytest.fixture
def typed(deployment: Deployment, machines: Machines) -> Deployment:
    """The deployment of a flow that declares its parameters."""
    found = _records.evolve(deployment, schema=json.dumps(SCHEMA))
    found.__dict__["clients"] = lambda _: machines
    return found


def test_wrong_parameters_start_nothing(typed: Deployment, machines: Machines) -> None:
    """One error has all that is wrong: names, types, and what is missing, at any depth."""
    given = {"dya": 1, "rows": [1, "x", 10], "form": "pge", "part": {"b": 1}, "key": "?", "pair": [1]}
    with pytest.raises(FlowError) as refused:
        typed.start(given, id="a")
    assert str(refused.value).partition(" cannot be started: ")[2].split("; ") == [
        "parameter 'dya' is unknown. Did you mean 'day'?",
        "parameter 'day' is missing: it must be text such as \"2026-01-31\"",
        "parameter 'rows[1]' must be a whole number, not 'x'",
        "parameter 'rows[2]' must be a whole number from -9 to 9, not 10",
        "parameter 'form' must be one of 'page', 'table', not 'pge'",
        "parameter 'part' lacks fields: a",
        "parameter 'part' has unknown fields: b",
        "parameter 'key' must be text of hexadecimal digits or null, not '?'",
        "parameter 'pair' must be a list of 2 items, not [1]",
    ]
    with pytest.raises(FlowError, match="parameter 'day' is missing"):
        typed.start(id="b")
    with pytest.raises(FlowError, match="not '2026-02-30'"):
        typed.start({"day": "2026-02-30"}, id="c")
    assert machines.inputs == {}


def test_right_parameters_start(typed: Deployment, machines: Machines) -> None:
    """Values that become JSON of the types are right: tuples, and whole numbers with a point."""
    typed.start({"day": "2026-01-31", "rows": (1, 2.0), "part": {"a": True}, "key": None, "pair": (1, "?")}, id="a")
    assert machines.inputs["a"]["parameters"]["rows"] == [1, 2.0]


def test_values_that_are_no_json_are_said_once(typed: Deployment) -> None:
    """What is not JSON has no type of a schema."""
    with pytest.raises(FlowError, match=r"cannot be started: its parameters are not JSON: [^;]*$"):
        typed.start({"day": object()})


def test_a_start_is_idempotent_by_its_id(deployment: Deployment, machines: Machines) -> None:
    """With the same parameters nothing happens, whatever the tags are; with others nothing happens either, loudly."""
    first = deployment.start({"day": 1}, id="e1", tags={"team": "risk"})
    assert machines.inputs["e1"] == {"parameters": {"day": 1}, "tags": {"team": "risk"}, "started_by": "application"}
    assert deployment.start({"day": 1}, id="e1") == first
    with pytest.raises(StartedBeforeError, match="execution e1 of 'report' was started before with other parameters"):
        deployment.start({"day": 2}, id="e1")
    assert machines.inputs["e1"]["parameters"] == {"day": 1}
    assert deployment.start().id != deployment.start().id


def test_a_starter_with_other_values_changes_nothing(flow: Report, machines: Machines) -> None:
    """Of two starters with one id and different parameters, the one that Step Functions took decides."""
    first = flow("e1", day={1, 2})
    store_input(flow, machines, "e1")
    with pytest.raises(StartedBeforeError):
        flow("e1", day={3})
    assert parameters_of(first) == {"day": {1, 2}}
    assert flow("e1", day={1, 2}).id == "e1"


def test_a_starter_that_comes_second_to_one_without_code(
    flow: Report, deployment: Deployment, machines: Machines
) -> None:
    """The execution runs with the parameters in its input, though nothing has stored them when the other one comes."""
    deployment.start({"day": 1}, id="e1")
    with pytest.raises(StartedBeforeError):
        flow("e1", day=2)
    assert parameters_of(flow.execution("e1")) == {"day": 1}
    assert flow("e1", day=1).id == "e1"


def test_a_starter_without_code_that_comes_second(flow: Report, deployment: Deployment, machines: Machines) -> None:
    """Parameters in JSON cannot be compared with values of any type, so the id is refused."""
    flow("e1", day=1)
    with pytest.raises(StartedBeforeError):
        deployment.start({"day": 1}, id="e1")
    assert "parameters" not in machines.inputs["e1"]


def test_a_starter_that_dies_before_it_commits(
    flow: Report, machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tasks take the parameters by their digests in the input; before the start, nothing is the execution's own."""

    def die(**_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(machines, "start_execution", die)
        with pytest.raises(KeyboardInterrupt):
            flow("e1", day=1)
    assert not flow.execution("e1").layer("Parameters").state.finished
    flow("e1", day=2)
    assert parameters_of(flow.execution("e1")) == {"day": 2}


def test_tasks_take_parameters_by_their_digests(flow: Report, machines: Machines) -> None:
    """The input names them, so that the tasks of an execution whose starter died find them."""
    execution = flow("e1", day=(1, 2))
    store_input(flow, machines, "e1")
    record = execution.key("Parameters").record
    del flow.datastore.workspace[record]  # type: ignore[attr-defined]
    assert flow.execution("e1").layer("Parameters").day == (1, 2)
    assert record in flow.datastore.workspace  # type: ignore[attr-defined]


def test_an_id_of_which_step_functions_knows_nothing_any_more(flow: Report, machines: Machines) -> None:
    """After 90 days a name is free again, but the parameters in the datastore stay: the start is refused."""
    flow("e1", day=1)
    machines.inputs.clear()
    with pytest.raises(StartedBeforeError):
        flow("e1", day=2)
    assert machines.inputs == {}


@pytest.mark.parametrize(
    ("tags", "flaw"),
    [
        ({"aws:x": "1"}, "cannot have the key 'aws:x'"),
        ({"laminar:flow": "1"}, "jobs have tags of this prefix already"),
        ({"x": 1}, "the tag 'x' is 1, not text"),
        ({"x": "a" * 257}, "must have at most 256"),
        ({f"x{number}": "" for number in range(48)}, "it has 48 tags, but a job has at most 50"),
    ],
)
def test_tags_that_no_job_can_have(deployment: Deployment, machines: Machines, tags: Any, flaw: str) -> None:
    """They are refused before the start, with all that is wrong."""
    with pytest.raises(FlowError, match=rf"cannot be started: .*{flaw}.*; its parameters are not JSON"):
        deployment.start({"x": object()}, tags=tags)
    assert machines.inputs == {}


def test_an_input_that_is_too_large(deployment: Deployment) -> None:
    """Step Functions would refuse it without saying that a key of an object would do."""
    with pytest.raises(FlowError, match="its input has 262,198 bytes, but at most 262,144 are allowed"):
        deployment.start({"x": "a" * 262_144})


def test_with_the_code_values_are_of_any_type(flow: Report, deployment: Deployment, machines: Machines) -> None:
    """Who has the flow's code starts it with any values, and with tags."""
    bound = Deployment("report", deployment.state_machine_arn, "s3://bucket", flow=flow)
    execution = bound.start({"day": {1}}, id="e1", tags={"team": "risk"})
    assert machines.inputs["e1"]["tags"] == {"team": "risk"}
    assert parameters_of(flow.execution(execution.id)) == {"day": {1}}

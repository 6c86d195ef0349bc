"""The fixture that rehearses flows."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from laminar_codegen.rehearsal.testing import Rehearsals, rehearse  # noqa: F401 - a fixture
from laminar_runtime.exceptions import ExecutionFailedError

FLOW = """
from laminar_runtime import Flow, Layer, Parameters, Variable
from laminar_runtime.configurations.layers import Container, ForEach, Parameter
from laminar_runtime.configurations.schedulers import AWS


class {name}(Flow): ...


@{name}.register
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.shard(rows=range(parameters.number))


@{name}.register(foreach=ForEach([Parameter(Load, "rows")]))
class Train(Layer):
    def __call__(self, load: Load, parameters: Parameters) -> None:
        if load.rows == parameters.bad:
            raise ValueError(f"row {{load.rows}}")
        self.weight = 2 * load.rows


flow = {name}(scheduler=AWS.StepFunctions())
if __name__ == "__main__" and flow:
    flow()
"""


@pytest.fixture(scope="module", autouse=True)
def _leave_nothing() -> Iterator[None]:
    """Other tests of this process find its environment and its modules as they were: the fixture is the session's."""
    environment, modules = dict(os.environ), {*sys.modules}
    yield
    os.environ.clear()
    os.environ.update(environment)
    for name in {"flow", "other"} - modules:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a flow's file."""
    path = tmp_path_factory.mktemp("flows") / "flow.py"
    path.write_text(FLOW.format(name="Report"))
    return path


def test_a_flow_that_succeeds(rehearse: Rehearsals, file: Path) -> None:  # noqa: F811 - the fixture
    """Its artifacts are those of the deployed flow, in the datastore of the embedded AWS."""
    execution = rehearse(file, number=3, bad=None)
    assert [*execution.layer("Train").weight] == [0, 2, 4]
    assert not execution.failures()


def test_a_flow_that_fails(rehearse: Rehearsals, file: Path) -> None:  # noqa: F811 - the fixture
    """The error has the failures, of layer and split. The same AWS serves all tests of the module."""
    with pytest.raises(ExecutionFailedError, match="ValueError: row 1") as error:
        rehearse(file, number=3, bad=1)
    (failure,) = error.value.failures
    assert (failure.layer, failure.index, failure.splits, failure.error_class) == ("Train", 1, 3, "ValueError")
    machines = rehearse.client(file, "stepfunctions").list_state_machines()["stateMachines"]
    assert [machine["name"] for machine in machines] == ["Report"]


def test_an_application(rehearse: Rehearsals, file: Path) -> None:  # noqa: F811 - the fixture
    """It finds the deployment by its name in the environment, and starts it without the flow's code."""
    from laminar_runtime import deployed

    deployment = rehearse.deployment(file)
    assert deployment.name == "Report"
    handle = deployed.find("Report").start({"number": 1, "bad": None}, id="by-name")
    handle.wait(timeout=60)
    assert rehearse.start(file, number=2, bad=None).wait().layer("Load").state.finished


def test_several_flows(rehearse: Rehearsals, file: Path) -> None:  # noqa: F811 - the fixture
    """One embedded AWS runs at a time, that of the last call. A file may have several flows, too."""
    other = file.parent / "other.py"
    other.write_text(FLOW.format(name="Other"))
    before = os.environ["AWS_ENDPOINT_URL"]
    assert rehearse(f"{other}:Other", number=1, bad=None).layer("Train").weight == 0
    assert os.environ["AWS_ENDPOINT_URL"] != before
    rehearse.close()
    assert "AWS_ENDPOINT_URL" not in os.environ

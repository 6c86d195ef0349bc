"""One flow with a bit of everything gives the same on every datastore and executor."""

from __future__ import annotations

from pathlib import Path

import pytest

from laminar_runtime.configurations import datastores, executors
from laminar_runtime.configurations.datastores import DataStore
from tests.support.flows import Caught, Chained, Grid, Numbers, Skipped, Suite, Total


@pytest.fixture(params=["Local Thread", "Local Process", "Memory Thread", "S3 Thread", "S3 Process"])
def flow(request: pytest.FixtureRequest, tmp_path: Path) -> Suite:
    """The flow on each datastore, run by each executor that works with it."""
    store, runner = request.param.split()
    datastore: DataStore
    if store == "Memory":
        datastore = datastores.Memory()
    elif store == "Local":
        datastore = datastores.Local(tmp_path)
    else:
        datastore = datastores.AWS.S3(root=request.getfixturevalue("s3_root"))
    return Suite(datastore=datastore, executor=getattr(executors, runner)(concurrency=3))


def test_suite(flow: Suite) -> None:
    """Parameters, shards, grids, chains, skips, caught errors and retries all come together in the last layer."""
    execution = flow("e1", n=2)
    total = execution.layer(Total)
    assert total.cells == ["0a", "0b", "1a", "1b"]
    assert total.places == [(index, 4, index, 4) for index in range(4)]
    assert total.shouts == ["0A", "0B", "1A", "1B"]
    assert total.rest == (2, 2)
    assert execution.layer(Grid).cell[-1] == "1b"
    assert execution.layer(Chained).shout[1:3] == ["0B", "1A"]
    assert execution.layer(Numbers).plain == "plain"
    assert not hasattr(execution.layer(Caught), "after")
    assert not execution.layer(Skipped).state.finished
    assert [found.id for found in flow.datastore.list_executions(flow=execution.flow)] == ["e1"]
    layers = ["Caught", "Chained", "Flaky", "Grid", "Numbers", "Parameters", "Total"]
    assert flow.datastore.list_layers(execution=execution) == layers
    assert flow.datastore.list_artifacts(layer=execution.layer(Grid)) == ["cell", "place"]
    assert execution.resume().layer(Total).cells == total.cells

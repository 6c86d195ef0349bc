"""The functions and fixtures for tests of flows."""

from __future__ import annotations

import time
from typing import Any

import pytest

from laminar_runtime import Flow, Layer, Parameters, testing
from laminar_runtime.configurations import datastores, executors, hooks
from laminar_runtime.configurations.layers import Catch, Container, ForEach, Parameter, Retry
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.configurations.serde import Protocol
from laminar_runtime.exceptions import FlowError
from laminar_runtime.testing import fail_flow, fail_layer, run_flow, run_layer, shards, splits


class Report(Flow): ...


@Report.register(executor=executors.AWS.Lambda())
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.shard(rows=range(parameters.number))


@Report.register(
    foreach=ForEach([Parameter(Load, "rows")]),
    retry=Retry(attempts=2, delay=60),
    container=Container(memory=4096),
)
class Train(Layer):
    def __call__(self, load: Load, parameters: Parameters) -> None:
        if load.rows == parameters.bad:
            raise ValueError(f"row {load.rows} on attempt {self.attempt}")
        self.weight = 2 * load.rows

    @hooks.submission
    def grow(self) -> None:
        self.configuration.container.memory *= 2


@Report.register
class Score(Layer):
    def __call__(self, train: Train, parameters: Parameters) -> None:
        self.total = sum([*train.weight])
        self.best = parameters.best


@Report.register(catch=Catch(KeyError))
class Publish(Layer):
    def __call__(self, score: Score) -> None:
        self.text = f"{score.total}"
        raise KeyError("caught")


@Report.register
class Archive(Layer):
    def __call__(self, publish: Publish) -> None:
        self.done = True

    @hooks.entry
    def enters(self, score: Score) -> bool:
        return bool(score.total > 4)


def test_a_flow_runs_in_memory() -> None:
    """Whatever its executors, its scheduler and its datastore are."""
    flow = Report(scheduler=AWS.StepFunctions(), datastore=datastores.AWS.S3("s3://nowhere"))
    for one in (Report, flow):
        execution = run_flow(one, number=3, bad=None, best=1)
        assert (execution.layer(Score).total, execution.layer("Publish").text) == (6, "6")
        assert execution.layer(Archive).done
    assert not run_flow(Report, number=2, bad=None, best=1).layer(Archive).state.finished


def test_the_flow_itself_is_as_before() -> None:
    """A test changes neither the class nor the object that it was given."""
    flow = Report()
    before = (flow.configuration, flow.registry["Train"].configuration.retry)
    run_flow(flow, number=2, bad=None, best=1)
    assert (flow.configuration, flow.registry["Train"].configuration.retry) == before
    assert isinstance(flow.registry["Load"].configuration.executor, executors.AWS.Lambda)


def test_a_flow_that_fails() -> None:
    """Its error reaches the test; or its failures do. Nobody waits a minute between attempts."""
    began = time.monotonic()
    with pytest.raises(ValueError, match="row 1 on attempt 2") as caught:
        run_flow(Report, number=3, bad=1, best=1)
    assert caught.value.__notes__ == [
        "layer 'Train' (split 1 of 0 to 2) of flow 'Report' failed on attempt 2 of execution test"
    ]
    (failure,) = fail_flow(Report, number=3, bad=1, best=1)
    assert (failure.layer, failure.index, failure.splits, failure.attempt) == ("Train", 1, 3, 2)
    assert (failure.error_class, failure.message) == ("ValueError", "row 1 on attempt 2")
    assert time.monotonic() - began < 30
    with pytest.raises(AssertionError, match="flow 'Report' was expected to fail, and succeeded"):
        fail_flow(Report, number=2, bad=None, best=1)


def test_one_layer() -> None:
    """It gets what the test gives: of a fan-out one value for each split, and of others what they assigned."""
    score = run_layer(Report, Score, {Train: {"weight": splits([1, 2, 4])}}, best=7)
    assert (score.total, score.best) == (7, 7)
    assert run_layer(Report, "Publish", {"Score": {"total": 5}}).text == "5"


def test_one_layer_that_fans_out() -> None:
    """All of its splits run, each with its item."""
    train = run_layer(Report, Train, {Load: {"rows": shards([5, 6])}}, bad=None)
    assert [*train.weight] == [10, 12]
    assert run_layer(Report, Train, {Load: {"rows": shards([5])}}, bad=None).weight == 10
    (failure,) = fail_layer(Report, Train, {Load: {"rows": shards([5, 6])}}, bad=6)
    assert (failure.index, failure.message) == (1, "row 6 on attempt 2")


def test_one_layer_that_is_skipped() -> None:
    """Its entry hooks decide; without one, it needs the layers that it depends on."""
    assert not run_layer(Report, Archive, {Score: {"total": 4}}).state.finished
    assert run_layer(Report, Archive, {Score: {"total": 5}}).done
    assert not run_layer(Report, Publish, {Score: None}).state.finished


def test_what_was_not_given() -> None:
    """The error says so, as that of a layer that finished without it."""
    with pytest.raises(AttributeError, match="total"):
        run_layer(Report, Publish)
    with pytest.raises(FlowError, match=r"flow 'Report' has no layer 'Lode'. Its layers: Archive, Load, Publish"):
        run_layer(Report, Publish, {"Lode": {}})
    with pytest.raises(FlowError, match=r"'Train' have different numbers of splits: \[1, 2\]"):
        run_layer(Report, Score, {Train: {"weight": splits([1]), "loss": splits([1, 2])}})


def test_an_error_of_the_declaration_is_no_failure() -> None:
    """A test that expects a failure does not pass for a flow that cannot run."""

    class Broken(Flow): ...

    @Broken.register
    class Only(Layer):
        def __call__(self, other: Unregistered) -> None: ...

    with pytest.raises(Exception, match="Unregistered"):
        fail_flow(Broken)


class Unregistered(Layer): ...


class Upper(Protocol):
    """Stores texts in capitals."""

    def dumps(self, value: Any) -> bytes:
        """Return the bytes."""
        return str(value).upper().encode()

    def loads(self, content: bytes) -> str:
        """Return the text."""
        return content.decode()


def test_protocols_of_the_datastore_apply() -> None:
    """Artifacts are stored as the flow stores them, so that a type that cannot be stored fails a test."""

    class Texts(Flow): ...

    @Texts.register
    class Say(Layer):
        def __call__(self) -> None:
            self.text = "hello"

    store = datastores.Local()
    store.protocol(str)(Upper)
    assert run_flow(Texts(datastore=store)).layer(Say).text == "HELLO"


def test_fixtures(request: pytest.FixtureRequest) -> None:
    """A ``conftest.py`` opts into them by `pytest_plugins`; docs/how-to/test-a-flow.md runs with one."""
    plugin = testing
    request.config.pluginmanager.register(plugin, "laminar_runtime.testing")
    try:
        functions = [request.getfixturevalue(name) for name in ("run_flow", "fail_flow", "run_layer", "fail_layer")]
    finally:
        request.config.pluginmanager.unregister(plugin)
    assert functions == [run_flow, fail_flow, run_layer, fail_layer]

"""The public classes as strict type checkers see them: what is right is, and what is wrong is an error."""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator
from functools import cached_property
from typing import Any, assert_type

from laminar_runtime import Execution, Flow, Layer, Parameters
from laminar_runtime.configurations import datastores, executors, hooks, serde
from laminar_runtime.configurations.layers import Catch, Container, ForEach, Parameter, Retry
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.settings import current
from laminar_runtime.types import hints, unwrap


class Team:
    def __init_subclass__(cls, team: str, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)


class Nightly(Team, Flow, team="data"):
    def __init__(self, *, day: str, **options: Any) -> None:
        super().__init__(**options)
        self.day = day

    @hooks.execution
    def watch(self, parameters: Parameters) -> Generator[None, None, None]:
        self.opened = str(parameters.day)
        yield


datastore = datastores.Memory()


@datastore.protocol(str)
class Text(serde.Protocol):
    def dumps(self, value: str) -> bytes:
        return value.encode()

    def loads(self, stream: bytes) -> str:
        return stream.decode()


@Nightly.register
class Load(Layer):
    rows: int = 0
    names: list[str]

    def __call__(self) -> None:
        self.rows += 1
        self.names = []


@Nightly.register(
    container=Container(cpu=0.5, memory=2048, secrets={"TOKEN": "arn:aws:ssm:eu-west-1:123456789012:parameter/token"}),
    foreach=ForEach(parameters=[Parameter(layer=Load, attribute="names", index=None)]),
    retry=Retry(attempts=2),
    catch=Catch(OSError, ValueError),
    executor=executors.AWS.Batch(platform="EC2"),
)
class Clean(Layer):
    @property
    def size(self) -> int:
        return 2 * self._size

    @size.setter
    def size(self, value: int) -> None:
        self._size = value

    @cached_property
    def client(self) -> object:
        return object()

    @hooks.entry
    def enter(self, load: Load, parameters: Parameters) -> bool:
        return load.rows > 0 and load.state.finished

    @hooks.submission
    def grow(self) -> None:
        self.configuration.container.memory = 1000 * (self.index or 1)

    @hooks.retry
    def again(self, load: Load) -> None:
        self.configuration.container.memory *= self.attempt or 1

    def __call__(self, load: Load, parameters: Parameters) -> None:
        self.size = load.rows
        self.done = (self.name, self.index, self.splits, self.execution.id, parameters.day)


class Typed(Flow): ...


@Typed.register
class Inputs(Parameters):
    day: dt.date
    rows: int = 100


@Typed.register
class Reads(Layer):
    def __call__(self, inputs: Inputs) -> None:
        assert_type(inputs.day, dt.date)
        assert_type(inputs.rows, int)
        self.day = inputs.day


def read_parameters(execution: Execution) -> dt.date:
    assert_type(execution.layer(Inputs), Inputs)
    return execution.layer(Inputs).day


def link(execution: Execution) -> Parameters:
    return Parameters(rows=execution.layer(Load).rows)


def run() -> Execution:
    flow = Nightly(day="today", datastore=datastore, executor=executors.Thread(concurrency=2))
    deployed = Nightly(day="today", scheduler=AWS.StepFunctions(schedule="rate(1 hour)"))
    execution = flow(day="monday").next(flow=deployed, linker=link)
    return execution.flow.execution("e1").resume() if execution.finished else execution.wait(timeout=5.0)


def stored(flow: Nightly) -> list[str]:
    found = [layer for run in datastore.list_executions(flow=flow) for layer in datastore.list_layers(execution=run)]
    hinted = hints(flow.execution("e1"), Clean.__call__)
    return [name for layer in (*found, *hinted) for name in datastore.list_artifacts(layer=layer)]


def where() -> tuple[str | None, int | None]:
    return current.execution.id, unwrap(current.layer.attempt, 1)


def wrong() -> None:
    Flow(data=datastore)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    Nightly.register(containr=Container())  # type: ignore[call-overload] # pyright: ignore[reportCallIssue]
    Container(memry=5)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    Container(memory="5")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    Clean()(Load())  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]

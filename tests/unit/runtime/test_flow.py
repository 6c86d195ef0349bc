"""Flows: registering layers, inheriting them, configuring and calling a flow."""

from __future__ import annotations

import time
import types
from collections.abc import Callable
from typing import Any

import pytest

from laminar_runtime import Execution, Flow, Layer, Parameters
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.configurations.layers import Catch, Container, ForEach, Parameter, Retry
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.exceptions import ExecutionError, FlowError, LaminarError, LayerError
from laminar_runtime.identifiers import new_execution_id
from tests.support.harness import in_memory


class Hello(Layer):
    def __call__(self) -> None:
        self.message = "hello"


class World(Layer):
    def __call__(self, hello: Hello) -> None:
        self.sentence = f"{hello.message} world"


def test_register_without_arguments() -> None:
    """``@MyFlow.register`` adds the class under its name and gives it back."""

    class MyFlow(Flow): ...

    assert MyFlow.register(Hello) is Hello
    assert MyFlow.registry["Hello"].layer is Hello


def test_register_with_arguments() -> None:
    """``@MyFlow.register(...)`` keeps how the layer is to run."""

    class MyFlow(Flow): ...

    given = {
        "container": Container(cpu=2),
        "foreach": ForEach(parameters=[Parameter(layer=Hello, attribute="message")]),
        "retry": Retry(attempts=3),
        "catch": Catch(OSError),
        "executor": executors.AWS.Lambda(timeout=60),
    }
    assert MyFlow.register(**given)(World) is World
    configuration = MyFlow.registry["World"].configuration
    assert {name: getattr(configuration, name) for name in given} == given


class Mine(Parameters):
    day: str = "today"


def test_unregistered_subclass_of_parameters() -> None:
    """It would not get what the flow is called with, so a layer that names it is refused."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Reads(Layer):
        def __call__(self, mine: Mine) -> None: ...

    with pytest.raises(LayerError, match=r"'mine' of 'Reads\.__call__'.*not registered to the flow: register it"):
        in_memory(MyFlow)()
    with pytest.raises(FlowError, match="'Mine' is not registered to flow 'MyFlow'"):
        in_memory(MyFlow).execution("e").layer(Mine)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: Flow.register(containr=Container()),
            r"register has no argument.* 'containr'\. Did you mean 'container'\?",
        ),
        (lambda: Flow.register(speed=1), r"'speed'\. Its arguments: container, foreach, retry, catch, executor"),
        (
            lambda: Flow(data=datastores.Memory()),
            r"'data'\. Did you mean 'datastore'\? Its arguments: datastore, executor",
        ),
        (
            lambda: ForEach(parameter=[]),
            r"ForEach has no.* Did you mean 'parameters'\? Its arguments: parameters",
        ),
        (lambda: executors.Thread(concurency=2), r"Did you mean 'concurrency'\? Its arguments: concurrency, timeout"),
        (lambda: datastores.Local(rot="x"), r"Did you mean 'root'\? Its arguments: "),
        (lambda: datastores.AWS.S3(rooot="s3://b"), r"S3 has no argument.* Did you mean 'root'\? Its arguments: "),
        (lambda: executors.AWS.Batch(platfrm="EC2"), r"Did you mean 'platform'\? Its arguments: job_queue_arn"),
        (
            lambda: AWS.StepFunctions(shedule="rate(1 hour)"),
            r"StepFunctions has no.* Did you mean 'schedule'\?",
        ),
        (
            lambda: Container(memry=5),
            r"'memry'\. Did you mean 'memory'\? Its arguments: command, cpu, image, memory",
        ),
    ],
)
def test_unknown_keywords(call: Callable[[], object], said: str) -> None:
    """The error for an unknown argument lists the known ones, and suggests a similar one."""
    with pytest.raises(TypeError, match=said):
        call()


def test_errors_of_a_flow_s_properties() -> None:
    """A property's own AttributeError is reported, and what a flow lacks as plain Python does."""

    class MyFlow(Flow):
        @property
        def day(self) -> object:
            raise AttributeError("its own error")

    flow = in_memory(MyFlow)
    with pytest.raises(AttributeError, match="its own error"):
        _ = flow.day
    with pytest.raises(AttributeError, match="'MyFlow' object has no attribute 'dya'"):
        _ = flow.dya  # type: ignore[attr-defined]


class Team:
    """A mixin with a class keyword, state of its own and a descriptor."""

    team = ""

    def __init_subclass__(cls, team: str = "nobody", **keywords: object) -> None:
        super().__init_subclass__(**keywords)
        cls.team = team

    def __init__(self, *, colour: str = "red", **others: Any) -> None:
        super().__init__(**others)
        self.colour = colour


@pytest.mark.parametrize("before", [True, False])
def test_mixins_of_flows_and_layers(before: bool) -> None:  # noqa: FBT001 - one of two orders
    """Class keywords and ``__init__`` reach bases that stand before and behind ours, as in plain Python."""

    def bases(cls: type) -> tuple[type, ...]:
        return (Team, cls) if before else (cls, Team)

    flow = types.new_class("MyFlow", bases(Flow), {"team": "data"})
    layer = types.new_class("One", bases(Layer), {"team": "layers"}, lambda body: body.update(Hello.__dict__))
    assert (flow.team, layer.team) == ("data", "layers")
    assert (flow(colour="blue").colour, layer().colour) == ("blue", "red")
    flow.register(layer)
    assert in_memory(flow)().layer("One").message == "hello"
    with pytest.raises(TypeError, match="takes no keyword arguments"):
        types.new_class("Wrong", (Flow,), {"team": "data"})


def test_layer_in_several_flows() -> None:
    """One class serves several flows, each with its own configuration and results."""

    class One(Flow): ...

    class Two(Flow): ...

    for flow in (One, Two):
        flow.register(container=Container(memory=len(flow.__name__)))(Hello)
        flow.register(World)
    assert [in_memory(flow)().layer(World).sentence for flow in (One, Two)] == ["hello world"] * 2


def test_same_name_twice() -> None:
    """Two layers of one name are refused, and the error names both."""

    class MyFlow(Flow): ...

    class Other:
        class Hello(Layer): ...

    MyFlow.register(Hello)
    with pytest.raises(FlowError, match=r"test_flow\.Hello, .*Other\.Hello"):
        MyFlow.register(Other.Hello)


def test_only_layers_register() -> None:
    """What is no layer is refused."""

    class MyFlow(Flow): ...

    with pytest.raises(FlowError, match="'int', which is not a subclass of Layer"):
        MyFlow.register(int)


def test_inheritance_composes() -> None:
    """A flow has the layers of its bases, and its bases do not get its own."""

    class One(Flow): ...

    class Two(Flow): ...

    One.register(Hello)
    Two.register(World)

    class Both(One, Two): ...

    @Both.register
    class Last(Layer):
        def __call__(self, world: World) -> None:
            self.sentence = world.sentence + "!"

    assert sorted(Both.registry) == ["Hello", "Last", "Parameters", "World"]
    assert "Last" not in One.registry
    assert in_memory(Both)().layer(Last).sentence == "hello world!"


@pytest.mark.parametrize("second", [Hello, type("Hello", (Layer,), {})], ids=["same class", "another class"])
def test_name_in_both_bases(second: type[Layer]) -> None:
    """A name that two bases registered is refused: their configurations may differ."""

    class One(Flow): ...

    class Two(Flow): ...

    One.register(Hello)
    Two.register(second)
    with pytest.raises(FlowError, match="two layers named 'Hello'"):
        type("Both", (One, Two), {})


def test_common_base_of_bases() -> None:
    """What two bases have of a base of their own is one layer."""

    class Base(Flow): ...

    Base.register(Hello)

    class One(Base): ...

    class Two(Base): ...

    class Both(One, Two): ...

    assert sorted(Both.registry) == ["Hello", "Parameters"]


def test_memory_works_with_threads_only() -> None:
    """The Memory datastore is refused with any executor whose tasks are other processes, the default among them."""
    with pytest.raises(FlowError, match="Memory datastore, which works with the Thread executor only"):
        Flow(datastore=datastores.Memory())
    with pytest.raises(FlowError, match="Memory"):
        Flow(datastore=datastores.Memory(), executor=executors.Process())


def test_defaults_are_made_per_instance() -> None:
    """Two flows that are given nothing share nothing."""
    one, two = Flow().configuration, Flow().configuration
    assert isinstance(one.datastore, datastores.Local)
    assert isinstance(one.executor, executors.Process)
    assert all(getattr(one, name) is not getattr(two, name) for name in ("datastore", "executor", "scheduler"))


def test_parameters_are_a_layer() -> None:
    """The keyword arguments of the call are attributes of `Parameters`, for layers and in the results."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Doubled(Layer):
        def __call__(self, parameters: Parameters) -> None:
            self.value = parameters.foo * 2

    execution = in_memory(MyFlow)(foo=21)
    assert isinstance(execution, Execution)
    assert execution.layer(Doubled).value == 42
    assert execution.layer(Parameters).foo == execution.layer("Parameters").foo == 21


def test_absent_parameter() -> None:
    """A parameter that was not given is an `AttributeError` in the layer that asks for it."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Asks(Layer):
        def __call__(self, parameters: Parameters) -> None:
            self.value = getattr(parameters, "foo", "default")

    assert in_memory(MyFlow)(bar=1).layer(Asks).value == "default"


@pytest.mark.parametrize("name", ["name", "index", "state"])
def test_parameters_of_reserved_names(name: str) -> None:
    """A parameter that would be hidden by what each layer has is refused, not lost."""
    with pytest.raises(FlowError, match=f"reserved names: {name}"):
        in_memory(Flow)(**{name: 1})


def test_execution_id_may_be_given() -> None:
    """A call takes the id of the execution, and the results are found by it."""

    class MyFlow(Flow): ...

    MyFlow.register(Hello)
    flow = in_memory(MyFlow)
    assert flow(execution="e1").id == "e1"
    assert flow.execution("e1").layer("Hello").message == "hello"


def test_execution_ids_are_unique_and_in_the_order_of_time() -> None:
    """Ids sort as text in the order in which they were made, within and across milliseconds."""
    ids = [new_execution_id() for _ in range(1000)]
    time.sleep(0.002)
    ids.append(new_execution_id())
    assert ids == sorted(set(ids))
    assert {len(found) for found in ids} == {36}


def test_unknown_layer_of_an_execution() -> None:
    """The error for a layer that the flow lacks lists those that it has."""
    with pytest.raises(FlowError, match=r"flow 'Flow' has no layer 'Nope'\. Its layers: "):
        in_memory(Flow).execution("e1").layer("Nope")


def test_results_before_a_run() -> None:
    """The execution of a flow that was not run has no results, and says what to do."""

    class MyFlow(Flow): ...

    MyFlow.register(Hello)
    with pytest.raises(ExecutionError, match="has not run"):
        _ = in_memory(MyFlow).execution.layer(Hello).message


def test_execution_finished() -> None:
    """An execution is finished when each of its layers is."""

    class MyFlow(Flow): ...

    MyFlow.register(Hello)
    flow = in_memory(MyFlow)
    assert not flow.execution("e1").finished
    execution = flow("e1")
    assert execution.finished
    assert not execution.running


def test_chaining_in_this_process() -> None:
    """The linker sees the first flow's results, and the next flow runs under the same id."""

    class One(Flow): ...

    One.register(Hello)

    class Two(Flow): ...

    @Two.register
    class Echo(Layer):
        def __call__(self, parameters: Parameters) -> None:
            self.echo = parameters.foo * 2

    def link(execution: Execution) -> Parameters:
        return Parameters(foo=execution.layer(Hello).message)

    def link_again(execution: Execution) -> Parameters:
        return Parameters(foo=execution.layer(Echo).echo)

    first = in_memory(One)()
    last = first.next(flow=in_memory(Two), linker=link).next(flow=in_memory(Two), linker=link_again)
    assert last.id == first.id
    assert last.layer(Echo).echo == "hello" * 4


def test_errors_are_found_before_anything_is_stored() -> None:
    """A flow that is declared wrongly fails when it is called, and leaves nothing behind."""

    class MyFlow(Flow): ...

    MyFlow.register(World)
    flow = in_memory(MyFlow)
    with pytest.raises(LaminarError, match="hello"):
        flow(foo=1)
    assert flow.datastore.list_executions(flow=flow) == []


def test_the_call_works_inside_an_event_loop() -> None:
    """A flow may be called where an event loop runs already, as in a notebook."""
    import asyncio

    class MyFlow(Flow): ...

    MyFlow.register(Hello)

    async def cell() -> str:
        message: str = in_memory(MyFlow)().layer(Hello).message
        return message

    assert asyncio.run(cell()) == "hello"

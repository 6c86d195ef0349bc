"""Errors: caught, tried again, reported, and resumed from."""

from __future__ import annotations

import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations.layers import Catch, ForEach, Parameter, Retry
from laminar_runtime.exceptions import ExecutionError, FlowError, LayerError, TaskError, UnsetError
from tests.support.harness import in_memory, objects_of


class Shards(Layer):
    def __call__(self) -> None:
        self.shard(foo=[0, 1, 2])


over_foo = ForEach(parameters=[Parameter(Shards, "foo")])


@pytest.mark.parametrize("error", [TypeError("a"), FileNotFoundError("a subclass of OSError")], ids=repr)
def test_catch(error: Exception) -> None:
    """A caught error ends the layer early but as finished, with the artifacts so far, and what depends on it runs."""

    class MyFlow(Flow): ...

    @MyFlow.register(catch=Catch(TypeError, OSError))
    class Caught(Layer):
        def __call__(self) -> None:
            self.before = 1
            raise error

    @MyFlow.register
    class Below(Layer):
        def __call__(self, caught: Caught) -> None:
            self.seen = (caught.before, hasattr(caught, "after"), caught.state.finished)

    assert in_memory(MyFlow)().layer(Below).seen == (1, False, True)


def test_a_caught_exit() -> None:
    """`Catch(SystemExit)` takes `sys.exit()`, as it takes any other error; without it the layer fails."""

    class MyFlow(Flow): ...

    @MyFlow.register(catch=Catch(SystemExit))
    class Exits(Layer):
        def __call__(self) -> None:
            self.before = 1
            sys.exit(3)

    execution = in_memory(MyFlow)()
    assert (execution.layer(Exits).before, execution.layer(Exits).state.finished) == (1, True)


def test_other_errors_are_not_caught() -> None:
    """An error that is not named fails the layer."""

    class MyFlow(Flow): ...

    @MyFlow.register(catch=Catch(TypeError))
    class Fails(Layer):
        def __call__(self) -> None:
            raise ValueError("other")

    with pytest.raises(ValueError, match="other"):
        in_memory(MyFlow)()


def test_retry_until_it_works() -> None:
    """A failed layer runs again, as a fresh instance that knows its attempt."""

    class MyFlow(Flow): ...

    @MyFlow.register(retry=Retry(attempts=5, delay=0))
    class Flaky(Layer):
        def __call__(self) -> None:
            self.clean = not hasattr(self, "attempts")
            self.attempts = self.attempt
            if self.attempts < 3:
                raise OSError

    flaky = in_memory(MyFlow)().layer(Flaky)
    assert (flaky.attempts, flaky.clean) == (3, True)


def test_only_the_failed_split_is_tried_again() -> None:
    """Splits have attempts of their own."""

    class MyFlow(Flow): ...

    MyFlow.register(Shards)

    @MyFlow.register(foreach=over_foo, retry=Retry(attempts=2, delay=0))
    class Flaky(Layer):
        def __call__(self, shards: Shards) -> None:
            self.attempts = self.attempt
            if (shards.foo, self.attempt) == (1, 1):
                raise OSError

    assert list(in_memory(MyFlow)().layer(Flaky).attempts) == [1, 2, 1]


def test_back_off() -> None:
    """Attempt k waits ``delay * backoff ** (k - 1)``, and up to `jitter` of it more."""
    exact = Retry(attempts=4, delay=1, backoff=3, jitter=0)
    assert [exact.wait(attempt) for attempt in (1, 2, 3)] == [1, 3, 9]
    waits = [Retry(delay=2, backoff=2, jitter=0.5).wait(2) for _ in range(200)]
    assert all(4 <= wait <= 6 for wait in waits)
    assert len(set(waits)) > 1


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"delay": -1}, {"backoff": 0.5}, {"jitter": 2}], ids=repr)
def test_retry_out_of_range(wrong: dict[str, float]) -> None:
    """Numbers that make no sense are refused where they are written."""
    with pytest.raises(LayerError, match="out of range"):
        Retry(**wrong)  # type: ignore[arg-type]


def test_the_error_names_its_place() -> None:
    """The layer's own error reaches the caller, and names flow, execution, layer, split and attempt in a note."""

    class MyFlow(Flow): ...

    MyFlow.register(Shards)

    @MyFlow.register(foreach=over_foo, retry=Retry(attempts=2, delay=0))
    class Fails(Layer):
        def __call__(self, shards: Shards) -> None:
            if shards.foo == 1:
                raise OSError("broken")

    with pytest.raises(OSError, match="broken") as caught:
        in_memory(MyFlow)("e1")
    assert caught.value.__notes__ == [
        "layer 'Fails' (split 1 of 0 to 2) of flow 'MyFlow' failed on attempt 2 of execution e1",
        'Resume it with flow.execution("e1").resume()',
    ]


def test_the_error_can_be_pickled() -> None:
    """An error that crosses processes keeps its place."""
    error = TaskError(
        "why", flow="F", execution="e", layer="L", index=1, splits=2, attempt=3, traceback="tb", error_class="OSError"
    )
    assert isinstance(error, ExecutionError | LayerError)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (str(again), vars(again)) == (str(error), vars(error))


def test_siblings_are_stopped() -> None:
    """When a split fails for good no other is started, and layers beside it are not waited for."""
    release, started = threading.Event(), []

    class MyFlow(Flow): ...

    MyFlow.register(Shards)

    @MyFlow.register(foreach=over_foo)
    class Fails(Layer):
        def __call__(self, shards: Shards) -> None:
            started.append(shards.foo)
            if shards.foo == 0:
                raise OSError
            release.wait(10)

    with pytest.raises(OSError, match=r"split 0 of 0 to 2"):
        in_memory(MyFlow, concurrency=2)()
    release.set()
    assert 2 not in started


def test_resume_runs_what_did_not_finish() -> None:
    """Finished layers and finished splits are not run again; the rest is, with the old parameters, marked a retry."""
    ran: list[str] = []
    broken = True

    class MyFlow(Flow): ...

    @MyFlow.register
    class First(Layer):
        def __call__(self, parameters: Parameters) -> None:
            ran.append("First")
            self.shard(foo=parameters.foo)

    @MyFlow.register(foreach=ForEach(parameters=[Parameter(First, "foo")]))
    class Each(Layer):
        def __call__(self, first: First) -> None:
            ran.append(f"Each/{first.foo}")
            self.seen = (first.foo, self.execution.retry)
            if broken and first.foo == "c":
                raise OSError

    @MyFlow.register
    class Last(Layer):
        def __call__(self, each: Each) -> None:
            ran.append("Last")
            self.seen = list(each.seen)

    flow = in_memory(MyFlow, concurrency=1)
    with pytest.raises(OSError, match="layer 'Each'"):
        flow("e1", foo="abcd")
    assert ran == ["First", "Each/a", "Each/b", "Each/c"]
    ran.clear()
    broken = False
    resumed = flow.execution("e1").resume()
    assert ran == ["Each/c", "Each/d", "Last"]
    assert resumed.id == "e1"
    assert resumed.layer(Last).seen == [("a", False), ("b", False), ("c", True), ("d", True)]
    ran.clear()
    assert flow.execution("e1").resume().finished
    assert ran == []


def test_the_same_id_again() -> None:
    """A second run under one id is refused before it touches anything: old results would be mixed with new ones."""

    class MyFlow(Flow): ...

    MyFlow.register(Shards)
    flow = in_memory(MyFlow)
    flow("e1", foo=1)
    before = dict(objects_of(flow))
    with pytest.raises(
        ExecutionError, match=r"execution e1 of flow 'MyFlow' already has results.*flow\.execution\(.e1.\)\.resume"
    ):
        flow("e1", foo=2)
    assert objects_of(flow) == before


def test_resume_goes_on_along_the_chain() -> None:
    """What is chained to a resumed execution is resumed too: its finished layers are not run again."""
    ran: list[str] = []
    broken = True

    class First(Flow): ...

    First.register(Shards)

    class Second(Flow): ...

    @Second.register
    class A(Layer):
        def __call__(self) -> None:
            ran.append("A")

    @Second.register
    class B(Layer):
        def __call__(self, a: A) -> None:
            ran.append("B")
            if broken:
                raise OSError

    first, second = in_memory(First), in_memory(Second)
    with pytest.raises(OSError, match="layer 'B' of flow 'Second'"):
        first("e1").next(flow=second, linker=lambda _: Parameters())
    broken = False
    assert first.execution("e1").resume().next(flow=second, linker=lambda _: Parameters(foo=1)).finished
    assert ran == ["A", "B", "B"]
    assert second.execution("e1").layer(Parameters).foo == 1


def test_resume_without_an_id() -> None:
    """A flow that was not run cannot be resumed, and the error says so."""

    class MyFlow(Flow): ...

    MyFlow.register(Shards)
    flow = in_memory(MyFlow)
    with pytest.raises(ExecutionError, match="has not run"):
        flow.execution.resume()
    assert objects_of(flow) == {}


def test_resume_decides_anew_what_is_skipped() -> None:
    """A layer that was skipped is asked again."""
    from laminar_runtime.configurations import hooks

    welcome = False

    class MyFlow(Flow): ...

    @MyFlow.register
    class Hooked(Layer):
        @hooks.entry
        def enter(self) -> bool:
            return welcome

        def __call__(self) -> None: ...

    flow = in_memory(MyFlow)
    assert not flow("e1").finished
    welcome = True
    assert flow.execution("e1").resume().finished


def test_flow_errors_are_not_dressed_up() -> None:
    """A mistake of the flow itself is reported as that."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class A(Layer):
        def __call__(self, a: A) -> None: ...

    with pytest.raises(FlowError, match="cycle: A -> A"):
        in_memory(MyFlow)()


def test_an_unknown_execution_is_reported_as_such() -> None:
    """Reading and resuming an execution that the datastore does not know says so."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class A(Layer): ...

    execution = in_memory(MyFlow).execution("nope")
    with pytest.raises(UnsetError, match=r"flow 'MyFlow' has no execution nope in memory://"):
        _ = execution.layer(A).foo
    with pytest.raises(ExecutionError, match=r"has no execution nope in memory://: there is nothing to resume"):
        execution.resume()
    assert not hasattr(execution.layer(A), "foo")


@pytest.mark.parametrize("text", ["", "a/b", ".hidden", "a b", "x" * 81, "ä"])
def test_execution_ids_that_not_all_take(text: str) -> None:
    """An id that is no legal name of a Step Functions execution, or no folder, is refused, and nothing is stored."""

    class MyFlow(Flow): ...

    flow = in_memory(MyFlow)
    with pytest.raises(FlowError, match="is not an execution id: use 1 to 80 letters"):
        flow(text)
    assert objects_of(flow) == {}


def test_an_execution_that_failed_at_once_is_listed() -> None:
    """An execution without artifacts is among the executions of its flow."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class A(Layer):
        def __call__(self) -> None:
            raise ValueError("at once")

    flow = in_memory(MyFlow)
    with pytest.raises(ValueError, match="at once"):
        flow("e1")
    assert [execution.id for execution in flow.datastore.list_executions(flow=flow)] == ["e1"]


def test_leaving_the_process_is_a_failure() -> None:
    """A layer that calls sys.exit has failed; the error says what to do instead."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class A(Layer):
        def __call__(self) -> None:
            sys.exit(0)

    with pytest.raises(LayerError, match=r"layer 'A' called sys\.exit\(0\): return from the layer, or raise"):
        in_memory(MyFlow)()


def test_two_flows_in_one_process_share_nothing() -> None:
    """Runs of two flows side by side in one process, with layers of the same names, do not see each other."""

    def make(name: str, start: int) -> Flow:
        flow_class = type(name, (Flow,), {})

        class Load(Layer):
            def __call__(self, parameters: Parameters) -> None:
                self.shard(number=range(start, start + parameters.count))

        class Double(Layer):
            def __call__(self, load: Load) -> None:
                self.double = load.number * 2

        flow_class.register(Load)
        flow_class.register(foreach=ForEach(parameters=[Parameter(layer=Load, attribute="number")]))(Double)
        return in_memory(flow_class)

    flows = [make("One", 0), make("Two", 100), make("One", 1000)]
    with ThreadPoolExecutor(len(flows)) as pool:
        executions = list(pool.map(lambda flow: flow("same", count=5), flows))
    for execution, start in zip(executions, (0, 100, 1000), strict=True):
        assert list(execution.layer("Double").double) == [2 * (start + number) for number in range(5)]
    assert len({id(flow.configuration.executor) for flow in flows}) == len(flows)


def test_an_execution_of_which_only_the_input_is_stored_is_known() -> None:
    """An execution that a state machine began is known, and resumed, by its input alone."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class A(Layer):
        def __call__(self, parameters: Parameters) -> None:
            self.foo = parameters.bar

    flow = in_memory(MyFlow)
    flow.datastore.transport.put("MyFlow/.cache/e1/.input.json", b'{"parameters": {"bar": 3}}')
    with pytest.raises(UnsetError, match="It did not finish"):
        _ = flow.execution("e1").layer(A).foo
    assert flow.execution("e1").resume().layer(A).foo == 3

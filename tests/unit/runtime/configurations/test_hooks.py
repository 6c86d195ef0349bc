"""Hooks: what is called when, on what, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import hooks
from laminar_runtime.configurations.layers import Container, ForEach, Parameter, Retry
from laminar_runtime.exceptions import ExecutionError
from laminar_runtime.settings import current
from tests.support.harness import in_memory


class One(Layer):
    def __call__(self) -> None:
        self.foo = 1
        self.shard(item=[10, 20])


def test_execution_hooks_are_around_the_call() -> None:
    """Functions are called before, generators go on after; those of the flow first, then in the order of definition."""
    seen: list[str] = []

    class MyFlow(Flow):
        @hooks.execution
        def of_flow(self) -> Iterator[None]:
            seen.append(f"flow {self.name}")
            yield
            seen.append("flow ends")

    @MyFlow.register
    class Hooked(Layer):
        @hooks.execution
        def zebra(self) -> Iterator[None]:
            seen.append("zebra")
            yield
            seen.append("zebra ends")

        @hooks.execution
        def ant(self, parameters: Parameters) -> None:
            seen.append(f"ant {parameters.foo} {current.layer.name}")

        def __call__(self) -> None:
            seen.append("call")

    in_memory(MyFlow)(foo=1)
    assert seen == ["flow Hooked", "zebra", "ant 1 Hooked", "call", "zebra ends", "flow ends"]


def test_hooks_of_a_flow_apply_to_each_layer() -> None:
    """A hook of a flow, or of a base of it, is called on every layer but `Parameters`."""
    seen: list[str] = []

    class Base(Flow):
        @hooks.execution
        def watch(self) -> None:
            seen.append(self.name)

    class MyFlow(Base): ...

    MyFlow.register(One)

    @MyFlow.register
    class Two(Layer):
        def __call__(self, one: One) -> None: ...

    in_memory(MyFlow)()
    assert seen == ["One", "Two"]


def test_hooks_of_base_classes_count() -> None:
    """A layer has the hooks of its bases, first, and may define one of them anew."""
    seen: list[str] = []

    class Base(Layer):
        @hooks.execution
        def kept(self) -> None:
            seen.append("kept")

        @hooks.execution
        def anew(self) -> None:
            raise AssertionError

    class MyFlow(Flow): ...

    @MyFlow.register
    class Hooked(Base):
        @hooks.execution
        def own(self) -> None:
            seen.append("own")

        @hooks.execution
        def anew(self) -> None:
            seen.append("anew")

        def __call__(self) -> None: ...

    in_memory(MyFlow)()
    assert seen == ["kept", "anew", "own"]


def test_what_execution_hooks_set_up_is_no_artifact() -> None:
    """A resource that a hook gives the layer is not stored."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Hooked(Layer):
        @hooks.execution
        def connect(self) -> Iterator[None]:
            self.connection = (number for number in range(3))
            yield

        def __call__(self) -> None:
            self.first = next(self.connection)

    hooked = in_memory(MyFlow)().layer(Hooked)
    assert hooked.first == 0
    assert not hasattr(hooked, "connection")


def test_generators_end_also_when_the_call_fails() -> None:
    """The error of a layer comes out at the ``yield`` of its execution hooks."""
    seen: list[str] = []

    class MyFlow(Flow): ...

    @MyFlow.register
    class Fails(Layer):
        @hooks.execution
        def watch(self) -> Iterator[None]:
            try:
                yield
            except OSError as error:
                seen.append(str(error))
                raise

        def __call__(self) -> None:
            raise OSError("from the call")

    with pytest.raises(OSError, match="from the call"):
        in_memory(MyFlow)()
    assert seen == ["from the call"]


def test_submission_hooks_configure_each_split() -> None:
    """Before a split is submitted, its hook sees its index and dependencies, and changes the container of it alone."""
    seen: list[tuple[int | None, int, int]] = []
    container = Container(memory=100)

    class MyFlow(Flow): ...

    MyFlow.register(One)

    @MyFlow.register(container=container, foreach=ForEach(parameters=[Parameter(One, "item")]))
    class Each(Layer):
        @hooks.submission
        def configure(self, one: One) -> None:
            assert current.layer.name is None
            self.configuration.container.memory += one.item[self.index]

        @hooks.submission
        def around(self) -> Iterator[None]:
            yield
            seen.append((self.index, self.splits, self.configuration.container.memory))

        def __call__(self, one: One) -> None: ...

    in_memory(MyFlow)()
    assert sorted(seen) == [(0, 2, 110), (1, 2, 120)]
    assert container.memory == 100


def test_retry_hooks_change_the_next_attempt() -> None:
    """After a failed attempt, and not after the last, the retry hook may double the memory of the next."""
    seen: list[tuple[str, int | None, int]] = []

    class MyFlow(Flow): ...

    @MyFlow.register(container=Container(memory=100), retry=Retry(attempts=3, delay=0))
    class Fails(Layer):
        @hooks.submission
        def submitted(self) -> None:
            seen.append(("submitted", self.attempt, self.configuration.container.memory))

        @hooks.retry
        def double(self, parameters: Parameters) -> Iterator[None]:
            self.configuration.container.memory *= parameters.factor
            yield
            seen.append(("retried", self.attempt, self.configuration.container.memory))

        def __call__(self) -> None:
            raise OSError

    with pytest.raises(OSError, match="attempt 3"):
        in_memory(MyFlow)(factor=2)
    assert seen == [
        ("submitted", 1, 100),
        ("retried", 1, 200),
        ("submitted", 2, 200),
        ("retried", 2, 400),
        ("submitted", 3, 400),
    ]


@pytest.mark.parametrize("kind", [hooks.submission, hooks.execution])
def test_failing_hooks_are_reported_with_their_layer(kind: object) -> None:
    """The error of a hook reaches the caller, as that of a layer does, with its place."""

    class MyFlow(Flow): ...

    class Hooked(Layer):
        @kind  # type: ignore[operator,misc]
        def fails(self) -> None:
            raise OSError("in the hook")

        def __call__(self) -> None: ...

    MyFlow.register(Hooked)
    with pytest.raises(OSError, match=r"in the hook\nlayer 'Hooked' of flow 'MyFlow' failed on attempt 1"):
        in_memory(MyFlow)()


def test_failing_retry_hook() -> None:
    """A retry hook that fails ends the layer with its own error."""

    class MyFlow(Flow): ...

    @MyFlow.register(retry=Retry(attempts=2, delay=0))
    class Hooked(Layer):
        @hooks.retry
        def fails(self) -> None:
            raise KeyError("in the hook")

        def __call__(self) -> None:
            raise OSError

    with pytest.raises(KeyError, match=r"in the hook'\nlayer 'Hooked'"):
        in_memory(MyFlow)()


def test_failing_entry_hook() -> None:
    """The error of an entry hook says which hook of which layer failed."""

    class MyFlow(Flow): ...

    @MyFlow.register
    class Hooked(Layer):
        @hooks.entry
        def fails(self) -> bool:
            raise OSError("in the hook")

        def __call__(self) -> None: ...

    with pytest.raises(ExecutionError, match=r"entry hook 'fails' of layer 'Hooked' .* OSError: in the hook"):
        in_memory(MyFlow)()


def test_kinds_of_hooks() -> None:
    """A decorated method is distinct from others, and stays callable."""
    kinds = ("entry", "submission", "execution", "retry")
    marked = {kind: getattr(hooks, kind)(lambda _self, kind=kind: kind) for kind in kinds}
    assert {kind: hooks.annotation.kind_of(hook) for kind, hook in marked.items()} == {kind: kind for kind in kinds}
    assert {hook(None) for hook in marked.values()} == set(kinds)
    assert hooks.annotation.kind_of(print) is None


def test_hooks_of_classes_that_are_made_of_text() -> None:
    """A program that is executed as text has no name, and its classes have hooks all the same."""
    namespace: dict[str, Any] = {}
    text = "from laminar_runtime import Flow\nfrom laminar_runtime.configurations import hooks\nclass Made(Flow):\n"
    exec(f"{text}    @hooks.entry\n    def enters(self):\n        return True\n", namespace)  # noqa: S102 - text of ours
    (found,) = hooks.annotation.collect(namespace["Made"])
    assert (found.__name__, namespace["Made"].__module__) == ("enters", "builtins")

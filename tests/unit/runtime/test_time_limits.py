"""The time limit of a flow: a run that takes longer is ended, and can be resumed."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.configurations.layers import Retry
from laminar_runtime.exceptions import FlowError, TaskError, TimeLimitError

_released = threading.Event()
_ran: list[str] = []


class Slow(Flow):
    timeout: ClassVar[float | None] = 3600


@Slow.register
class First(Layer):
    def __call__(self) -> None:
        _ran.append("First")
        self.done = True


@Slow.register(retry=Retry(attempts=3))
class Second(Layer):
    def __call__(self, first: First) -> None:
        _ran.append("Second")
        _released.wait(30)
        self.done = first.done


@pytest.fixture(autouse=True)
def waiting() -> Any:
    _released.clear()
    _ran.clear()
    yield
    _released.set()


def slow(**options: Any) -> Slow:
    return Slow(datastore=datastores.Memory(), executor=executors.Thread(), **options)


def test_a_run_that_takes_longer_is_ended_and_resumed() -> None:
    """Its layers are stopped and not tried again; a resume has the whole time again, and runs what is missing."""
    flow = slow(timeout=0.2)
    with pytest.raises(TimeLimitError, match=r"e1 of flow 'Slow' did not end within 0\.2 seconds") as error:
        flow("e1")
    assert "Slow(timeout=...)" in str(error.value)
    assert not isinstance(error.value, TimeoutError)
    assert error.value.__notes__ == ['Resume it with flow.execution("e1").resume()']
    assert _ran == ["First", "Second"]
    _released.set()
    assert flow.execution("e1").resume().layer(Second).done
    assert _ran == ["First", "Second", "Second"]


def test_the_limit_of_an_instance_wins() -> None:
    assert slow().configuration.timeout == 3600
    assert slow(timeout=5).configuration.timeout == 5
    assert Flow().configuration.timeout is None


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf"), True, "60"])
def test_a_limit_that_is_no_time(limit: Any) -> None:
    with pytest.raises(FlowError, match="the timeout of flow 'Slow' must be a number of seconds greater than 0, not"):
        slow(timeout=limit)


def test_an_error_of_a_layer_is_not_the_limit() -> None:
    """A `TimeoutError` of a layer's own code is that of the layer."""

    class Failing(Flow): ...

    @Failing.register
    class Raise(Layer):
        def __call__(self) -> None:
            raise TimeoutError("of the layer")

    with pytest.raises((TimeoutError, TaskError), match="of the layer") as error:
        Failing(datastore=datastores.Memory(), executor=executors.Thread(), timeout=60)()
    assert not isinstance(error.value, TimeLimitError)

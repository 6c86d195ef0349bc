"""Layers with executors of their own, run here: each by its own, and AWS Lambda's as processes."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.exceptions import FlowError, TaskError
from laminar_runtime.process import processors


class Mixed(Flow): ...


@Mixed.register(executor=executors.Thread())
class Near(Layer):
    def __call__(self) -> None:
        self.thread = (os.getpid(), threading.current_thread().name)


@Mixed.register(executor=executors.AWS.Lambda())
class Far(Layer):
    def __call__(self, near: Near) -> None:
        self.pid = os.getpid()


@Mixed.register(executor=executors.AWS.Batch(platform="EC2"))
class Farther(Layer):
    def __call__(self, far: Far) -> None:
        self.pid = os.getpid()


@Mixed.register
class Default(Layer):
    def __call__(self, farther: Farther) -> None:
        self.pid = os.getpid()


class Slow(Flow): ...


@Slow.register(executor=executors.AWS.Lambda(timeout=0.5))
class Sleeps(Layer):
    def __call__(self) -> None:
        threading.Event().wait(60)


@pytest.mark.parametrize("executor", [executors.Thread(), executors.AWS.Batch(), executors.AWS.Lambda()])
def test_each_layer_by_its_own_executor(executor: executors.Executor, tmp_path: Path) -> None:
    """A layer's executor comes before the flow's; those of AWS run processes where there is no AWS."""
    execution = Mixed(datastore=datastores.Local(tmp_path), executor=executor)()
    pids = [execution.layer(name).pid for name in ("Far", "Farther", "Default")]
    assert execution.layer(Near).thread == (os.getpid(), "laminar Near")
    assert os.getpid() not in pids[:2]
    assert (pids[2] == os.getpid()) is isinstance(executor, executors.Thread)
    assert len(set(pids)) == 3


def test_the_timeout_is_the_layers(tmp_path: Path) -> None:
    """A task is stopped when its layer's executor says so, not when the flow's does."""
    with pytest.raises(TaskError, match=r"it did not end within 0\.5 seconds"):
        Slow(datastore=datastores.Local(tmp_path), executor=executors.Process(timeout=60))()


def test_memory_is_for_threads() -> None:
    """A layer whose tasks would not see the memory of this process is refused, by its name."""
    with pytest.raises(FlowError, match="which works with the Thread executor only, and layer 'Far' has the executor"):
        Mixed(datastore=datastores.Memory(), executor=executors.Thread())


def test_functions_at_once() -> None:
    """More splits may run at once on AWS than there are processors here."""
    assert executors.AWS.Lambda().concurrency == 40
    assert executors.AWS.Lambda()._at_once() <= processors.available()
    assert executors.AWS.Lambda(concurrency=1)._at_once() == 1

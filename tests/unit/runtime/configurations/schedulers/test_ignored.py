"""Fields of containers that an executor of this machine does not apply: a run names them once."""

from __future__ import annotations

import os

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.containers import Container
from tests.support.harness import in_memory


def test_a_run_in_threads_names_the_variables_that_they_lack(caplog: pytest.LogCaptureFixture) -> None:
    class Threads(Flow): ...

    stage = Container(environment={"LAYER_STAGE": "hidden"})

    @Threads.register(container=stage)
    class A(Layer):
        def __call__(self) -> None:
            self.stage = os.environ.get("LAYER_STAGE")

    @Threads.register(container=stage)
    class B(Layer):
        def __call__(self, a: A) -> None: ...

    @Threads.register
    class C(Layer):
        def __call__(self) -> None: ...

    assert in_memory(Threads)().layer(A).stage is None
    (warning,) = [text for _, _, text in caplog.record_tuples if "does not apply" in text]
    assert warning == "Thread does not apply some fields of containers here: environment (A, B)"


def test_a_process_has_its_variables() -> None:
    assert "environment" not in executors.Process().ignores()

"""Tasks as processes: what is refused before one starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.datastores import Local
from laminar_runtime.configurations.executors import Process
from laminar_runtime.exceptions import FlowError


def test_flow_inside_a_function(tmp_path: Path) -> None:
    """A flow that a fresh process cannot get to is refused, with what to do."""

    class Inner(Flow): ...

    @Inner.register
    class A(Layer):
        def __call__(self) -> None: ...

    with pytest.raises(FlowError, match=r"'Inner' is defined inside a function .* use Flow\(executor=Thread\(\)\)"):
        Inner(datastore=Local(tmp_path))()


def test_numbers_are_checked() -> None:
    """A concurrency or timeout that makes no sense is refused."""
    for wrong in ({"concurrency": 0}, {"timeout": 0}):
        with pytest.raises(FlowError, match="must be greater than 0, not 0"):
            Process(**wrong)
    assert Process().concurrency >= 1
    assert Process().timeout == 86400

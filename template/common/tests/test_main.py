"""The flow in memory: no AWS, no files, no processes."""

from __future__ import annotations

from typing import Any

import pytest
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.exceptions import FlowError

from main import Book, SampleFlow


def run(**parameters: Any) -> list[str]:
    """Run the flow in memory, and return the pages of its book."""
    flow = SampleFlow(datastore=datastores.Memory(), executor=executors.Thread())
    return flow(**parameters).layer(Book).pages


def test_every_guest_is_greeted() -> None:
    """Each guest has a page, in the order of the names."""
    assert run(names=["Ada", "Grace"]) == ["hello Ada", "hello Grace"]
    assert run(names=["Ada"], greeting="welcome") == ["welcome Ada"]


def test_names_are_required() -> None:
    """Without guests nothing starts."""
    with pytest.raises(FlowError, match="parameter 'names' is missing"):
        run()

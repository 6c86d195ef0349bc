"""The places of functions that pickles of earlier releases name: they stay, wherever the functions move."""

from __future__ import annotations

import pickle

import pytest

from laminar_runtime import layer
from laminar_runtime.pickling import scopes
from laminar_runtime.tasks import pipelines


@pytest.mark.parametrize("name", ["datastore_of_reader", "flow_of_reader", "module_of_flow", "of_flow"])
def test_names_of_the_flow(name: str) -> None:
    assert pickle.loads(f"claminar_runtime.scopes\n{name}\n.".encode()) is getattr(scopes, name)  # noqa: S301 - our own


def test_the_layer_of_an_execution() -> None:
    assert pickle.loads(b"claminar_runtime.layer\n_restored\n.") is layer._restore  # noqa: S301 - our own


def test_the_guard_of_pipelines() -> None:
    assert pickle.loads(b"claminar_runtime.pipelines\n_no_guard\n.") is pipelines._no_guard  # noqa: S301 - our own

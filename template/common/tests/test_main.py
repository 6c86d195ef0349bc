"""The flow in memory: no AWS, no files, no processes."""

from __future__ import annotations

import pytest
from laminar_runtime.exceptions import FlowError
from laminar_runtime.testing import run_flow, run_layer, shards

from main import Book, Greet, Guests, SampleFlow


def test_every_guest_is_greeted() -> None:
    """Each guest has a page, in the order of the names."""
    assert run_flow(SampleFlow, names=["Ada", "Grace"]).layer(Book).pages == [
        "hello Ada",
        "hello Grace",
    ]


def test_a_greeting() -> None:
    """One layer runs, with what the layer before it would have assigned."""
    greet = run_layer(
        SampleFlow, Greet, {Guests: {"guest": shards(["Ada"])}}, names=[], greeting="welcome"
    )
    assert greet.text == "welcome Ada"


def test_names_are_required() -> None:
    """Without guests nothing starts."""
    with pytest.raises(FlowError, match="parameter 'names' is missing"):
        run_flow(SampleFlow)

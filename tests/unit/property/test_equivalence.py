"""The compiled state machine does what the local run does, whatever the flow is."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.random_flows.drawing import flows
from tests.support.random_flows.equivalence import Choices, check_equal
from tests.support.random_flows.replay_engine import Replay
from tests.support.random_flows.sfnx_engine import Sfnx
from tests.support.random_flows.spec import FlowSpec

#: How many flows are tried: few while one works, more in CI, thousands at night.
EXAMPLES = int(os.environ.get("EQUIVALENCE_EXAMPLES", "50" if os.environ.get("CI") == "true" else "6"))


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    logger = logging.getLogger("laminar")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


_RUN = {
    "stored": st.booleans(),
    "packing": st.sampled_from(["auto", "chains", "off"]),
    "nests": st.booleans(),
    "concurrency": st.sampled_from([1, 4]),
    "seed": st.integers(0, 9),
}
choices = st.one_of(
    st.builds(Choices, engine=st.just(Sfnx), joins=st.just("barriers"), redrives=st.just(value=False), **_RUN),
    st.builds(
        Choices, engine=st.just(Replay), joins=st.sampled_from(["barriers", "exact"]), redrives=st.booleans(), **_RUN
    ),
)


@settings(max_examples=EXAMPLES)
@given(flows(), choices)
def test_local_and_compiled_are_equal(spec: FlowSpec, how: Choices) -> None:
    """Artifacts, finished and skipped layers, what failed, and what a resumed execution runs again are the same."""
    check_equal(spec, how)

"""Runs a flow both ways, and refuses differences."""

from __future__ import annotations

import random
from collections import Counter
from typing import Literal

import attrs
from hypothesis import event, note

from laminar_codegen.ir.plan import Packing, print_plan
from tests.support.random_flows import plans
from tests.support.random_flows.compiling import Compiled, compile_spec, feasible
from tests.support.random_flows.deployed import Deployed
from tests.support.random_flows.image import Image
from tests.support.random_flows.local import Local
from tests.support.random_flows.outcomes import Outcome
from tests.support.random_flows.replay_engine import Replay
from tests.support.random_flows.sfnx_engine import Sfnx
from tests.support.random_flows.source import source_of
from tests.support.random_flows.spec import FlowSpec

__all__ = ["Choices", "check_equal", "compare"]


@attrs.frozen
class Choices:
    """The options of a run of a flow.

    Args:
        engine: The interpreter of its state machines.
        joins: The planning of dependencies that are not nested.
        packing: Which layers share jobs.
        redrives: Whether executions are redriven to resume them; else others go on with them.
        stored: Whether the machine finds the parameters in the datastore; else in its input.
        nests: Whether some steps run as executions of their own machines.
        concurrency: The number of tasks at once in the local run.
        seed: The seed of random numbers.
    """

    engine: type[Sfnx | Replay]
    joins: Literal["barriers", "exact"]
    packing: Packing
    redrives: bool
    stored: bool
    nests: bool
    concurrency: int
    seed: int


def check_equal(spec: FlowSpec, how: Choices) -> None:
    """Run a flow by the local scheduler and as state machines, as often as it takes to end, and compare each time."""
    chance = random.Random(how.seed)  # noqa: S311 - no secret
    spec = feasible(spec)
    compiled = compile_spec(spec, joins=how.joins, packing=how.packing, nest=chance if how.nests else None)
    note(source_of(spec))
    note(print_plan(compiled.plan))
    local, image = Local(spec, how.concurrency), Image(spec)
    deployed = Deployed(spec, image, how.engine(compiled, image, chance), how.stored, how.redrives)
    worlds, troubles = (local.world, image.world), {trouble.layer for trouble in spec.troubles}
    curable = not any(trouble.where == "plan" for trouble in spec.troubles)
    for world in worlds:
        world.troubled.update(troubles)
    for run in range(len(troubles) + 1):
        one, other = local.run(), deployed.run()
        compare(spec, compiled, one, other, resumed=run > 0)
        # A layer that goes over a split that failed, and is tolerated, cannot run.
        if one.failed is None or not curable or one.failed not in local.world.troubled:
            break
        for world in worlds:
            world.troubled.remove(one.failed)
    event(f"{'failed' if one.failed else 'succeeded'} after {run} resumes")
    event(f"{len(plans.chains_of(compiled.plan))} pipelines")
    event(f"{len(plans.packs_of(compiled.plan))} packs")


def compare(spec: FlowSpec, compiled: Compiled, one: Outcome, other: Outcome, *, resumed: bool) -> None:
    """Refuse different outcomes."""
    packs = plans.packs_of(compiled.plan)
    together = {layer: part for part in [*plans.chains_of(compiled.plan), *packs] for layer in part}
    assert together.get(one.failed, one.failed) == together.get(other.failed, other.failed), (one.text, other.text)
    both = set(one.results.finished) & set(other.results.finished)
    assert {name: one.results.finished[name] for name in both} == {name: other.results.finished[name] for name in both}
    for outcome in (one, other):
        lost = {split for split in outcome.results.failed if split[0] in both}
        assert lost == {split for split in one.results.failed if split[0] in both}
    ones, others = one.results.of(both), other.results.of(both)
    assert ones == others, {
        key: (ones.get(key), others.get(key)) for key in ones.keys() | others.keys() if ones.get(key) != others.get(key)
    }
    for outcome in (one, other):
        again = [call for call in outcome.calls if call[:2] in outcome.before]
        assert not again
        twice = [call for call, times in Counter(outcome.calls).items() if times > 1]
        assert not twice
    for task in set(one.jobs) & set(other.jobs):
        assert one.jobs[task] == other.jobs[task], task
    if one.failed is None:
        assert {*one.results.finished, "Parameters"} == {*other.results.finished, "Parameters"}
        if not resumed:
            assert sorted(one.calls) == sorted(other.calls)
            # Layers that share a job have none of their own.
            packed = {layer for pack in packs for layer in pack}
            assert {task for task in one.jobs if task[0] not in packed} == set(other.jobs)
    else:
        assert other.failed is not None
        above = spec.ancestors(other.failed)
        assert above & set(one.results.finished) == above & set(other.results.finished)
        # The job of a pack has the name of its first layer.
        split = any(
            (item.layer, item.where) == (one.failed, "call") and item.index is not None for item in spec.troubles
        )
        if split and one.failed == other.failed:
            assert one.index == other.index

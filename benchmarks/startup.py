"""`startup`: makespan and bill where each job takes seconds to start, packed and with a job for each layer or split.

``python -m benchmarks startup --workflows DIR`` reads the same files as ``replay``. Each is planned, emitted and
replayed in virtual time, for start-ups of 15, 45 and 90 seconds. A job starts up before its layers, of which 15 seconds
are billed, and bills its virtual CPUs for ``max(60, 15 + run)`` seconds. Each task takes one virtual CPU. The splits of
fan-outs take 2 seconds; a split takes no time but its own in a job that runs several.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import attrs

from benchmarks import programs, report
from benchmarks.replay import Workflow, load
from benchmarks.rows import Row, Target, at_most, faster
from laminar_codegen.ir.graph import Dimension
from laminar_codegen.ir.plan import FanOut, Pack, Step
from laminar_codegen.lower_states.split_machines import split_plan
from laminar_codegen.lower_states.states import emit_states, measure_steps
from laminar_codegen.planning.choose_packs import choose_packs
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.planning.pack_costs import USUAL_COSTS
from laminar_codegen.rehearsal.simulated import Attempt, profiled_services, replay_flow
from laminar_runtime.configurations.layers import ForEach, Parameter
from laminar_runtime.splits.packing import splits_per_job

__all__ = ["Run", "main", "rows", "run_fan_out", "run_workflow"]

_START_UPS = (15, 45, 90)
#: The start-up that the goals are for.
_GOALS = 45
_ALONE = "a job for each layer"


@attrs.frozen
class Run:
    """An execution.

    Args:
        seconds: Its makespan.
        billed: Its billed vCPU seconds.
        jobs: Its jobs, with each child of an array job.
    """

    seconds: float
    billed: float
    jobs: int


def run_workflow(workflow: Workflow, start_up: float, *, packed: bool) -> Run:
    """Replay the state machine of a workflow.

    Args:
        workflow: The workflow.
        start_up: Seconds before the layers of a job start.
        packed: Whether layers share jobs.
    """
    graph, costs = workflow.graph, attrs.evolve(USUAL_COSTS, start_up=start_up)
    packs = choose_packs(graph, "auto" if packed else "off", workflow.seconds, costs)
    plan = make_plan(graph, durations=workflow.seconds, packs=packs, start_up=start_up)
    return _replay(workflow, split_plan(plan, measure_steps(graph)), packs, start_up)


def _replay(workflow: Workflow, plan: Step, packs: Sequence[Pack], start_up: float) -> Run:
    services = profiled_services(workflow.seconds, packs=packs, start_up=start_up)
    replayed = replay_flow(emit_states(workflow.graph, plan), services=services)
    if replayed.status != "SUCCEEDED":
        raise RuntimeError(f"{workflow.name}: {replayed.error}: {replayed.cause}")
    attempts = services.jobs.attempts
    return Run(replayed.seconds, sum(_bill(attempt, start_up) for attempt in attempts), len(attempts))


def _bill(attempt: Attempt, start_up: float) -> float:
    """Return the billed vCPU seconds of a job."""
    if attempt.ended is None:
        raise RuntimeError(f"the job of {attempt.layer} has not ended")
    asked = attempt.job.request.container.get("resourceRequirements", ())
    cpu = next((float(item["value"]) for item in asked if item["type"] == "VCPU"), 1.0)
    billed = USUAL_COSTS.billed_start_up + attempt.ended - attempt.started - start_up
    return cpu * max(USUAL_COSTS.minimum, billed)


def run_fan_out(splits: int, seconds: float, start_up: float, children: int) -> Run:
    """Replay the state machine of a fan-out whose array job has some children, which claim the splits.

    Args:
        splits: The number of splits.
        seconds: The seconds of each.
        start_up: Seconds before the splits of a job start.
        children: The number of jobs.
    """
    (layer,) = Workflow("Fan-out", {"Split": seconds}, {"Split": ()}, None).graph.layers
    over = (Dimension("Parameters", "items", 0),)
    fan_out = ForEach([Parameter(layer="Parameters", attribute="items")], max_concurrency=children)
    layer = attrs.evolve(layer, foreach=over, fan_out=fan_out)
    graph = attrs.evolve(Workflow("Fan-out", {}, {}, None).graph, layers=(layer,))
    limits = {layer.name: children}
    services = profiled_services({layer.name: seconds}, splits={layer.name: splits}, limits=limits, start_up=start_up)
    replayed = replay_flow(emit_states(graph, FanOut(layer.name)), services=services)
    if replayed.status != "SUCCEEDED":
        raise RuntimeError(f"{splits} splits: {replayed.error}: {replayed.cause}")
    attempts = services.jobs.attempts
    return Run(replayed.seconds, sum(_bill(attempt, start_up) for attempt in attempts), len(attempts))


def _one_by_one(splits: int, seconds: float, start_up: float, limit: int) -> Run:
    """Return the execution of a fan-out with a job for each split, of which a number run at once."""
    billed = splits * max(USUAL_COSTS.minimum, USUAL_COSTS.billed_start_up + seconds)
    return Run(math.ceil(splits / limit) * (start_up + seconds), billed, splits)


def rows(folder: Path) -> Iterator[Row]:
    """Yield the rows: workflows, fan-outs and a chain.

    Args:
        folder: The folder with the workflows.
    """
    workflows = [load(file) for file in sorted(folder.glob("*.json"))]
    for start_up in _START_UPS:
        apart = [run_workflow(workflow, start_up, packed=False) for workflow in workflows]
        packed = [run_workflow(workflow, start_up, packed=True) for workflow in workflows]
        yield from _of_workflows(start_up, packed, apart)
    for start_up in _START_UPS:
        yield from _of_fan_outs(start_up)
    for start_up in _START_UPS:
        yield from _of_chain(start_up)


def _of_workflows(start_up: float, packed: Sequence[Run], apart: Sequence[Run]) -> Iterator[Row]:
    note = f"geometric means over {len(packed)} workflows"
    later = [own.seconds / other.seconds for own, other in zip(packed, apart, strict=True)]
    dearer = [own.billed / other.billed for own, other in zip(packed, apart, strict=True)]
    yield _row(
        "makespan of workflows",
        start_up,
        (_mean(run.seconds for run in packed), _mean(run.seconds for run in apart)),
        faster(1.45),
        note=f"{note}, single ones {1 / max(later):.2f} to {1 / min(later):.2f} times shorter",
    )
    yield _row(
        "billed for workflows",
        start_up,
        (_mean(run.billed for run in packed), _mean(run.billed for run in apart)),
        less(2.5),
        unit="vCPU s",
        note=f"{note}, single ones {1 / max(dearer):.2f} to {1 / min(dearer):.2f} times less",
    )
    worst = Row(f"workflow that gains the least, {start_up} s start-up", max(later), None, "", unit="x")
    yield attrs.evolve(worst, target=at_most(1.02, "x") if start_up == _GOALS else None, note="its makespan")


def _of_fan_outs(start_up: float) -> Iterator[Row]:
    seconds = 2
    for splits in (1_000, 10_000):
        for limit in (None, 256):
            children = limit or math.ceil(splits / splits_per_job(seconds, splits))
            packed = run_fan_out(splits, seconds, start_up, children)
            apart = _one_by_one(splits, seconds, start_up, limit or splits)
            name = f"{splits:,} splits of {seconds} s, {f'{limit} at a time' if limit else 'all at once'}"
            goals = (faster(10), less(12)) if limit and splits == 10_000 else (None, None)  # noqa: PLR2004 - the goal's
            note = f"{packed.jobs} jobs; the baseline is {apart.jobs:,} jobs"
            yield _row(f"makespan of {name}", start_up, (packed.seconds, apart.seconds), goals[0], note=note)
            yield _row(f"billed for {name}", start_up, (packed.billed, apart.billed), goals[1], unit="vCPU s")


def _of_chain(start_up: float) -> Iterator[Row]:
    depends = {name: tuple(above) for name, above in programs.chain(10).items()}
    chain = Workflow("Chain", dict.fromkeys(depends, 1.0), depends, None)
    packed, apart = (run_workflow(chain, start_up, packed=way) for way in (True, False))
    note = f"{packed.jobs} job"
    yield _row("makespan of 10 layers of 1 s", start_up, (packed.seconds, apart.seconds), faster(8), note=note)
    yield _row("billed for 10 layers of 1 s", start_up, (packed.billed, apart.billed), None, unit="vCPU s")


def _row(  # noqa: PLR0913 - the parts of a row
    subject: str,
    start_up: float,
    figures: tuple[float, float],
    target: Target | None,
    *,
    unit: str = "s",
    note: str = "",
) -> Row:
    own, other = figures
    goal = target if start_up == _GOALS else None
    return Row(f"{subject}, {start_up:g} s start-up", own, other, _ALONE, unit=unit, target=goal, note=note)


def less(times: float) -> Target:
    """Return the goal that our figure is that many times less than the baseline's."""
    return attrs.evolve(faster(times), text=f"{times:g}x less")


def _mean(values: Iterable[float]) -> float:
    return statistics.geometric_mean(values)


def main(arguments: list[str]) -> int:
    """Print the rows of a folder of workflows.

    Args:
        arguments: The command's arguments.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks startup", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workflows", type=Path, required=True, help="the folder with the workflows")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if not any(options.workflows.glob("*.json")):
        print(f"there are no workflows in {options.workflows}", file=sys.stderr)
        return 1
    found = []
    for row in rows(options.workflows):
        found.append(row)
        print(row, file=sys.stderr if options.json else sys.stdout, flush=True)
    if options.json:
        print(json.dumps(report.document("startup", found), indent=2))
    return 0

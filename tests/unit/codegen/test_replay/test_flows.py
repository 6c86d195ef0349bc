"""The machines of compiled flows: valid, and run to their end."""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs
import pytest

from laminar_codegen.ir.plan import layers_of
from laminar_codegen.lower_states.states import emit_states
from laminar_codegen.pipeline import Compilation
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.planning.pack_splits import pack_splits
from laminar_codegen.rehearsal.simulated import (
    Attempt,
    Invocation,
    JobResult,
    NamedError,
    Replayed,
    Services,
    profiled_services,
    redrive,
    replay_flow,
    validate,
)
from laminar_codegen.render.terraform_json import render_machine
from laminar_runtime import task_environment
from tests.support.golden import CASES, compilation_of
from tests.support.graph_notation import graph_in, profile_of
from tests.unit.property.test_machines import REFERENCES


def test_a_limit_takes_time_and_no_transitions() -> None:
    """Ten splits of two seconds, at most four at once, take three rounds, and no transition more than all at once."""

    def replayed(options: str) -> Replayed:
        graph = graph_in(f"A\nB | each=A.x {options}")
        services = profiled_services({"B": 2}, splits={"B": 10}, limits={"B": 4} if options else {})
        return replay_flow(emit_states(graph, make_plan(graph)), services=services)

    limited, unlimited = replayed("max_concurrency=4"), replayed("")
    assert (limited.seconds, unlimited.seconds) == (6, 2)
    assert limited.transitions == unlimited.transitions


def test_jobs_of_several_splits_start_sooner_than_one_for_each() -> None:
    """The planner divides 10,000 splits of two seconds into jobs of four minutes, in as many transitions."""
    graph = graph_in("A\nB | each=A.x takes=2")
    packed = pack_splits(graph, profile_of({"B": 2}))
    services = profiled_services({"B": 2}, splits={"B": 10_000})
    replayed = replay_flow(emit_states(packed, make_plan(packed)), services=services)
    assert (replayed.seconds, len(services.jobs.attempts)) == (240, 85)  # 84, and that of A
    alone = replay_flow(
        emit_states(graph, make_plan(graph)), services=profiled_services({"B": 2}, splits={"B": 10_000})
    )
    assert replayed.transitions == alone.transitions


@attrs.define
class Work:
    """What the jobs and functions of a flow do, which fails as long as it is broken."""

    services: Services
    broken: bool = False
    done: list[str] = attrs.field(factory=list)

    @classmethod
    def of(cls, splits: dict[str, int]) -> Work:
        """Ten seconds each."""
        work = cls(profiled_services({}, splits=splits, otherwise=10))
        plan = work.services.functions.run

        def call(invocation: Invocation) -> Any:
            if "planner" in invocation.name:
                return plan(invocation)
            if work.broken:
                raise NamedError("Broken")
            return work.done.append(invocation.payload["layer"])

        answer = work.services.jobs.run

        def run(attempt: Attempt) -> JobResult | None:
            return answer(attempt) if task_environment.PLAN_QUESTION in attempt.environment else work.run(attempt)

        work.services.jobs.run = run
        work.services.functions.run = call
        return work

    def run(self, attempt: Attempt) -> JobResult:
        """End a job."""
        if not self.broken:
            self.done.append(attempt.layer)
        return JobResult(exit_code=int(self.broken))


@pytest.mark.parametrize("case", CASES)
def test_golden_flows_run(case: str) -> None:
    """Every layer of every golden flow runs, with as many splits as the test chooses, in a machine without problems."""
    compilation = compilation_of(case)
    for machine in compilation.machines:
        assert validate(render_machine(machine, REFERENCES)) == []
    wide = {layer.name for graph in compilation.graphs for layer in graph.layers if layer.foreach}
    work = Work.of(dict.fromkeys(wide, 3))
    replayed = replay_flow(compilation.machines, services=work.services)
    assert replayed.status == "SUCCEEDED", replayed
    assert Counter(work.done) == Counter({name: 3 if name in wide else 1 for name in _layers(compilation)})
    assert replayed.seconds >= 10


#: Where hooks decide on attempts, a state asks the planner after a failure, and fails in its turn.
ATTEMPTS_BY_HOOKS = {"hooks"}


@pytest.mark.parametrize("case", [case for case in CASES if case not in ATTEMPTS_BY_HOOKS])
def test_golden_flows_are_redriven(case: str) -> None:
    """Whichever job of a golden flow fails first, for good, a redrive runs what has not run."""
    compilation = compilation_of(case)
    work = Work.of({})
    work.broken = True
    failed = replay_flow(compilation.machines, services=work.services)
    assert failed.status == "FAILED"
    work.broken = False
    ended = redrive(failed)
    assert ended.status == "SUCCEEDED", ended
    assert Counter(work.done) == Counter(_layers(compilation))


def _layers(compilation: Compilation) -> list[str]:
    return [name for unit in compilation.units for name in layers_of(unit.plan)]

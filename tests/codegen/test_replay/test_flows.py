"""The machines of compiled flows: valid, and run to their end."""

from __future__ import annotations

from collections import Counter

import pytest

from laminar_codegen.pipeline import compile_flow
from laminar_codegen.plan import layers_of
from laminar_codegen.render import render_machine
from laminar_codegen.replay import JobResult, profiled_services, redrive, replay_flow, validate
from tests.codegen.test_golden import CASES, _source
from tests.property.test_machines import REFERENCES


@pytest.mark.parametrize("case", CASES)
def test_golden_flows_run(case: str) -> None:
    """Every layer of every golden flow runs, with as many splits as it is told, in a machine without problems."""
    compilation = compile_flow(str(_source(case) / "flow.py"))
    assert [validate(render_machine(machine, REFERENCES)) for machine in compilation.machines] == [[]] * len(
        compilation.machines
    )
    wide = {layer.name for layer in compilation.graph.layers if layer.foreach}
    services = profiled_services({}, splits=dict.fromkeys(wide, 3), otherwise=10)
    replayed = replay_flow(compilation.machines, services=services)
    assert replayed.status == "SUCCEEDED", replayed
    ran = Counter(attempt.layer for attempt in services.jobs.attempts)
    assert ran == Counter({name: 3 if name in wide else 1 for name in layers_of(compilation.plan)})
    assert replayed.seconds >= 10


#: Where hooks decide on attempts, a state asks the planner after a failure, and fails in its turn.
ATTEMPTS_BY_HOOKS = {"hooks"}


@pytest.mark.parametrize("case", [case for case in CASES if case not in ATTEMPTS_BY_HOOKS])
def test_golden_flows_are_redriven(case: str) -> None:
    """Whichever job of a golden flow fails first, for good, a redrive runs what has not run."""
    compilation = compile_flow(str(_source(case) / "flow.py"))
    broken = [True]
    services = profiled_services({}, otherwise=10)
    services.jobs.run = lambda _: JobResult(exit_code=int(bool(broken)))
    failed = replay_flow(compilation.machines, services=services)
    assert failed.status == "FAILED"
    broken.clear()
    ended = redrive(failed)
    assert ended.status == "SUCCEEDED", ended
    done = Counter(attempt.layer for attempt in services.jobs.attempts if attempt.outcome == "SUCCEEDED")
    assert done == Counter(list(layers_of(compilation.plan)))

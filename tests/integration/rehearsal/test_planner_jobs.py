"""A flow of an organisation without AWS Lambda: jobs plan its layers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

FLOW = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import hooks, planners, schedulers
from laminar_runtime.configurations.layers import ForEach, Parameter, Retry


class Planned(Flow): ...


@Planned.register
class Load(Layer):
    def __call__(self) -> None:
        self.shard(item=[1, 2])


@Planned.register(foreach=ForEach([Parameter(Load, "item")]), retry=Retry(attempts=3, delay=0.1, jitter=0))
class Work(Layer):
    def __call__(self, load: Load) -> None:
        if self.attempt == 2 and self.index == 1:
            raise MemoryError
        self.done = (load.item, self.attempt)

    @hooks.submission
    def fail(self) -> None:
        if self.attempt == 1:
            raise RuntimeError("not now")

    @hooks.retry
    def more(self) -> None:
        self.configuration.container.memory *= 2


@Planned.register
class Last(Layer):
    def __call__(self, work: Work) -> None:
        self.done = list(work.done)

    @hooks.entry
    def always(self) -> bool:
        return True


if flow := Planned(scheduler=schedulers.AWS.StepFunctions(planner=planners.AWS.Batch(memory=1024))):
    flow()
"""


def test_jobs_plan_layers(tmp_path: Path) -> None:
    """A failed submission hook is called again, a failed split is planned again, and the roles have what they need."""
    (tmp_path / "flow.py").write_text(FLOW, encoding="utf-8")
    words = ("rehearse", "flow.py", "--quiet", "--unused", "--save", "results")
    ended = subprocess.run(
        [sys.executable, "-m", "laminar_codegen", *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads((tmp_path / "results/Last/done.json").read_text(encoding="utf-8")) == [[1, 2], [2, 3]]
    unused = [line for line in ended.stderr.splitlines() if "not used" in line]
    assert not [line for line in unused if "planner" in line or "ReadAnswers" in line], unused

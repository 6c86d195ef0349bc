"""What a rehearsed execution left: artifacts that some splits did not assign are shown, with a warning."""

from __future__ import annotations

import json
from pathlib import Path

from laminar_runtime import Flow, Layer, results
from laminar_runtime.configurations.layers import Catch, ForEach, Parameter
from laminar_runtime.exceptions import LaminarError
from tests.support.harness import failure, in_memory


class Some(Flow): ...


@Some.register
class Numbers(Layer):
    def __call__(self) -> None:
        self.shard(n=[1, 0, 2])


@Some.register(foreach=ForEach(parameters=[Parameter(Numbers, "n")]), catch=Catch(ZeroDivisionError))
class Inverse(Layer):
    def __call__(self, numbers: Numbers) -> None:
        self.n = numbers.n
        self.value = 1 / numbers.n


@Some.register
class Fails(Layer):
    def __call__(self, inverse: Inverse) -> None:
        self.kept = "until it failed"
        raise LaminarError


def test_artifacts_that_are_absent(tmp_path: Path) -> None:
    """Those of the other splits are shown and saved, and the warning names the splits."""
    flow = in_memory(Some)
    failure(lambda: flow("e1"))
    found = {f"{result.layer}.{result.attribute}": result for result in results.collect(flow.execution("e1"))}
    assert str(found["Inverse.n"]) == "Inverse.n = 3 values"
    value = found["Inverse.value"]
    assert str(value) == "Inverse.value = 2 values, of 2 of 3 splits"
    assert "'value' of layer 'Inverse' was not assigned by split 1 of 0 to 2" in value.warning
    assert json.loads(results.save(value, tmp_path).read_text(encoding="utf-8")) == [1.0, 0.5]

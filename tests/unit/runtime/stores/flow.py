"""The flow that wrote the stores in this folder, each as the release in its name writes."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import datastores, executors
from laminar_runtime.configurations.layers import ForEach, Parameter, Retry


class Kept(Flow): ...


@Kept.register(retry=Retry(attempts=2, delay=0))
class Shards(Layer):
    def __call__(self, parameters: Parameters) -> None:
        self.attempts = self.attempt
        self.shard(number=range(parameters.n), letter="ab")
        self.plain = "plain"
        if self.attempt == 1:
            self.left = "of attempt 1"
            raise OSError("at first")


@Kept.register(foreach=ForEach(parameters=[Parameter(Shards, "number"), Parameter(Shards, "letter")]))
class Each(Layer):
    def __call__(self, shards: Shards) -> None:
        self.cell = f"{shards.number}{shards.letter}"
        self.shard(pair=[shards.number, shards.letter])
        if self.index == 3 and os.environ.get("KEPT") == "fails":
            self.tried = True
            raise OSError("split 3")


@Kept.register(foreach=ForEach(parameters=[Parameter(Each, "cell", index=None)]))
class Chained(Layer):
    def __call__(self, each: Each) -> None:
        self.shout = each.cell.upper()


@Kept.register
class Total(Layer):
    def __call__(self, chained: Chained, each: Each, shards: Shards) -> None:
        self.all = [list(chained.shout), list(each.pair), list(shards.number), shards.plain]


def write_store() -> dict[str, str]:
    """Run an execution that ends and one whose last split fails, and return each key with its bytes, in Latin-1.

    The names of this machine and of its folders are left out.
    """
    flow = Kept(datastore=(store := datastores.Memory()), executor=executors.Thread())
    flow("whole", n=2)
    os.environ["KEPT"] = "fails"
    with contextlib.suppress(OSError):
        flow("half", n=2)
    here = {str(Path(__file__).parents[4]): "/flows", os.uname().nodename: "machine"}
    return {key: _replace(content.decode("latin-1"), here) for key, content in sorted(store.workspace.items())}


def _replace(text: str, names: dict[str, str]) -> str:
    for name, other in names.items():
        text = text.replace(name, other)
    return text


if __name__ == "__main__":  # python -m tests.unit.runtime.stores.flow > tests/unit/runtime/stores/format_N.json
    print(json.dumps(write_store(), indent=0))  # noqa: T201 - the store

"""Many short splits that share jobs: 60 splits run in 3 jobs on AWS Batch, one after the other in each.

Run it with ``python flow.py``, or on an embedded AWS with ``laminar-codegen rehearse flow.py``. A job takes longer to
start than such a split takes to run.
"""

from __future__ import annotations

from laminar_runtime import Flow, Layer, Parameters, each
from laminar_runtime.configurations.layers import Container, ForEach, Parameter


class Primes(Flow):
    """Counts the primes below a number, by blocks."""

    container = Container(command="python flow.py", cpu=0.25, memory=512)


@Primes.register
class Inputs(Parameters):
    """What an execution is started with."""

    blocks: int = 60
    size: int = 100


@Primes.register
class Blocks(Layer):
    """Lists the blocks."""

    begin: int

    def __call__(self, inputs: Inputs) -> None:
        self.shard(begin=range(0, inputs.blocks * inputs.size, inputs.size))


@Primes.register(foreach=ForEach([Parameter(Blocks, "begin")], splits_per_job=20))
class Count(Layer):
    """Counts the primes of a block."""

    count: int

    def __call__(self, inputs: Inputs, blocks: Blocks) -> None:
        numbers = range(max(2, blocks.begin), blocks.begin + inputs.size)
        self.count = sum(all(number % factor for factor in range(2, int(number**0.5) + 1)) for number in numbers)


@Primes.register
class Sum(Layer):
    """Adds up the blocks."""

    primes: int

    def __call__(self, count: Count) -> None:
        self.primes = sum(each(count, lambda count: count.count))


flow = Primes()

if __name__ == "__main__" and flow:
    print(flow().layer(Sum).primes)

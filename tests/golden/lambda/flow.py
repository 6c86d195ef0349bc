"""A flow on AWS Lambda alone: there are no jobs, no job queue, and no roles of theirs."""

from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container, ForEach, Parameter, Retry


class Short(Flow):
    """Is over soon."""


@Short.register
class Split(Layer):
    """One invocation."""

    def __call__(self, parameters: Parameters) -> None:
        self.shard(word=parameters.text.split())


@Short.register(
    container=Container(
        image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/count:1",
        memory=512,
        ephemeral_storage=2,
        architecture="arm64",
    ),
    executor=executors.AWS.Lambda(timeout=60, concurrency=10),
    foreach=ForEach([Parameter(Split, "word")]),
    retry=Retry(attempts=3, delay=2),
)
class Count(Layer):
    """One invocation for each word, ten at once, in a function of its own."""

    def __call__(self, split: Split) -> None:
        self.letters = len(split.word)


@Short.register(retry=Retry(attempts=2, on=(ConnectionError, "out of memory")))
class Total(Layer):
    """One invocation, tried twice after some failures."""

    def __call__(self, count: Count) -> None:
        self.letters = sum(count.letters)


if flow := Short(executor=executors.AWS.Lambda()):
    flow()

"""The programs that are measured: the same work written for us and for each peer.

Each function returns the text of a file. Layers do almost nothing, so that the framework is measured.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

__all__ = [
    "Dependencies",
    "cdk_chain",
    "chain",
    "chained_diamonds",
    "laminar",
    "laminar_chain",
    "laminar_foreach",
    "metaflow_chain",
    "metaflow_diamonds",
    "metaflow_foreach",
    "random_dag",
    "sfnx_chain",
]

#: The layers that each layer depends on, in an order that registers a layer after those.
Dependencies = Mapping[str, Sequence[str]]


def chain(length: int) -> Dependencies:
    """Return layers in a row."""
    return {f"L{number}": [f"L{number - 1}"] if number else [] for number in range(length)}


def chained_diamonds(length: int) -> Dependencies:
    """Return that many layers in a sequence of diamonds of four, ``a < b, c < d``, which share their ends."""
    found: dict[str, list[str]] = {"L0": []}
    while len(found) + 3 <= length:
        at = len(found)
        found |= {
            f"L{at}": [f"L{at - 1}"],
            f"L{at + 1}": [f"L{at - 1}"],
            f"L{at + 2}": [f"L{at}", f"L{at + 1}"],
        }
    return found


def random_dag(length: int, *, seed: int = 1) -> Dependencies:
    """Return layers that depend on up to three of the hundred layers before them."""
    chance = random.Random(seed)  # noqa: S311 - the same graph each time
    return {
        f"L{number}": sorted(
            {f"L{chance.randrange(max(0, number - 100), number)}" for _ in range(chance.randint(1, 3))}
        )
        if number
        else []
        for number in range(length)
    }


def laminar(dependencies: Dependencies, *, flow: str = "Bench") -> str:
    """Return the text of our flow with these layers; each adds the numbers that it reads."""
    parts = [f"from laminar_runtime import Flow, Layer\n\n\nclass {flow}(Flow): ...\n"]
    for name, before in dependencies.items():
        parameters = "".join(f", {other.lower()}: {other}" for other in before)
        total = " + ".join(["1", *(f"{other.lower()}.value" for other in before)])
        body = f"    def __call__(self{parameters}) -> None:\n        self.value = {total}\n"
        parts.append(f"\n\n@{flow}.register\nclass {name}(Layer):\n{body}")
    return "".join(parts) + f"\n\nif flow := {flow}():\n    flow()\n"


def laminar_chain(length: int) -> str:
    """Return the text of our flow with layers in a row."""
    return laminar(chain(length))


def laminar_foreach(width: int) -> str:
    """Return the text of our flow that fans out over numbers and adds them up."""
    return f"""\
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import ForEach, Parameter


class Bench(Flow): ...


@Bench.register
class Start(Layer):
    def __call__(self) -> None:
        self.shard(number=range({width}))


@Bench.register(foreach=ForEach(parameters=[Parameter(layer=Start, attribute="number")]))
class Square(Layer):
    def __call__(self, start: Start) -> None:
        self.value = start.number ** 2


@Bench.register
class End(Layer):
    def __call__(self, square: Square) -> None:
        self.total = sum(square.value)


if flow := Bench():
    flow()
"""


def metaflow_chain(length: int) -> str:
    """Return the text of a Metaflow flow with steps in a row."""
    names = ["start", *(f"l{number}" for number in range(1, length - 1)), "end"]
    onward = zip(names, [*names[1:], ""], strict=True)
    return _metaflow([_metaflow_step(name, "self.value = 1", after) for name, after in onward])


def metaflow_diamonds(number: int) -> str:
    """Return the text of a Metaflow flow with a sequence of diamonds."""
    steps = [_metaflow_step("start", "self.value = 1", "a0")]
    for at in range(number):
        after = f"a{at + 1}" if at + 1 < number else "end"
        steps += [
            _metaflow_step(f"a{at}", "pass", f"b{at}, self.c{at}"),
            _metaflow_step(f"b{at}", "pass", f"d{at}"),
            _metaflow_step(f"c{at}", "pass", f"d{at}"),
            _metaflow_step(f"d{at}", "pass", after, inputs=", inputs"),
        ]
    return _metaflow([*steps, _metaflow_step("end", "pass", "")])


def metaflow_foreach(width: int) -> str:
    """Return the text of a Metaflow flow that fans out over numbers and adds them up."""
    return _metaflow(
        [
            _metaflow_step("start", f"self.numbers = list(range({width}))", "square, foreach='numbers'"),
            _metaflow_step("square", "self.value = self.input ** 2", "join"),
            _metaflow_step("join", "self.total = sum(i.value for i in inputs)", "end", inputs=", inputs"),
            _metaflow_step("end", "pass", ""),
        ]
    )


def _metaflow_step(name: str, body: str, after: str, *, inputs: str = "") -> str:
    onward = f"        self.next(self.{after})\n" if after else ""
    return f"\n    @step\n    def {name}(self{inputs}):\n        {body}\n{onward}"


def _metaflow(steps: Sequence[str]) -> str:
    head = "from metaflow import FlowSpec, step\n\n\nclass Bench(FlowSpec):"
    return head + "".join(steps) + '\n\nif __name__ == "__main__":\n    Bench()\n'


def sfnx_chain(length: int) -> str:
    """Return the text of an sfnx state machine that submits jobs in a row."""
    head = "from sfnx import state_machine, task\n\n\n@state_machine\ndef bench(input: dict[str, str]):\n"
    jobs = [
        f'    task("arn:aws:states:::batch:submitJob.sync", {{"JobName": "layer-{number}", '
        '"JobDefinition": input["definition"], "JobQueue": input["queue"], '
        f'"ContainerOverrides": {{"Environment": [{{"Name": "LAYER", "Value": "L{number}"}}]}}}})\n'
        for number in range(length)
    ]
    return head + "".join(jobs) + '    return {"done": True}\n'


def cdk_chain(length: int) -> str:
    """Return the text of a stack of the Cloud Development Kit with a state machine that submits jobs in a row."""
    return f"""\
import aws_cdk as cdk
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

app = cdk.App()
stack = cdk.Stack(app, "Bench")
chain = None
for number in range({length}):
    job = tasks.BatchSubmitJob(
        stack,
        f"Layer{{number}}",
        job_name=f"layer-{{number}}",
        job_definition_arn="arn:aws:batch:us-east-1:123456789012:job-definition/layer:1",
        job_queue_arn="arn:aws:batch:us-east-1:123456789012:job-queue/queue",
        container_overrides=tasks.BatchContainerOverrides(environment={{"LAYER": f"L{{number}}"}}),
    )
    chain = job if chain is None else chain.next(job)
sfn.StateMachine(stack, "Machine", definition_body=sfn.DefinitionBody.from_chainable(chain))
app.synth()
"""

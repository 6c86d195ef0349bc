"""Chooses where the layers of `AWS.Auto` run: on AWS Lambda if they end sooner there, or about as soon for less money.

Before: ``Publish`` on AWS Batch, with a function of AWS Lambda as the alternative, and that it takes 2 seconds. After:
``Publish`` on AWS Lambda. The passes that follow see targets as if the flow had named them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import attrs

from laminar_codegen.ir.graph import Graph, LayerNode
from laminar_codegen.ir.placement import USUAL, Target
from laminar_codegen.ir.plan import Packing
from laminar_codegen.ir.structs import Struct
from laminar_codegen.limits import LAMBDA_PROCESSOR
from laminar_codegen.planning.choose_packs import choose_option
from laminar_codegen.planning.pack_costs import USUAL_COSTS, Costs
from laminar_codegen.planning.pack_schedule import Capacity
from laminar_codegen.targets.aws_lambda import checks
from laminar_codegen.targets.batch.target import job_size
from laminar_runtime import prices

__all__ = ["FUNCTION_START_UP", "Choice", "Forecast", "choose_targets", "obstacle"]

#: Seconds until a function has started and has imported the flow. Its container takes up to about a second,
#: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html, and is billed from then on.
FUNCTION_START_UP = 3.0
#: How many times as long as measured, in nine of ten executions, a layer may take before its function is stopped.
_MARGIN = 3


@attrs.frozen(eq=False, repr=False)
class Forecast(Struct):
    """What a task takes.

    Args:
        seconds: Seconds until it ends, with its start-up.
        dollars: What is billed, with its state.
        start_up: The seconds of its start-up.
        measured: Whether the profile says so.
    """

    seconds: float
    dollars: float
    start_up: float = 0.0
    measured: bool = False


@attrs.frozen(eq=False, repr=False)
class Choice(Struct):
    """Where a layer runs, and why.

    Args:
        layer: The layer on its target.
        obstacle: Why it keeps its own target, None if there was a choice.
        job: The forecast on AWS Batch, None without a choice.
        function: The forecast on AWS Lambda, None without a choice.
    """

    layer: LayerNode
    obstacle: str | None = None
    job: Forecast | None = None
    function: Forecast | None = None

    @property
    def moves(self) -> bool:
        """Whether the layer runs on AWS Lambda."""
        return self.layer.alternative is None


def choose_targets(
    graph: Graph,
    durations: Mapping[str, float] | None,
    packing: Packing = "off",
    costs: Costs = USUAL_COSTS,
) -> tuple[Graph, tuple[Choice, ...]]:
    """Choose the targets of the layers that have an alternative.

    If layers may share jobs, there are two ways: the targets are chosen first, and what stays on AWS Batch is packed;
    or all layers are packed first, and the targets of those are chosen that are left alone. The better one is taken.

    Args:
        graph: A graph that passed the checks.
        durations: Seconds by layer, None without a profile: then all layers keep their own target.
        packing: Which layers may share jobs.
        costs: What jobs cost.

    Returns:
        The graph, in which these layers have their target; and a choice for each of them, in their order.
    """
    choices = tuple(
        _choose(graph, layer, layer.alternative, durations, costs)
        for layer in graph.layers
        if layer.alternative is not None
    )
    if packing != "off" and durations and any(choice.moves for choice in choices):
        choices = _best_with_packs(graph, durations, choices, packing, costs)
    return _with(graph, choices), choices


def _best_with_packs(
    graph: Graph, durations: Mapping[str, float], choices: tuple[Choice, ...], packing: Packing, costs: Costs
) -> tuple[Choice, ...]:
    """Return the choices, or those in which the layers that may share jobs keep their own target."""
    work, option = choose_option(graph, packing, durations, costs)
    packed = {work.units[member].layers[0] for job in option.jobs if len(job.members) > 1 for member in job.members}
    if not packed:
        return choices
    layers = {layer.name: layer for layer in graph.layers}
    others = tuple(
        attrs.evolve(
            choice, layer=layers[choice.layer.name], obstacle="shares a job, so that the flow ends sooner or costs less"
        )
        if choice.moves and choice.layer.name in packed
        else choice
        for choice in choices
    )
    ways = [(_forecast(graph, durations, way, packing, costs), way) for way in (choices, others)]
    shortest = min(forecast.seconds for forecast, _ in ways)
    latest = max(costs.at(layer.placement).latest(shortest) for layer in graph.layers)
    near = [way for way in ways if way[0].seconds <= latest]
    return min(near, key=lambda way: (way[0].dollars, way[0].seconds))[1]


def _forecast(
    graph: Graph, durations: Mapping[str, float], choices: tuple[Choice, ...], packing: Packing, costs: Costs
) -> Forecast:
    """Return what a flow takes with some choices."""
    functions = {choice.layer.name: choice.function for choice in choices if choice.moves and choice.function}
    takes = {**durations, **{name: forecast.seconds for name, forecast in functions.items()}}
    _, option = choose_option(_with(graph, choices), packing, takes, costs)
    return Forecast(option.seconds, option.dollars + math.fsum(one.dollars for one in functions.values()))


def _with(graph: Graph, choices: tuple[Choice, ...]) -> Graph:
    """Return a graph with the layers of some choices."""
    if not any(choice.moves for choice in choices):
        return graph
    chosen = {choice.layer.name: choice.layer for choice in choices}
    return attrs.evolve(graph, layers=tuple(chosen.get(layer.name, layer) for layer in graph.layers))


def _choose(
    graph: Graph, layer: LayerNode, alternative: Target, durations: Mapping[str, float] | None, costs: Costs
) -> Choice:
    on_function = _on_function(layer, alternative)
    seconds = None if durations is None else durations.get(layer.name)
    slow = None if seconds is None else _slow(layer, seconds, costs)
    why = "there is no profile" if durations is None else obstacle(graph, layer, on_function, slow)
    if why is not None or seconds is None:
        return Choice(layer, why)
    job, function = _of_job(layer, seconds, costs), _of_function(on_function, layer, seconds, costs)
    latest = costs.at(layer.placement).latest(min(job.seconds, function.seconds))
    options = [(found, place) for found, place in ((function, on_function), (job, layer)) if found.seconds <= latest]
    _, chosen = min(options, key=lambda option: (option[0].dollars, option[0].seconds))
    return Choice(chosen, None, job, function)


def obstacle(graph: Graph, layer: LayerNode, on_function: LayerNode, seconds: float | None) -> str | None:
    """Return why a layer cannot run on AWS Lambda, None if it can.

    Args:
        graph: The graph of its flow.
        layer: The layer.
        on_function: The layer on AWS Lambda.
        seconds: The seconds that nine of ten executions do not exceed, None if it was not measured.

    Example:
        ``"fans out"`` for a layer that runs once for each element: how many there are is known when it runs, and AWS
        Lambda runs at most 1,000.
    """
    return next(_obstacles(graph, layer, on_function, seconds), None)


def _obstacles(graph: Graph, layer: LayerNode, on_function: LayerNode, seconds: float | None) -> Iterator[str]:
    if layer.foreach:
        yield "fans out"
    if layer.sized:
        yield "has hooks that choose its container"
    if "cpu" in layer.container.requested and layer.container.cpu > _processors(layer):
        yield (
            f"asks for {layer.container.cpu:g} virtual CPUs, and a function with its {layer.container.memory:,} MiB "
            f"has {_processors(layer):.1f}"
        )
    yield from _refusals(graph, on_function)
    if seconds is None:
        yield "has no measured duration"
    else:
        work, limit = _work(layer, seconds), graph.timeout_of(on_function.executor)
        if work * _MARGIN > limit:
            yield f"takes {work:,.1f} s as a function, more than a third of its timeout of {limit:,.10g} s"


def _slow(layer: LayerNode, seconds: float, costs: Costs) -> float:
    """Return the seconds that nine of ten executions of a layer do not exceed, as far as the profile knows."""
    spread = None if costs.profile is None else costs.profile.spread(layer.name)
    return seconds if spread is None else max(seconds, spread.high)


def _refusals(graph: Graph, on_function: LayerNode) -> Iterator[str]:
    """Yield what the rules of AWS Lambda find. What a layer has from its flow counts as its own: it may need it."""
    image, processors = on_function.container.image, on_function.container.architecture
    sharing = [one for one in graph.layers if one.container.image == image and one.container.architecture != processors]
    alone = attrs.evolve(graph, layers=(attrs.evolve(on_function, inherited=frozenset()), *sharing[:1]))
    for rule in checks.RULES:
        for problem in rule(alone):
            yield f"would break {problem.code} on AWS Lambda: {problem.what}"


def _on_function(layer: LayerNode, target: Target) -> LayerNode:
    """Return a layer on AWS Lambda, where its memory says how many processors it has."""
    container = attrs.evolve(layer.container, cpu=USUAL.cpu)
    return attrs.evolve(layer, executor=target, container=container, alternative=None)


def _processors(layer: LayerNode) -> float:
    return layer.container.memory / LAMBDA_PROCESSOR


def _work(layer: LayerNode, seconds: float) -> float:
    """Return the seconds of a layer on AWS Lambda: more, if it has less of a processor there."""
    return seconds * max(1.0, layer.container.cpu / _processors(layer))


def _of_function(on_function: LayerNode, layer: LayerNode, seconds: float, costs: Costs) -> Forecast:
    measured = costs.start_of(on_function.placement)
    start_up = FUNCTION_START_UP if measured is None else measured.seconds
    takes = start_up + _work(layer, seconds)
    container = layer.container
    dollars = prices.function(takes, memory_mib=container.memory, architecture=container.architecture)
    return Forecast(takes, dollars + prices.TRANSITION, start_up, measured is not None)


def _of_job(layer: LayerNode, seconds: float, costs: Costs) -> Forecast:
    of_cpu, of_memory = prices.FARGATE[layer.container.architecture]
    own = attrs.evolve(costs.at(layer.placement), of_cpu=of_cpu, of_memory=of_memory)
    dollars = own.bill(Capacity(*job_size(layer.placement)), seconds)
    return Forecast(own.start_up + seconds, dollars, own.start_up, costs.start_of(layer.placement) is not None)

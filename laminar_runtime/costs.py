"""What an execution cost: its orchestration and its compute, by its times and the prices of AWS."""

from __future__ import annotations

from typing import Any

from laminar_runtime import _records, prices
from laminar_runtime.timings import Attempt, Timings

__all__ = ["Cost", "LayerCost", "price"]

#: The platforms whose prices are known.
_FARGATE, _LAMBDA = "FARGATE", "LAMBDA"


@_records.frozen(kw_only=True)
class LayerCost:
    """What the attempts at a layer cost.

    Args:
        layer: The layer's name; of layers that run in one job, their names joined by ``+``.
        attempts: How many attempts there were.
        seconds: How many seconds they ran, all together.
        dollars: What those cost whose price is known.
        unknown: How many of them have no known price: Spot and EC2 have none, and an attempt that runs has no end.
    """

    layer: str
    attempts: int = 0
    seconds: float = 0.0
    dollars: float = 0.0
    unknown: int = 0


@_records.frozen(kw_only=True)
class Cost:
    """What an execution cost, in dollars, by the prices of us-east-1. It is an estimate, not a bill.

    Args:
        orchestration: The state transitions; None if they are unknown. A local run has none.
        transitions: How many there were; None if unknown.
        layers: The compute, layer by layer.
        notes: What is not in it, a line for each.

    Example:
        >>> cost = Cost(orchestration=0.0001, layers=[LayerCost(layer="Train", dollars=0.25, seconds=90.0)])
        >>> cost.compute, cost.total
        (0.25, 0.2501)
    """

    orchestration: float | None = None
    transitions: int | None = None
    layers: tuple[LayerCost, ...] = _records.field(default=(), converter=tuple)
    notes: tuple[str, ...] = _records.field(default=(), converter=tuple)

    @property
    def compute(self) -> float:
        """What the attempts cost whose price is known."""
        return sum(one.dollars for one in self.layers)

    @property
    def total(self) -> float:
        """What is known of the whole."""
        return self.compute + (self.orchestration or 0.0)

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        layers = [_records.plain(one) for one in self.layers]
        return {**_records.plain(self), "layers": layers, "compute": self.compute, "total": self.total}


def price(timings: Timings, transitions: int | None = None) -> Cost:
    """Return what an execution cost.

    Args:
        timings: Its times.
        transitions: How many state transitions it had; None if unknown.

    Example:
        >>> job = Attempt(layer="Train", started=0, stopped=3_600_000, platform="FARGATE", vcpus=1, memory_mib=2048)
        >>> cost = price(Timings(flow="Report", execution="e1", attempts=[job]), transitions=4)
        >>> round(cost.compute, 5), cost.orchestration
        (0.04937, 0.0001)
    """
    shared: dict[object, list[Attempt]] = {}
    for number, one in enumerate(timings.attempts):
        # Layers that run in one job are paid once. A job that was started again has an attempt of its own for each.
        shared.setdefault((one.job, one.attempt, one.created) if one.job else number, []).append(one)
    layers: dict[str, LayerCost] = {}
    for together in shared.values():
        name = "+".join(dict.fromkeys(one.layer for one in together))
        layers[name] = _add(layers.get(name, LayerCost(layer=name)), together)
    unknown = [one.layer for one in layers.values() if one.unknown]
    notes = [f"without a known price or end: attempts at {', '.join(unknown)}"] if unknown else []
    orchestration = None if transitions is None else transitions * prices.TRANSITION
    known = (*notes, *timings.notes)
    return Cost(orchestration=orchestration, transitions=transitions, layers=tuple(layers.values()), notes=known)


def _add(known: LayerCost, together: list[Attempt]) -> LayerCost:
    """Return the cost of layers with that of one more job."""
    begins = [one.started for one in together if one.started is not None]
    ends = [one.stopped for one in together if one.stopped is not None]
    seconds = (max(ends) - min(begins)) / 1000 if begins and len(ends) == len(together) else None
    dollars = None if seconds is None else _dollars(together[0], seconds)
    return _records.evolve(
        known,
        attempts=known.attempts + 1,
        seconds=known.seconds + (seconds or 0.0),
        dollars=known.dollars + (dollars or 0.0),
        unknown=known.unknown + (dollars is None),
    )


def _dollars(one: Attempt, seconds: float) -> float | None:
    """Return the price of an attempt, None if there is none. On this machine it is 0."""
    if one.where in {"process", "thread"}:
        return 0.0
    architecture = one.architecture.lower() or "x86_64"
    if one.platform == _FARGATE:
        return prices.fargate(seconds, vcpus=one.vcpus, memory_mib=one.memory_mib, architecture=architecture)
    if one.platform == _LAMBDA:
        return prices.function(seconds, memory_mib=one.memory_mib, architecture=architecture)
    return None

"""Samples durations of layers, for flows without measured durations.

Barriers cost little if all layers take equally long, and much if a few layers take most of the time, as in real flows.
So barriers are chosen by the average makespan over samples in which each layer is long once.
"""

from __future__ import annotations

__all__ = ["SAMPLES", "sample_durations"]

#: The number of samples. A prime number, see `sample_durations`.
SAMPLES = 13

#: The durations of a layer over the samples: most are shorter than the average, a few are many times longer.
_RANKED = [1 / (2 * (SAMPLES - rank) - 1) for rank in range(SAMPLES)]


def sample_durations(layers: int) -> list[tuple[float, ...]]:
    """Return durations of layers for each sample.

    Over all samples each layer has each duration once, and the average is 1. Two layers are long in the same sample
    no more often than by chance, because two lines of different slopes over the numbers modulo a prime meet once.

    Args:
        layers: The number of layers.

    Returns:
        For each layer its duration in each sample.
    """
    mean = sum(_RANKED) / SAMPLES
    durations = [seconds / mean for seconds in _RANKED]
    lines = [(slope, start) for start in range(SAMPLES) for slope in range(1, SAMPLES)]
    drawn = [
        tuple(durations[(slope * sample + start) % SAMPLES] for sample in range(SAMPLES)) for slope, start in lines
    ]
    return [drawn[layer % len(drawn)] for layer in range(layers)]

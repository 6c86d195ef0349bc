"""How long layers may take, when nobody knows: a few made-up courses of a flow's execution.

Barriers cost little if all layers take equally long, and much if a few take most of the time, as they do in real flows.
So barriers are placed by how long the plan takes on average over courses in which the layers take turns at being long.
"""

from __future__ import annotations

__all__ = ["COURSES", "scenarios"]

#: How many courses. A prime, see below.
COURSES = 13

#: What a layer takes, in the courses by rank: most take less than the average, a few take many times as much.
_RANKED = [1 / (2 * (COURSES - rank) - 1) for rank in range(COURSES)]


def scenarios(layers: int) -> list[tuple[float, ...]]:
    """How long layers take in each course.

    Over all courses each layer takes each of the durations once, and one on average. Which of them it takes in which
    course is chosen so that two layers are long in the same course no more often than chance would have it: as lines
    of different slopes over numbers modulo a prime meet just once.

    Args:
        layers: How many layers.

    Returns:
        For each layer a duration for each course.
    """
    mean = sum(_RANKED) / COURSES
    durations = [seconds / mean for seconds in _RANKED]
    lines = [(slope, start) for start in range(COURSES) for slope in range(1, COURSES)]
    drawn = [
        tuple(durations[(slope * course + start) % COURSES] for course in range(COURSES)) for slope, start in lines
    ]
    return [drawn[layer % len(drawn)] for layer in range(layers)]

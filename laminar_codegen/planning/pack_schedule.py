"""The schedule of a pack: when its layers start and end in their job.

The job starts the first layer, in the order of the pack, that waits for no other one and fits into what is free.
`laminar_runtime.tasks.pack` keeps the same rule, so that what is predicted here is what runs.
"""

from __future__ import annotations

import bisect
import heapq
import itertools
from collections.abc import Mapping, Sequence

import attrs

from laminar_codegen.ir.plan import Pack
from laminar_codegen.ir.structs import Struct

__all__ = ["Capacity", "pack_seconds", "schedule"]


@attrs.frozen(eq=False, repr=False)
class Capacity(Struct):
    """The size of a job, or of a layer in it.

    Args:
        cpu: Virtual CPUs.
        memory: Memory in MiB.
    """

    cpu: float
    memory: int


def schedule(
    after: Sequence[Sequence[int]], seconds: Sequence[float], needs: Sequence[Capacity], capacity: Capacity
) -> float:
    """Return when the last layer of a job ends.

    Args:
        after: The layers that each layer waits for, in the order in which layers start. Each comes after those.
        seconds: The seconds of each layer.
        needs: What each layer takes of the job.
        capacity: The size of the job. Each layer fits into it.

    Returns:
        Seconds from the start of the first layer.

    Example:
        >>> one = Capacity(1, 2048)
        >>> schedule([[], [], [0]], [1, 5, 2], [one] * 3, Capacity(2, 4096))
        5.0
    """
    least_cpu, least_memory = min(need.cpu for need in needs), min(need.memory for need in needs)
    if 2 * least_cpu > capacity.cpu or 2 * least_memory > capacity.memory:
        # One after the other, in their order.
        return list(itertools.accumulate(seconds, initial=0.0))[-1]
    followers: list[list[int]] = [[] for _ in after]
    left = [len(above) for above in after]
    for member, above in enumerate(after):
        for predecessor in above:
            followers[predecessor].append(member)
    ready = [member for member, count in enumerate(left) if not count]
    running: list[tuple[float, int]] = []
    now, cpu, memory = 0.0, capacity.cpu, capacity.memory
    while ready or running:
        place = 0
        while place < len(ready) and cpu >= least_cpu and memory >= least_memory:
            need = needs[ready[place]]
            if need.cpu <= cpu and need.memory <= memory:
                member = ready.pop(place)
                heapq.heappush(running, (now + seconds[member], member))
                cpu, memory = cpu - need.cpu, memory - need.memory
            else:
                place += 1
        now, member = heapq.heappop(running)
        cpu, memory = cpu + needs[member].cpu, memory + needs[member].memory
        for follower in followers[member]:
            left[follower] -= 1
            if not left[follower]:
                bisect.insort(ready, follower)
    return now


def pack_seconds(pack: Pack, durations: Mapping[str, float]) -> float:
    """Return the seconds of a pack, from the start of its first layer to the end of its last.

    Args:
        pack: The pack.
        durations: Seconds by layer.
    """
    place = {name: index for index, name in enumerate(pack.names)}
    return schedule(
        [[place[name] for name in layer.after] for layer in pack.layers],
        [durations[name] for name in pack.names],
        [Capacity(layer.cpu, layer.memory) for layer in pack.layers],
        Capacity(pack.cpu, pack.memory),
    )

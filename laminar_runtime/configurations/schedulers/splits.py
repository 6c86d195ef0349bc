"""Runs the splits of a layer from this process: as many at once as its fan-out allows."""

from __future__ import annotations

from laminar_runtime import progress
from laminar_runtime.configurations.failures import tolerable
from laminar_runtime.configurations.schedulers import event_loop
from laminar_runtime.configurations.schedulers.attempts import run_split
from laminar_runtime.exceptions import TaskError
from laminar_runtime.layer import Layer

__all__ = ["run_splits"]


async def run_splits(layer: Layer, splits: int, attempt: int) -> tuple[list[Layer], list[int]]:
    """Run all splits of a layer, each with its attempts.

    Args:
        layer: The layer, an instance of its execution.
        splits: The number of its splits.
        attempt: The first attempt, from 1.

    Returns:
        The splits, and the indexes of those that failed, as far as the fan-out tolerates it.

    Raises:
        TaskError: If more splits failed. The others are stopped.
    """
    import asyncio

    foreach = layer.configuration.foreach
    most = tolerable(foreach.tolerated_failures, splits)
    slots = asyncio.Semaphore(foreach.max_concurrency or max(splits, 1))
    failed: list[int] = []

    async def run(index: int) -> Layer:
        await slots.acquire()
        try:
            done = await run_split(layer, index, splits, attempt)
        except TaskError as error:
            failed.append(index)
            if len(failed) > most:
                raise  # the slot stays taken: no other split begins until all are stopped
            progress.logger().warning("%s", error)
            done = layer.execution.layer(layer, index=index, splits=splits)
        slots.release()
        return done

    tasks = [asyncio.create_task(run(index)) for index in range(splits)]
    try:
        return list(await asyncio.gather(*tasks)), failed
    finally:
        await event_loop.cancel(set(tasks))

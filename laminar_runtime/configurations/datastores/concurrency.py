"""Concurrent requests, in threads."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

__all__ = ["concurrently"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def concurrently(function: Callable[[Item], Result], items: Iterable[Item], most: int) -> Iterator[Result]:
    """Apply a function to each item, so many at once; the results come in order.

    Args:
        function: The function.
        items: The items. They are taken only so far ahead of the results.
        most: How many at once.
    """
    source = iter(items)
    ahead = list(itertools.islice(source, most))
    if len(ahead) <= 1:
        yield from map(function, ahead)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=len(ahead)) as pool:
        waiting = deque(pool.submit(function, item) for item in ahead)
        del ahead
        try:
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(pool.submit(function, item) for item in itertools.islice(source, 1))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

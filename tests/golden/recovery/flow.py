"""Retries of a plain layer and of a fan-out, and errors that are caught."""

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import Catch, ForEach, Parameter, Retry


class Recovery(Flow):
    """Goes on where it can."""


@Recovery.register(retry=Retry(attempts=3, delay=0.5, backoff=1.5, jitter=0))
class Fetch(Layer):
    """Fails now and then."""

    def __call__(self) -> None:
        self.shard(page=[1, 2, 3])


@Recovery.register(
    foreach=ForEach(parameters=[Parameter(layer=Fetch, attribute="page")]),
    retry=Retry(attempts=10, delay=30, jitter=0.5),
)
class Parse(Layer):
    def __call__(self, fetch: Fetch) -> None: ...


@Recovery.register(catch=Catch(OSError, ValueError), retry=Retry(attempts=2, delay=90.2))
class Store(Layer):
    """Ends early on some errors, but as finished."""

    def __call__(self, parse: Parse) -> None: ...


@Recovery.register(
    foreach=ForEach(parameters=[Parameter(layer=Fetch, attribute="page")], max_concurrency=2, tolerated_failures=0.5),
    retry=Retry(attempts=2, delay=1),
)
class Index(Layer):
    """Two at once, and half of them may fail."""

    def __call__(self, fetch: Fetch, store: Store) -> None: ...


if flow := Recovery():
    flow()

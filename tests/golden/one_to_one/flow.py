from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import ForEach, Parameter


class Items(Flow):
    """Each item goes its way without waiting for the others."""


@Items.register
class Find(Layer):
    def __call__(self) -> None:
        self.shard(item=["a", "b", "c"])


@Items.register(foreach=ForEach(parameters=[Parameter(Find, "item")]))
class Fetch(Layer):
    """Fetches one item."""

    def __call__(self, find: Find) -> None:
        self.text = find.item * 2


@Items.register(foreach=ForEach(parameters=[Parameter(Fetch, "text", index=None)], pipelined=True))
class Clean(Layer):
    """Cleans what was fetched."""

    def __call__(self, fetch: Fetch) -> None:
        self.text = fetch.text.upper()


@Items.register
class Merge(Layer):
    def __call__(self, clean: Clean) -> None:
        self.texts = list(clean.text)


if flow := Items():
    flow()

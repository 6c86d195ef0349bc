"""A chained fan-out over files: each file is read and counted by itself, and the counts are added up.

Run it with ``python flow.py``, or on an embedded AWS with ``laminar-codegen rehearse flow.py``. The image has the
folder ``texts`` beside this file.

The two fan-outs run item by item (``pipelined=True``): a file is counted as soon as it is read, whatever the others do.
"""

from __future__ import annotations

import collections
import re
from pathlib import Path

from laminar_runtime import Flow, Layer, each
from laminar_runtime.configurations.layers import Container, ForEach, Parameter

FOLDER = Path(__file__).resolve().with_name("texts")


class Texts(Flow):
    """Counts the words of some files."""

    container = Container(command="python flow.py", cpu=0.25, memory=512)


@Texts.register
class Files(Layer):
    """Lists the files."""

    file: str

    def __call__(self) -> None:
        self.shard(file=sorted(file.name for file in FOLDER.glob("*.txt")))


@Texts.register(foreach=ForEach([Parameter(Files, "file")]))
class Read(Layer):
    """Reads a file."""

    words: list[str]

    def __call__(self, files: Files) -> None:
        text = (FOLDER / files.file).read_text(encoding="utf-8")
        self.words = re.findall(r"\w+", text.lower())


@Texts.register(foreach=ForEach([Parameter(Read, "words", index=None)], pipelined=True))
class Count(Layer):
    """Counts the words of a file."""

    counts: dict[str, int]

    def __call__(self, read: Read) -> None:
        self.counts = dict(collections.Counter(read.words))


@Texts.register
class Total(Layer):
    """Adds up the counts of all files."""

    top: list[tuple[str, int]]

    def __call__(self, count: Count) -> None:
        counts: collections.Counter[str] = collections.Counter()
        for found in each(count, lambda count: count.counts):
            counts.update(found)
        self.top = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:3]


flow = Texts()

if __name__ == "__main__" and flow:
    print(flow().layer(Total).top)

"""An ETL that is no fork and join: wines from a public data set, cleaned, compared with their region, and reported.

The data set comes with scikit-learn. Run it with ``python flow.py``, or on an embedded AWS with
``laminar-codegen rehearse flow.py``.

``Regions`` needs the raw rows only, ``Clean`` does too, and ``Compare`` needs both, while ``Summary`` begins as soon as
the rows are clean. So no group of these layers begins and ends together.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import Container

Row = Mapping[str, float]


class Wines(Flow):
    """Compares wines with those of their region."""

    container = Container(command="python flow.py", cpu=0.5, memory=1024)


@Wines.register
class Extract(Layer):
    """Reads the rows, each with the number of its region."""

    rows: list[Row]

    def __call__(self) -> None:
        from sklearn.datasets import load_wine

        wines = load_wine()
        names = [*wines.feature_names, "region"]
        self.rows = [
            dict(zip(names, map(float, [*row, region]), strict=True))
            for row, region in zip(wines.data, wines.target, strict=True)
        ]


@Wines.register
class Clean(Layer):
    """Drops rows that are there twice, and colours that cannot be."""

    rows: list[Row]
    dropped: int

    def __call__(self, extract: Extract) -> None:
        different = {tuple(sorted(row.items())): row for row in extract.rows}
        self.rows = [row for row in different.values() if row["hue"] > 0]
        self.dropped = len(extract.rows) - len(self.rows)


@Wines.register
class Regions(Layer):
    """Finds the usual alcohol of each region."""

    alcohol: dict[int, float]

    def __call__(self, extract: Extract) -> None:
        regions = sorted({int(row["region"]) for row in extract.rows})
        self.alcohol = {
            region: round(statistics.median(row["alcohol"] for row in extract.rows if row["region"] == region), 2)
            for region in regions
        }


@Wines.register
class Summary(Layer):
    """Sums up the clean rows."""

    count: int
    alcohol: float

    def __call__(self, clean: Clean) -> None:
        self.count = len(clean.rows)
        self.alcohol = round(statistics.mean(row["alcohol"] for row in clean.rows), 2)


@Wines.register
class Compare(Layer):
    """Counts the wines of each region that are stronger than usual there."""

    stronger: dict[int, int]

    def __call__(self, clean: Clean, regions: Regions) -> None:
        self.stronger = {
            region: sum(row["region"] == region and row["alcohol"] > usual for row in clean.rows)
            for region, usual in regions.alcohol.items()
        }


@Wines.register
class Report(Layer):
    """Writes the report."""

    text: str

    def __call__(self, summary: Summary, compare: Compare) -> None:
        lines = [f"{summary.count} wines, {summary.alcohol} % alcohol on average"]
        lines += [f"region {region}: {count} stronger than usual" for region, count in compare.stronger.items()]
        self.text = "\n".join(lines)


flow = Wines()

if __name__ == "__main__" and flow:
    print(flow().layer(Report).text)

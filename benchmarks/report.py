"""The circumstances of figures: when, on what machine, with which versions. And a table of several runs.

``python -m benchmarks.report FILE ...`` prints the Markdown table of files that ``--json`` wrote.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.rows import Row, figure

__all__ = ["document", "main", "section", "table"]

_OURS = ("attrs", "boto3", "laminar-terraform", "moto", "obstore", "zstandard")


def document(name: str, rows: Iterable[Row]) -> dict[str, Any]:
    """Return the results of a run of a benchmark as plain values.

    Args:
        name: The benchmark.
        rows: Its rows.
    """
    return {"benchmark": name, **_circumstances(), "rows": [row.plain() for row in rows]}


def _circumstances() -> dict[str, Any]:
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} x {_processor()}, {_memory():.0f} GiB, {platform.system()} {platform.release()}",
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "versions": {name: version for name in _OURS if (version := _version(name))},
        "peers": {peer: list(wanted) for peer, wanted in peers.PEERS.items()},
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _memory() -> float:
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def section(documents: Iterable[dict[str, Any]]) -> str:
    """Return the table of several runs, below the description of the machine, or of each if they differ.

    Args:
        documents: The result of `document` for each.
    """
    runs = list(documents)
    measured: dict[str, list[str]] = {}
    for one in runs:
        measured.setdefault(_circumstances_in(one), []).append(one["benchmark"])
    lines = [f"- {', '.join(names)}: {text}" if len(measured) > 1 else text for text, names in measured.items()]
    loads = [one["load"] for one in runs]
    lines.append(f"\nProcesses that ran besides, at the end of each: {min(loads)} to {max(loads)} (load average).")
    return "\n".join([*lines, "", table(runs)])


def _circumstances_in(document: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    others = ", ".join(wanted for every in document["peers"].values() for wanted in every)
    return (
        f"{document['date']}, on {document['machine']}, Python {document['python']}. Here: {versions}. Peers: {others}."
    )


def table(documents: Iterable[dict[str, Any]]) -> str:
    """Return the rows of several runs as a table in Markdown."""
    lines = [
        "| benchmark | measured | ours | memory | baseline | its figure | its memory | ratio | processor | target | |",
        "| --- | --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | --- | --- |",
    ]
    for document in documents:
        lines += [_line(document["benchmark"], row) for row in document["rows"]]
    return "\n".join(lines)


def _line(name: str, row: dict[str, Any]) -> str:
    unit, (own, other) = row["unit"], row["processor"]
    cells = [
        name,
        row["subject"] + (f" ({row['note']})" if row["note"] else ""),
        figure(row["candidate"], unit).strip(),
        f"{row['memory']:.0f} MiB" if row["memory"] else "",
        row["against"],
        "" if row["baseline"] is None else figure(row["baseline"], unit).strip(),
        f"{row['against_memory']:.0f} MiB" if row["against_memory"] else "",
        _ratio(row["ratio"]),
        _ratio(own / other if other else None),
        row["target"] or "",
        {True: "met", False: "missed", None: ""}[row["met"]],
    ]
    return f"| {' | '.join(cells)} |"


def _ratio(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio:.2f}" if ratio >= 0.1 else f"1/{1 / ratio:.0f}"  # noqa: PLR2004 - readable either way


def main(files: Sequence[str]) -> int:
    """Print the table of some files.

    Args:
        files: The files that ``--json`` wrote.

    Returns:
        The exit code.
    """
    print(table(json.loads(Path(file).read_text(encoding="utf-8")) for file in files))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Reports of executions that never were, for tests of the page: a small one, a failed one, and one of many splits."""

from __future__ import annotations

import base64
import random
import struct
import zlib
from collections.abc import Iterator

from laminar_runtime import _records
from laminar_runtime.costs import price
from laminar_runtime.failures.record import Failure, Failures, Kind
from laminar_runtime.report.record import Report, ReportArtifact, ReportLayer
from laminar_runtime.timings import Attempt, Timings

__all__ = ["BASE", "failure_report", "large_report", "small_report"]

#: When the executions started: 2026-01-31 06:00 UTC, in milliseconds.
BASE = 1_769_839_200_000

_JOB = {"platform": "FARGATE", "architecture": "X86_64", "vcpus": 1.0, "memory_mib": 2048, "image": "digits:1"}
_LINK = "https://eu-central-1.console.aws.amazon.com/batch/home?region=eu-central-1#jobs/detail/"
_TRACEBACK = """\
Traceback (most recent call last):
  File "/app/flow.py", line 41, in __call__
    self.model = fit(self.penalty, self.gamma, load.images)
                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/app/training.py", line 12, in fit
    raise ValueError(f"penalty {penalty!r} is not positive: </script><b>no luck</b>")
ValueError: penalty -1 is not positive: </script><b>no luck</b>
"""


def layers(splits: int, **states: str) -> tuple[ReportLayer, ...]:
    """Return the layers of a flow that trains models."""
    made = (
        ReportLayer(name="Load", summary="Loads images of digits.", splits=1),
        ReportLayer(name="Grid", summary="Chooses the parameters that are tried.", splits=1),
        ReportLayer(
            name="Train",
            depends=("Load", "Grid"),
            over=("Grid.penalty", "Grid.gamma"),
            summary="Trains a model.",
            splits=splits,
        ),
        ReportLayer(name="Best", depends=("Train",), summary="Chooses the best model.", splits=1),
        ReportLayer(name="Evaluate", depends=("Load", "Best"), splits=1),
    )
    return tuple(_records.evolve(layer, state=states.get(layer.name, "succeeded")) for layer in made)


def job(layer: str, begin: float, wait: float, takes: float, **more: object) -> Attempt:
    """Return an attempt of a job. Times are in seconds after the start of the execution."""
    created = BASE + round(1000 * begin)
    started = created + round(1000 * wait)
    given = {
        "created": created,
        "started": started,
        "stopped": started + round(1000 * takes),
        "outcome": "succeeded",
        "job": f"{layer}-{more.get('index', 0)}-{more.get('attempt', 1)}",
        "link": f"{_LINK}{layer}",
        "group": "/aws/batch/digits",
        "stream": f"task/default/{layer}",
        **_JOB,
        **more,
    }
    return Attempt(layer=layer, **given)  # type: ignore[arg-type] # what is given are fields


def report(timings: Timings, shown: tuple[ReportLayer, ...], **more: object) -> Report:
    """Return a report with the cost of its times."""
    link = "https://eu-central-1.console.aws.amazon.com/states/home?region=eu-central-1#/v2/executions/details/arn"
    made = Report(timings=timings, layers=shown, cost=price(timings, transitions=23), link=link, made=timings.stopped)
    return _records.evolve(made, **more)


def small_report() -> Report:
    """Return the report of an execution of five layers and 16 splits, which succeeded."""
    source = random.Random(3)  # noqa: S311 - times, not secrets
    trained = [
        job("Train", 74 + index * 0.2, 24 + source.random() * 14, 20 + source.random() * 60, index=index)
        for index in range(16)
    ]
    attempts = [
        job("Load", 1, 31, 38),
        job("Grid", 1, 29, 4),
        *trained,
        job("Best", 172, 22, 6),
        job("Evaluate", 202, 24, 17),
    ]
    timings = Timings(
        flow="Digits",
        execution="nightly-2026-01-31",
        status="SUCCEEDED",
        created=BASE,
        stopped=BASE + 245_000,
        attempts=attempts,
    )
    return report(
        timings,
        layers(16),
        artifacts=tuple(artifacts()),
        advice=(
            "The longest path of the flow took 167.9 s of 245.0 s (69 %): Load -> Train -> Best -> Evaluate.",
            "The layer that decides most is Train, with 97.1 s.",
        ),
    )


def artifacts() -> Iterator[ReportArtifact]:
    """Yield artifacts with each kind of preview."""
    columns = ["penalty", "gamma", "accuracy"]
    rows = [["0.1", "0.001", "0.951"], ["1", "0.001", "0.983"], ["10", "<b>0.01</b>", "0.987"]]
    image = {"kind": "image", "type": "image/png", "data": base64.b64encode(picture()).decode()}
    yield ReportArtifact(
        layer="Load",
        attribute="images",
        dtype="numpy.ndarray",
        size=460_000,
        measured=1,
        note="too large for a preview",
    )
    yield ReportArtifact(
        layer="Grid",
        attribute="penalty",
        count=4,
        dtype="builtins.float",
        size=96,
        measured=4,
        preview={"kind": "text", "text": "0.1"},
    )
    yield ReportArtifact(
        layer="Train",
        attribute="model",
        count=16,
        dtype="sklearn.svm.SVC",
        size=52_000,
        measured=1,
        note="not a plain value: it is shown if you ask for previews",
    )
    yield ReportArtifact(
        layer="Best",
        attribute="table",
        dtype="builtins.list",
        size=1_530,
        measured=1,
        preview={"kind": "table", "columns": columns, "rows": rows, "more": 13},
    )
    yield ReportArtifact(
        layer="Evaluate",
        attribute="accuracy",
        dtype="builtins.float",
        size=21,
        measured=1,
        preview={"kind": "text", "text": "0.98731"},
    )
    yield ReportArtifact(
        layer="Evaluate", attribute="plot", dtype="builtins.bytes", size=len(picture()), measured=1, preview=image
    )


def picture(side: int = 96) -> bytes:
    """Return a PNG: a gradient."""
    rows = b"".join(
        b"\0" + bytes(value for x in range(side) for value in (40 + 2 * x, 90, 40 + 2 * y)) for y in range(side)
    )

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def failure(index: int, reason: str, kind: Kind = "error", **more: object) -> Failure:
    """Return the failure of a split of the layer that trains."""
    fields = {
        "index": index,
        "splits": 16,
        "attempt": 2,
        "time": "2026-01-31T06:03:20.000Z",
        "job": f"Train-{index}-2",
        **more,
    }
    return Failure(flow="Digits", execution="e1", layer="Train", reason=reason, kind=kind, **fields)  # type: ignore[arg-type]


def failure_report() -> Report:
    """Return the report of an execution in which two splits failed for good, one was retried and one was stopped."""
    source = random.Random(5)  # noqa: S311 - the same
    attempts = [job("Load", 1, 31, 38), job("Grid", 1, 29, 4)]
    for index in range(16):
        takes = 20 + source.random() * 50
        bad = index in {5, 11, 12}
        attempts.append(
            job("Train", 74, 25 + source.random() * 9, takes, index=index, outcome="failed" if bad else "succeeded")
        )
        if bad:
            outcome = "succeeded" if index == 12 else "failed"
            attempts.append(job("Train", 76 + takes + 30, 20, 11 + index, index=index, attempt=2, outcome=outcome))
    timings = Timings(
        flow="Digits", execution="e1", status="FAILED", created=BASE, stopped=BASE + 214_000, attempts=attempts
    )
    shown = layers(16, Train="failed", Best="not run", Evaluate="not run")
    error = failure(
        5,
        "ValueError: penalty -1 is not positive: </script><b>no luck</b>",
        error_class="ValueError",
        traceback=_TRACEBACK,
        frame="/app/training.py:12 in fit",
        exit_code=1,
        region="eu-central-1",
        log_group="/aws/batch/digits",
        log_stream="task/default/Train-5",
    )
    killed = failure(11, "out of memory: the task was killed at its 2,048 MiB", "out of memory", exit_code=137)
    return report(
        timings,
        shown,
        failures=Failures((error, killed), 2),
        artifacts=tuple(artifacts())[:2],
        resume="laminar resume digits e1",
        notes=("the history has 1 event of an unknown type",),
    )


def large_report(splits: int = 10_000) -> Report:
    """Return the report of an execution of many splits, of which some failed and some were retried."""
    source = random.Random(7)  # noqa: S311 - the same
    attempts = [job("Load", 1, 31, 38), job("Grid", 1, 29, 4)]
    free = [75.0 + place * 0.02 for place in range(400)]
    bad: list[Failure] = []
    for index in range(splits):
        place = index % len(free)
        takes = 5 + source.expovariate(1 / 12)
        broken = source.random() < 0.01
        attempts.append(
            job("Train", 74, free[place] - 74 + 3, takes, index=index, outcome="failed" if broken else "succeeded")
        )
        free[place] += takes + 3
        if broken:
            final = source.random() < 0.3
            attempts.append(
                job("Train", free[place], 9, takes, index=index, attempt=2, outcome="failed" if final else "succeeded")
            )
            free[place] += takes + 9
            if final:
                bad.append(
                    failure(index, "RuntimeError: the service said 503", splits=splits, error_class="RuntimeError")
                )
    end = max(one.stopped or 0 for one in attempts) + 2_000
    timings = Timings(flow="Digits", execution="large", status="FAILED", created=BASE, stopped=end, attempts=attempts)
    shown = layers(splits, Train="failed", Best="not run", Evaluate="not run")
    return report(timings, shown, failures=Failures.of(bad, most=50), resume="laminar resume digits large")

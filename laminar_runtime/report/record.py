"""What the page of an execution shows, as one value: it knows neither the flow's code nor where the execution ran."""

from __future__ import annotations

from typing import Any, Literal

from laminar_runtime import _records
from laminar_runtime.costs import Cost
from laminar_runtime.failures.record import Failures
from laminar_runtime.timings import Timings

__all__ = ["LayerState", "Preview", "Report", "ReportArtifact", "ReportLayer"]

LayerState = Literal["not run", "waiting", "running", "succeeded", "failed", "stopped", "skipped", "finished before"]
#: A preview as a JSON value: ``{"kind": "text", "text": ...}``, ``{"kind": "table", "columns": [...], "rows": [[...]],
#: "more": n}`` or ``{"kind": "image", "type": "image/png", "data": base64}``.
Preview = dict[str, Any]


@_records.frozen(kw_only=True)
class ReportLayer:
    """A layer of the flow.

    Args:
        name: Its name.
        depends: The layers that it depends on.
        over: The attributes that it fans out over, as ``Layer.attribute``.
        pipelined: Whether it fans out item by item.
        optional: Whether an entry hook may skip it.
        summary: The first line of its docstring.
        splits: How many splits it has; None if unknown.
        state: How far it is.
    """

    name: str
    depends: tuple[str, ...] = _records.field(default=(), converter=tuple)
    over: tuple[str, ...] = _records.field(default=(), converter=tuple)
    pipelined: bool = False
    optional: bool = False
    summary: str = ""
    splits: int | None = None
    state: LayerState = "not run"


@_records.frozen(kw_only=True)
class ReportArtifact:
    """What a layer assigned to an attribute.

    Args:
        layer: The layer's name.
        attribute: The attribute.
        count: How many values it has: one for each split, and each item of a sharded one.
        dtype: The name of the type of its values; empty if there are several.
        size: The stored bytes of the measured values; None if unknown.
        measured: How many values were measured.
        preview: The first value, None if it is not shown.
        note: Why there is no preview, or no size.
    """

    layer: str
    attribute: str
    count: int = 1
    dtype: str = ""
    size: int | None = None
    measured: int = 0
    preview: Preview | None = None
    note: str = ""


@_records.frozen(kw_only=True)
class Report:
    """All that the page of an execution shows.

    Args:
        timings: The execution, and its attempts.
        layers: The layers of the flow, in the order of registration; those of the attempts if the flow is unknown.
        failures: Why it failed.
        artifacts: What it stored.
        cost: What it cost; None if unknown.
        advice: What a profile would change, a line each.
        link: The address of the execution in the console of AWS; empty if there is none.
        resume: The command that resumes it; empty if there is none.
        refused: Whether its parameters were refused, so that no resume can succeed.
        notes: What could not be read, a line each.
        made: When the report was made, in milliseconds since 1970.

    Example:
        >>> report = Report(timings=Timings(flow="Report", execution="e1"), layers=[ReportLayer(name="Load")])
        >>> report.layers[0].state
        'not run'
    """

    timings: Timings
    layers: tuple[ReportLayer, ...] = _records.field(default=(), converter=tuple)
    failures: Failures = Failures()
    artifacts: tuple[ReportArtifact, ...] = _records.field(default=(), converter=tuple)
    cost: Cost | None = None
    advice: tuple[str, ...] = _records.field(default=(), converter=tuple)
    link: str = ""
    resume: str = ""
    refused: bool = False
    notes: tuple[str, ...] = _records.field(default=(), converter=tuple)
    made: int | None = None

"""Writes the report of an execution as one HTML page, which needs nothing else: no network, no server, no library.

All texts are escaped: those of the head and of the graph here, those of the record by JSON, which the page's script
puts into the page as text. The page's policy allows its own style and script by their hashes, and nothing else
(https://www.w3.org/TR/CSP3/): even a text that became an element could not run.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from laminar_runtime import _records
from laminar_runtime.failures.record import Failure
from laminar_runtime.report.drawing import Card, Frame, Link, draw
from laminar_runtime.report.escaping import as_script, as_text
from laminar_runtime.report.record import Report, ReportLayer
from laminar_runtime.timings import OUTCOMES, Attempt, Timings

__all__ = ["render_page"]

_TEMPLATE = Path(__file__).parent / "template"
#: A flow of more layers is not drawn: its table of layers is easier to read.
_DRAWN = 600
_FIELDS = ("layer", "index", "attempt", "created", "started", "stopped", "outcome", "shape", "job", "stream", "link")
_PLACES = {"batch": "AWS Batch", "lambda": "AWS Lambda", "process": "a process of this machine", "thread": "a thread"}


def render_page(report: Report) -> str:
    """Write the page of an execution.

    Args:
        report: What it shows.

    Returns:
        The HTML.

    Example:
        >>> page = render_page(Report(timings=Timings(flow="<Report>", execution="e1")))
        >>> "<title>&lt;Report&gt;, e1</title>" in page
        True
    """
    style, script = (_read(name) for name in ("page.css", "page.js"))
    parts = {
        "policy": as_text(_policy(style, script)),
        "title": as_text(
            ", ".join(filter(None, (report.timings.flow, report.timings.execution, report.timings.status)))
        ),
        "style": style,
        "graph": _graph(report.layers, _jobs(report.timings)),
        "data": as_script(_data(report)),
        "script": script,
    }
    # Piece by piece: a text of the record may look like a place of the template.
    first, *rest = _read("page.html").split("{{")
    pieces = [first]
    for piece in rest:
        name, _, after = piece.partition("}}")
        pieces += [parts[name], after]
    return "".join(pieces)


def _read(name: str) -> str:
    return (_TEMPLATE / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _jobs(timings: Timings) -> list[tuple[str, ...]]:
    """Return the layers that ran in one job, as layers that are packed do."""
    together: dict[str, dict[str, None]] = {}
    for one in timings.attempts:
        if one.job:
            together.setdefault(one.job, {})[one.layer] = None
    return list(dict.fromkeys(tuple(layers) for layers in together.values() if len(layers) > 1))


def _graph(layers: Iterable[ReportLayer], jobs: Iterable[tuple[str, ...]]) -> str:
    """Return the drawing of the layers, as an element of SVG, with a frame around those that ran in one job."""
    shown = list(layers)
    names = {layer.name for layer in shown}
    if not shown or len(shown) > _DRAWN:
        return ""
    cards = [
        Card(
            layer.name,
            layer.name,
            (*_over(layer), _state(layer)),
            "fan-out" if layer.over or (layer.splits or 0) > 1 else "layer",
            tooltip=layer.summary or layer.name,
            focusable=True,
            state=layer.state,
        )
        for layer in shown
    ]
    links = [
        Link(above, layer.name, _kind(layer, above)) for layer in shown for above in layer.depends if above in names
    ]
    drawing = draw(cards, links, [Frame("one job", members) for members in jobs if names.issuperset(members)])
    width, height = f"{drawing.width:.0f}", f"{drawing.height:.0f}"
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return f'<svg {size} role="group" aria-label="The layers and their dependencies">{drawing.body}</svg>'


def _over(layer: ReportLayer) -> tuple[str, ...]:
    return (f"for each of {', '.join(layer.over)}",) if layer.over else ()


def _state(layer: ReportLayer) -> str:
    splits = f"{layer.splits:,} splits, " if layer.splits is not None and (layer.over or layer.splits != 1) else ""
    return f"{splits}{layer.state}"


def _kind(layer: ReportLayer, above: str) -> Any:
    if all(one.rpartition(".")[0] != above for one in layer.over):
        return "after"
    return "item by item" if layer.pipelined else "each"


def _data(report: Report) -> dict[str, Any]:
    """Return the record as the page's script reads it: times count from a base, and what repeats is written once."""
    timings = report.timings
    known = [one.created for one in timings.attempts if one.created is not None]
    base = timings.created if timings.created is not None else min(known, default=0)
    names = [layer.name for layer in report.layers]
    extra = dict.fromkeys(one.layer for one in timings.attempts if one.layer not in set(names))
    layers = [*report.layers, *(ReportLayer(name=name) for name in extra)]
    return {
        "flow": timings.flow,
        "execution": timings.execution,
        "status": timings.status,
        "created": timings.created,
        "stopped": timings.stopped,
        "made": report.made if report.made is not None else timings.stopped,
        "base": base,
        "link": report.link,
        "resume": report.resume,
        "refused": report.refused,
        "notes": list(dict.fromkeys(report.notes)),
        "layers": [_plain(_records.plain(layer)) for layer in layers],
        "attempts": _attempts(timings, {layer.name: number for number, layer in enumerate(layers)}, base),
        "failures": {"count": report.failures.count, "shown": [_failure(one) for one in report.failures]},
        "artifacts": [_plain(_records.plain(one)) for one in report.artifacts],
        "cost": None if report.cost is None else report.cost.to_json(),
        "advice": report.advice,
    }


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}


def _failure(failure: Failure) -> dict[str, Any]:
    return {**_records.plain(failure), "link": failure.log_link}


def _attempts(timings: Timings, numbers: Mapping[str, int], base: int) -> dict[str, Any]:
    shapes: dict[tuple[str, ...], int] = {}
    rows = [
        [
            numbers[one.layer],
            one.index,
            one.attempt,
            *(None if at is None else at - base for at in (one.created, one.started, one.stopped)),
            OUTCOMES.index(one.outcome),
            shapes.setdefault(_shape(one), len(shapes)),
            one.job,
            one.stream,
            one.link,
        ]
        for one in timings.attempts
    ]
    keys = ("on", "size", "image", "group")
    return {
        "fields": _FIELDS,
        "outcomes": OUTCOMES,
        "shapes": [dict(zip(keys, shape, strict=True)) for shape in shapes],
        "rows": rows,
    }


def _shape(one: Attempt) -> tuple[str, ...]:
    """Return where an attempt ran, its size, its image and its log group, as texts."""
    where = ", ".join(
        filter(None, (_PLACES[one.where], one.platform if one.platform != "LAMBDA" else "", one.architecture))
    )
    sizes = (
        f"{one.vcpus:g} vCPU" if one.vcpus else "",
        f"{one.memory_mib:,} MiB" if one.memory_mib else "",
        f"{one.gpus} GPU" if one.gpus else "",
    )
    return where, ", ".join(filter(None, sizes)), one.image, one.group

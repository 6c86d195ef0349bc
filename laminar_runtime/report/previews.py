"""Previews of values for a page: a few rows of a table, a small image, the beginning of a text. All of it is data."""

from __future__ import annotations

import base64
import reprlib
from collections.abc import Mapping, Sequence
from typing import Any

from laminar_runtime.report.record import Preview

__all__ = ["preview"]

#: The most rows and columns of a table, characters of a cell and of a text, and bytes of an image.
_ROWS, _COLUMNS, _CELL, _TEXT, _IMAGE = 8, 12, 80, 1_200, 192 * 1024
#: How images begin: https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern. SVG is not among them: it may
#: have scripts.
_IMAGES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


def preview(value: Any) -> Preview | None:
    """Return the preview of a value.

    Args:
        value: The value. Only methods of tables and figures are called, and only those that the value's class has.

    Returns:
        A JSON value, None if there is nothing to see.

    Example:
        >>> preview([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}])
        {'kind': 'table', 'columns': ['a', 'b'], 'rows': [['1', 'x'], ['2', 'y']], 'more': 0}
        >>> preview(3.5)
        {'kind': 'text', 'text': '3.5'}
    """
    if isinstance(value, bytes | bytearray):
        return _image(bytes(value)) or {"kind": "text", "text": f"{len(value):,} bytes"}
    try:
        return _frame(value) or _rows(value) or _figure(value) or {"kind": "text", "text": _text(value)}
    except Exception as error:  # noqa: BLE001 - methods of any class ran
        return {"kind": "text", "text": f"no preview: {type(error).__name__}"}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value if len(value) <= _TEXT else f"{value[:_TEXT]} ..."
    written = reprlib.Repr()
    written.maxstring = written.maxother = 200
    written.maxlist = written.maxtuple = written.maxdict = written.maxset = 20
    return written.repr(value)[:_TEXT]


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else f"{value:.6g}" if isinstance(value, float) else reprlib.repr(value)
    return text if len(text) <= _CELL else f"{text[: _CELL - 3]}..."


def _table(columns: Sequence[Any], rows: Sequence[Sequence[Any]], count: int) -> Preview:
    shown = [[_cell(cell) for cell in row[:_COLUMNS]] for row in rows[:_ROWS]]
    names = [str(name) for name in columns[:_COLUMNS]]
    if len(columns) > _COLUMNS:
        names.append(f"... {len(columns) - _COLUMNS} more")
    return {"kind": "table", "columns": names, "rows": shown, "more": max(count - len(shown), 0)}


def _rows(value: Any) -> Preview | None:
    """Return the preview of a list of maps, of a map of lists, or of a list of equally long rows."""
    if type(value) in {list, tuple} and value:
        if all(type(row) is dict and row.keys() == value[0].keys() for row in value) and value[0]:
            return _table([*value[0]], [[*row.values()] for row in value[:_ROWS]], len(value))
        if all(type(row) in {list, tuple} and len(row) == len(value[0]) for row in value) and value[0]:
            return _table(range(len(value[0])), value, len(value))
    if type(value) is dict and value:
        if all(type(column) in {list, tuple} for column in value.values()):
            length = {len(column) for column in value.values()}
            if len(length) == 1 and (count := length.pop()):
                return _table(
                    [*value], [[column[row] for column in value.values()] for row in range(min(count, _ROWS))], count
                )
        return _table(["key", "value"], [*value.items()][:_ROWS], len(value))
    return None


def _frame(value: Any) -> Preview | None:
    """Return the preview of a table of pandas, or of another library with the same names."""
    if isinstance(value, Mapping) or not all(hasattr(value, name) for name in ("columns", "head", "itertuples")):
        return None
    head = value.head(_ROWS)
    return _table([*value.columns], [[*row] for row in head.itertuples(index=False)], len(value))


def _figure(value: Any) -> Preview | None:
    """Return the image of a figure of matplotlib, or of an image of Pillow."""
    if hasattr(value, "savefig"):
        import io

        buffer = io.BytesIO()
        value.savefig(buffer, format="png", dpi=72)
        return _image(buffer.getvalue())
    if hasattr(type(value), "_repr_png_") and isinstance(png := value._repr_png_(), bytes):
        return _image(png)
    return None


def _image(content: bytes) -> Preview | None:
    kind = next((kind for magic, kind in _IMAGES.items() if content.startswith(magic)), None)
    if kind is None and content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        kind = "image/webp"
    if kind is None:
        return None
    if len(content) > _IMAGE:
        return {"kind": "text", "text": f"an image of {len(content):,} bytes, too large for a page"}
    return {"kind": "image", "type": kind, "data": base64.b64encode(content).decode("ascii")}

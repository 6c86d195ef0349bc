"""The floor: the bytes of a value written to a file and read again, without naming, checking or packing anything."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import values


def _write(root: str, value: Any) -> None:
    folder = Path(root)
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(value, list):
        for at, item in enumerate(value):
            (folder / f"{at}.pickle").write_bytes(pickle.dumps(item, protocol=5))
        return
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    (folder / "head").write_bytes(head)
    for at, buffer in enumerate(buffers):
        (folder / f"{at}.buffer").write_bytes(buffer.raw())


def _read(root: str) -> Any:
    folder = Path(root)
    if not (folder / "head").exists():
        number = len(list(folder.iterdir()))
        return [pickle.loads((folder / f"{at}.pickle").read_bytes()) for at in range(number)]  # noqa: S301 - our own
    number = len(list(folder.glob("*.buffer")))
    buffers = [_load(folder / f"{at}.buffer") for at in range(number)]
    return pickle.loads((folder / "head").read_bytes(), buffers=buffers)  # noqa: S301 - our own


def _load(file: Path) -> bytearray:
    content = bytearray(file.stat().st_size)
    with file.open("rb") as stream:
        stream.readinto(content)
    return content


values.main(_write, _read)

"""Pickles values made of what has no name: lambdas, closures, classes made in functions.

cloudpickle writes the code of such. What it writes of the process that writes it is written here as what the module of
the flow has, so that a value has one pickle, whichever process makes it.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

import cloudpickle

from laminar_runtime.by_name import Names

__all__ = ["dump_by_value"]


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc] # cloudpickle has no types
    def __init__(self, file: io.BytesIO, names: Names, keep: Callable[[pickle.PickleBuffer], bool]) -> None:
        # It is asked for each instance, and cloudpickle's takes long to answer.
        self.dispatch_table = dict(cloudpickle.Pickler.dispatch_table)
        super().__init__(file, protocol=5, buffer_callback=keep)
        self._names = names

    def reducer_override(self, value: Any) -> Any:
        reduced = self._names.reduce(value)
        return super().reducer_override(value) if reduced is None else reduced


def dump_by_value(value: Any, names: Names, keep: Callable[[pickle.PickleBuffer], bool]) -> bytes:
    """Pickle a value, what has no name by its code.

    Args:
        value: The value.
        names: What has which name.
        keep: Takes each buffer of the value, and says whether it stays inside the pickle.
    """
    file = io.BytesIO()
    _Pickler(file, names, keep).dump(value)
    return file.getvalue()

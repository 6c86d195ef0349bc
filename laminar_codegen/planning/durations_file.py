"""Reads a profile: the durations of the layers of flows, by which barriers are placed.

::

    {"Report": {"Load": 12.5, "Train": 3600}}

``laminar-codegen measure`` writes such a file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from laminar_codegen.problems import CompileError, Location, Problem
from laminar_codegen.problems.rules import LAM030

__all__ = ["read_profile"]

_FORM = 'write it by laminar-codegen measure, or by hand: {"<Flow>": {"<Layer>": seconds}}'


def read_profile(path: Path, flow: str) -> dict[str, float]:
    """Read the durations of the layers of a flow.

    Args:
        path: The profile's file.
        flow: The flow's name.

    Returns:
        Seconds by layer. Layers that the flow no longer has may be among them.

    Raises:
        CompileError: If the file does not exist, is not a profile, or does not have the flow.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _error(path, f"the profile cannot be read: {error.strerror}", "name an existing file") from None
    except (ValueError, RecursionError) as error:
        raise _error(path, f"the profile is not valid JSON: {error}", _FORM) from None
    if not isinstance(document, dict) or not all(isinstance(layers, dict) for layers in document.values()):
        raise _error(path, "the profile is not a JSON object of objects", _FORM)
    if flow not in document:
        known = ", ".join(sorted(document)) or "no flow"
        raise _error(path, f"the profile has no durations of flow '{flow}', only of {known}", "measure the flow itself")
    wrong = sorted(f"{layer}: {seconds!r}" for layer, seconds in document[flow].items() if not _is_duration(seconds))
    if wrong:
        what = f"the profile's durations of flow '{flow}' must be non-negative numbers: {', '.join(wrong)}"
        raise _error(path, what, "give finite numbers, none below 0")
    return {layer: float(seconds) for layer, seconds in document[flow].items()}


def _is_duration(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    # An integer may be too large for a float: it is compared as an integer.
    return 0 <= value <= sys.float_info.max


def _error(path: Path, what: str, fix: str) -> CompileError:
    return CompileError([Problem(Location(str(path)), LAM030, what, fix)])

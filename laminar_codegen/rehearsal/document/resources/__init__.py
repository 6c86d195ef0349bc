"""The types of resources that are rehearsed: what each argument does, by calls of the embedded AWS.

A type that is not here is named in a warning, and so is an argument that a type does not read and does not list as one
without effect.
"""

from __future__ import annotations

from collections.abc import Mapping

from laminar_codegen.rehearsal.document.kinds import Kind
from laminar_codegen.rehearsal.document.resources import (
    batch,
    events,
    functions,
    iam,
    messages,
    states,
    storage,
    watching,
)

__all__ = ["KINDS"]

#: Each type by its name.
KINDS: Mapping[str, Kind] = {
    **batch.KINDS,
    **events.KINDS,
    **functions.KINDS,
    **iam.KINDS,
    **messages.KINDS,
    **states.KINDS,
    **storage.KINDS,
    **watching.KINDS,
}

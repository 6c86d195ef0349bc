"""Names of executions and attributes as parts of paths: which can be none, and how the others are spelled.

Some file systems take ``X`` and ``x`` for one name, and some write ``é`` in two ways. So an attribute's file has a name
of small letters, digits and ``_.-`` only; each other character stands there as ``!`` and the bytes of its UTF-8. One
that would be too long so ends in a digest of the name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

__all__ = ["flaw", "read", "spell"]

# Most names are plain: these are compiled when they are used, and not when a task starts.
_OTHER, _SPELLED = r"^\.|[^a-z0-9_.-]", r"(?:![0-9a-f]{2})+"
#: The most bytes of a name, and of a spelled one: file systems take 255, and there is an extension.
_LONGEST = 200
#: The most bytes of a character.
_WIDEST = 4

_FLAWS: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("is empty", lambda name: not name),
    ("has a slash", lambda name: "/" in name or "\\" in name),
    ("begins with a dot", lambda name: name.startswith(".")),
    ("has a control character", lambda name: re.search(r"[\x00-\x1f\x7f]", name)),
    ("has half of a character", lambda name: re.search(r"[\ud800-\udfff]", name)),
    (f"is longer than {_LONGEST} bytes", lambda name: len(name.encode()) > _LONGEST),
)


def flaw(name: Any) -> str | None:
    """Why a name can be no part of a path; None if it can.

    Args:
        name: The name.

    Example:
        >>> flaw("../x")
        'has a slash'
    """
    if not isinstance(name, str):
        return f"is no text but of type {type(name).__name__}"
    if name.isidentifier() and len(name) <= _LONGEST // _WIDEST:
        return None
    return next((reason for reason, has in _FLAWS if has(name)), None)


def spell(name: str) -> str:
    """Spell a name so that it is another one than that of any other name, on every file system.

    Args:
        name: The name, one without a flaw.

    Example:
        >>> spell("dataX"), spell("data_x")
        ('data!58', 'data_x')
    """
    if name.isascii() and name.isidentifier() and name == name.lower() and len(name) <= _LONGEST:
        return name
    spelled = re.sub(_OTHER, lambda found: "".join(f"!{byte:02x}" for byte in _bytes(found.group())), name)
    if len(spelled) <= _LONGEST:
        return spelled
    import hashlib

    return f"{spelled[:100]}!!{hashlib.sha256(_bytes(name)).hexdigest()}"


def _bytes(text: str) -> bytes:
    """Return the bytes of a name, also of one that only a reader asks for and nobody can have assigned."""
    return text.encode(errors="surrogatepass")


def read(spelled: str) -> str:
    """Read a name.

    Args:
        spelled: What `spell` made. One that ends in a digest is given as it is.

    Example:
        >>> read("data!58")
        'dataX'
    """
    if "!!" in spelled:
        return spelled
    return re.sub(_SPELLED, lambda found: bytes.fromhex(found.group().replace("!", "")).decode(), spelled)

"""Names of executions and attributes as parts of paths: which names are valid, and how they are spelled.

To some file systems ``X`` and ``x`` are the same name, and some write ``é`` in two ways. So an attribute's file name
has lower-case letters, digits and ``_.-`` only. Any other character is written as ``!`` and the hexadecimal digits of
each byte of its UTF-8. A name that becomes too long is cut, and ends in a digest of the whole name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

__all__ = ["flaw", "read", "spell"]

# Most names need no pattern, so these are compiled on use, not when a task starts.
_OTHER, _SPELLED = r"^\.|[^a-z0-9_.-]", r"(?:![0-9a-f]{2})+"
#: The most bytes of a name, and of its spelling. File systems allow 255; the rest is for an extension.
_LONGEST = 200
#: The most bytes of a character.
_WIDEST = 4

_FLAWS: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("is empty", lambda name: not name),
    ("has a slash", lambda name: "/" in name or "\\" in name),
    ("begins with a dot", lambda name: name.startswith(".")),
    ("has a control character", lambda name: re.search(r"[\x00-\x1f\x7f]", name)),
    ("has half a surrogate pair", lambda name: re.search(r"[\ud800-\udfff]", name)),
    (f"is longer than {_LONGEST} bytes", lambda name: len(name.encode()) > _LONGEST),
)


def flaw(name: Any) -> str | None:
    """Return why a name cannot be part of a path; None if it can.

    Args:
        name: The name.

    Example:
        >>> flaw("../x")
        'has a slash'
    """
    if not isinstance(name, str):
        return f"is of type {type(name).__name__}, not text"
    if name.isidentifier() and len(name) <= _LONGEST // _WIDEST:
        return None
    return next((reason for reason, has in _FLAWS if has(name)), None)


def spell(name: str) -> str:
    """Spell a name so that it differs from the spelling of any other name on every file system.

    Args:
        name: The name, without a flaw.

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
    """Return the bytes of a name, also of an invalid name: a reader may ask for any attribute."""
    return text.encode(errors="surrogatepass")


def read(spelled: str) -> str:
    """Return the name of a spelling.

    Args:
        spelled: A spelling that `spell` returned. If it ends in a digest, it is returned unchanged.

    Example:
        >>> read("data!58")
        'dataX'
    """
    if "!!" in spelled:
        return spelled
    return re.sub(_SPELLED, lambda found: bytes.fromhex(found.group().replace("!", "")).decode(), spelled)

"""Escapes text of users for HTML, for SVG and for JSON in a script of a page."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["as_script", "as_text"]

#: Characters that neither HTML nor XML may have: https://www.w3.org/TR/xml/#charsets
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKS = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
#: What could end a script element, or begin a comment in one; and ends of lines that older JavaScript had not in texts.
_IN_SCRIPT = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def as_text(text: str) -> str:
    """Escape text for the content or for an attribute in double quotes of an element of HTML or SVG.

    Args:
        text: The text.

    Example:
        >>> as_text('<a title="x">')
        '&lt;a title=&quot;x&quot;&gt;'
    """
    return _FORBIDDEN.sub("\ufffd", text).translate(_MARKS)


def as_script(value: Any) -> str:
    r"""Write a value as JSON for a script element of HTML. No text in it can end the element.

    https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements

    Args:
        value: A JSON value. What JSON cannot say, such as an infinite number, is refused.

    Raises:
        ValueError: If it has a number that JSON does not have.

    Example:
        >>> as_script({"text": "</script>"})
        '{"text":"\\u003c/script\\u003e"}'
    """
    written = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return written.translate(_IN_SCRIPT)

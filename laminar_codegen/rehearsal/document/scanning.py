"""Reads the words and marks of a text from its start to its end."""

from __future__ import annotations

import re

from laminar_codegen.rehearsal.document.errors import ExpressionError

__all__ = ["Scanner"]

_SPACE = re.compile(r"(?:\s|#[^\n]*|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_WORD = re.compile(r"[^\W\d][\w-]*")
_SHOWN = 20


class Scanner:
    """A text, and how far it is read.

    Args:
        text: The text.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def error(self, wanted: str) -> ExpressionError:
        """Return the error that something else stands here than what is wanted."""
        rest = self.text[self.place : self.place + _SHOWN]
        return ExpressionError(f"{wanted} is expected at {repr(rest) if rest else 'its end'}")

    def at(self, *marks: str) -> bool:
        """Whether one of these marks is next, without space before it."""
        return self.text.startswith(marks, self.place)

    def skip(self) -> None:
        """Read white space and comments."""
        found = _SPACE.match(self.text, self.place)
        self.place = found.end() if found else self.place

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Read what a pattern matches, if it matches here."""
        found = pattern.match(self.text, self.place)
        if found is not None:
            self.place = found.end()
        return found

    def take(self, *marks: str) -> str | None:
        """Read one of these marks, if one is next."""
        self.skip()
        for mark in marks:
            if self.at(mark):
                self.place += len(mark)
                return mark
        return None

    def demand(self, mark: str) -> None:
        """Read a mark that must be next."""
        if self.take(mark) is None:
            raise self.error(f"'{mark}'")

    def word(self) -> str:
        """Read a word, which must be next."""
        self.skip()
        found = self.match(_WORD)
        if found is None:
            raise self.error("a name")
        return found[0]

    def take_word(self, word: str) -> bool:
        """Read this word, if it is next."""
        self.skip()
        found = _WORD.match(self.text, self.place)
        if found is None or found[0] != word:
            return False
        self.place = found.end()
        return True

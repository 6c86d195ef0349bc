"""The tag operations of the services, which differ in names and in how they write a pair."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from tools.terraform_standin.declaration import Call, Tagging

_Pair = tuple[str, str]
PASCAL_PAIR: _Pair = ("Key", "Value")
CAMEL_PAIR: _Pair = ("key", "value")


@frozen(kw_only=True)
class TagOperations:
    """The names one service uses; without a `pair` it takes and gives a plain map."""

    service: str
    parameter: str
    attribute: str = "arn"
    tags: str = "Tags"
    keys: str = "TagKeys"
    # The path to the tags in the answer of `read`, if not that of the request.
    answer: tuple[str, ...] = ()
    pair: _Pair | None = PASCAL_PAIR
    write: str = "tag_resource"
    remove: str = "untag_resource"
    read: str = "list_tags_for_resource"
    extra: tuple[tuple[str, str], ...] = ()

    def tagging(self) -> Tagging:
        """Return the functions that the engine calls."""
        return Tagging(write=self._write, remove=self._remove, read=self._read)

    def _subject(self, call: Call) -> dict[str, Any]:
        return {self.parameter: call[self.attribute], **dict(self.extra)}

    def _write(self, call: Call, tags: dict[str, str]) -> None:
        wanted = tags if self.pair is None else to_pairs(tags, self.pair)
        operation = getattr(call.client(self.service), self.write)
        operation(**self._subject(call), **{self.tags: wanted})

    def _remove(self, call: Call, keys: list[str]) -> None:
        operation = getattr(call.client(self.service), self.remove)
        operation(**self._subject(call), **{self.keys: keys})

    def _read(self, call: Call) -> dict[str, str]:
        response = getattr(call.client(self.service), self.read)(**self._subject(call))
        found = response
        for name in self.answer or (self.tags,):
            found = found.get(name) or {}
        return dict(found) if self.pair is None else from_pairs(list(found), self.pair)


def to_pairs(tags: dict[str, str], pair: _Pair = PASCAL_PAIR) -> list[dict[str, str]]:
    """Return pairs for a map: `{"a": "1"}` -> `[{"Key": "a", "Value": "1"}]`."""
    return [{pair[0]: key, pair[1]: value} for key, value in tags.items()]


def from_pairs(pairs: list[dict[str, str]], pair: _Pair = PASCAL_PAIR) -> dict[str, str]:
    """Return a map for pairs: `[{"Key": "a", "Value": "1"}]` -> `{"a": "1"}`."""
    return {item[pair[0]]: item[pair[1]] for item in pairs}

"""The order in which blocks are evaluated and made: each after what it refers to.

Before: blocks with references in their arguments. After: a sequence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from laminar_codegen.rehearsal.document.configuration import Block, Configuration
from laminar_codegen.rehearsal.document.errors import DocumentError, ExpressionError
from laminar_codegen.rehearsal.document.parsing import parse_expression, parse_template
from laminar_codegen.rehearsal.document.syntax import references

__all__ = ["in_order"]

#: How expressions refer to a block.
Path = tuple[str, ...]

#: Arguments that hold references as plain text.
_ADDRESSES = frozenset({"depends_on", "replace_triggered_by"})
#: Arguments that hold no templates.
_PLAIN = frozenset({"description", "default", "type", "ignore_changes", "provider", "source", "version"})
#: What a variable's own rules say of it, which are held when it has its value.
_OF_VARIABLES = frozenset({"validation", *_PLAIN})


def in_order(
    configuration: Configuration,
) -> tuple[tuple[Block, ...], Mapping[Path, frozenset[Path]]]:
    """Put blocks in order.

    Args:
        configuration: The blocks.

    Returns:
        The blocks in order, and what each of them refers to.

    Raises:
        DocumentError: If blocks refer to each other in a circle, to what is not declared, or with expressions that are
            not understood: all such problems.
    """
    blocks = configuration.blocks
    problems: list[str] = []
    needs: dict[Path, frozenset[Path]] = {}
    for path, block in blocks.items():
        found = set()
        for reference, text in _references(block, problems):
            if reference in blocks:
                found.add(reference)
            else:
                problems.append(f"{block.place}: {text}: '{'.'.join(reference)}' is not declared")
        needs[path] = frozenset(found - {path} if block.kind == "variable" else found)
    if problems:
        raise DocumentError("\n".join(dict.fromkeys(problems)))
    return tuple(blocks[path] for path in _sort(blocks, needs)), needs


def _sort(blocks: Mapping[Path, Block], needs: Mapping[Path, frozenset[Path]]) -> Iterator[Path]:
    """Yield each path after the paths that it needs, otherwise in the order of the document."""
    places = {path: place for place, path in enumerate(blocks)}
    done: set[Path] = set()
    for first in blocks:
        # What is being visited, each with what is left of its needs.
        visited: dict[Path, Iterator[Path]] = {first: iter(sorted(needs[first], key=places.__getitem__))}
        while visited and first not in done:
            path, left = next(reversed(visited.items()))
            following = next((need for need in left if need not in done), None)
            if following is None:
                done.add(path)
                del visited[path]
                yield path
            elif following in visited:
                names = [*visited]
                circle = [*names[names.index(following) :], following]
                shown = " -> ".join(blocks[path].address for path in circle)
                raise DocumentError(f"the references have a cycle: {shown}")
            else:
                visited[following] = iter(sorted(needs[following], key=places.__getitem__))


def _references(block: Block, problems: list[str]) -> Iterator[tuple[Path, str]]:
    """Yield what a block refers to, each with the text that does so."""
    skipped = _OF_VARIABLES if block.kind == "variable" else frozenset()
    iterators = _iterators(block.body.get("dynamic"))
    for name, value in block.body.items():
        if name not in skipped:
            found = _within(block, name, value, problems)
            yield from (item for item in found if item[0][0] not in iterators)


def _iterators(dynamic: Any) -> set[str]:
    """Return the names that the content of dynamic blocks has for their elements."""
    found: set[str] = set()
    for body in dynamic if isinstance(dynamic, list) else [dynamic or {}]:
        for name, blocks in body.items():
            for block in blocks if isinstance(blocks, list) else [blocks]:
                found.add(block.get("iterator", name))
    return found


def _within(block: Block, name: str, value: Any, problems: list[str]) -> Iterator[tuple[Path, str]]:
    if name in _ADDRESSES and isinstance(value, list):
        for text in value:
            yield from _parse_names(block, name, text, parse_expression, problems)
    elif isinstance(value, str):
        if ("${" in value or "%{" in value) and not (name in _PLAIN and block.kind in {"variable", "output"}):
            yield from _parse_names(block, name, value, parse_template, problems)
    elif isinstance(value, list):
        for item in value:
            yield from _within(block, name, item, problems)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _within(block, name, key, problems)
            yield from _within(block, key, item, problems)


def _parse_names(block: Block, name: str, text: str, parse: Any, problems: list[str]) -> Iterator[tuple[Path, str]]:
    try:
        for reference in references(parse(text.removeprefix("${").removesuffix("}") if name in _ADDRESSES else text)):
            # A name without an attribute is a keyword, for example `all` of ignore_changes.
            if len(reference) > 1:
                yield reference, text
    except ExpressionError as error:
        problems.append(f"{block.place}: argument {name}: {text}: {error}")

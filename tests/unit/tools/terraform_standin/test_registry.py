"""The declarations of the resource types agree with the schema."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.terraform_standin.declaration import ANY_CHANGE, Resource
from tools.terraform_standin.installing import RELEASES
from tools.terraform_standin.registry import DATA_SOURCES, RESOURCES
from tools.terraform_standin.schema import Block, load_schemas


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("resource", RESOURCES.values(), ids=lambda resource: resource.type)
def test_declared_names(resource: Resource, release: str) -> None:
    """Every argument that a declaration names is in the schema of its type."""
    block = load_schemas(release).resources[resource.type]
    unknown = [path for path in named_paths(resource) if not has_path(block, path)]
    assert unknown == []


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("resource", RESOURCES.values(), ids=lambda resource: resource.type)
def test_tags_implemented(resource: Resource, release: str) -> None:
    """A type has tags exactly when its schema has."""
    attributes = load_schemas(release).resources[resource.type].attributes
    assert ("tags" in attributes) == (resource.tagging is not None)


@pytest.mark.parametrize("release", RELEASES)
def test_data_sources_declared(release: str) -> None:
    """Every data source that is implemented is in the schema."""
    assert set(DATA_SOURCES) <= set(load_schemas(release).data_sources)


def named_paths(resource: Resource) -> Iterator[str]:
    """Yield every argument that the declaration names, dotted."""
    yield from (resource.replaces | resource.replaces_by_count | resource.computed | resource.caseless)
    yield from (*resource.deprecated, *resource.limits, *resource.decoders)
    yield from (*resource.defaults, *resource.json, *resource.exactly_one, *resource.at_most_one)
    condition, more = resource.renews_if or (None, {})
    yield from () if condition is None else (condition,)
    for name, triggers in {**resource.renews, **more}.items():
        yield name
        yield from triggers - ANY_CHANGE
    if resource.naming is not None:
        yield resource.naming.argument
        yield resource.naming.prefix or resource.naming.argument


def has_path(block: Block, path: str) -> bool:
    """Return whether the schema has this argument or block."""
    *parents, last = path.split(".")
    for name in parents:
        block = block.blocks[name].block
    return last in block.attributes or last in block.blocks

"""The arguments and blocks of every type: read from `schemas/`, declared to Terraform."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from attrs import field, frozen
from tf.gen import tfplugin_pb2 as pb

_SCHEMAS = Path(__file__).with_name("schemas")
_NESTING = {
    "single": pb.Schema.NestedBlock.SINGLE,
    "list": pb.Schema.NestedBlock.LIST,
    "set": pb.Schema.NestedBlock.SET,
}


@frozen
class Attribute:
    """One argument or exported attribute; `type` is in Terraform's JSON notation."""

    type: Any
    required: bool = False
    optional: bool = False
    computed: bool = False

    @property
    def settable(self) -> bool:
        """Whether a configuration may set it."""
        return self.required or self.optional


@frozen
class Nesting:
    """A nested block: how often it may occur in its parent, and its contents."""

    mode: str
    min_items: int
    max_items: int
    block: Block


@frozen
class Block:
    """A body of arguments and nested blocks."""

    attributes: dict[str, Attribute] = field(factory=dict)
    blocks: dict[str, Nesting] = field(factory=dict)

    def empty(self) -> dict[str, Any]:
        """Return the state in which nothing is set, with all the names Terraform expects."""
        blocks: dict[str, Any] = {name: None if n.mode == "single" else [] for name, n in self.blocks.items()}
        return dict.fromkeys(self.attributes) | blocks


@frozen
class Schemas:
    """All resource types and data sources."""

    resources: dict[str, Block]
    data_sources: dict[str, Block]


@cache
def load_schemas(release: str) -> Schemas:
    """Read the schemas of a release of the provider, once."""
    document = json.loads((_SCHEMAS / f"{release}.json").read_text(encoding="utf-8"))
    return Schemas(
        resources={name: _read_block(block) for name, block in document["resource"].items()},
        data_sources={name: _read_block(block) for name, block in document["data"].items()},
    )


def to_protocol(block: Block, deprecated: frozenset[str] = frozenset()) -> pb.Schema:
    """Declare a block to Terraform as the body of a resource, data source or provider.

    Args:
        block: The block.
        deprecated: Its arguments and blocks that Terraform warns of.
    """
    return pb.Schema(version=0, block=_block_to_protocol(block, deprecated))


def _read_block(block: dict[str, Any]) -> Block:
    return Block(
        attributes={
            name: Attribute(
                type=attribute["type"],
                required=attribute.get("required", False),
                optional=attribute.get("optional", False),
                computed=attribute.get("computed", False),
            )
            for name, attribute in block["attributes"].items()
        },
        blocks={
            name: Nesting(
                mode=nested["nesting_mode"],
                min_items=nested["min_items"],
                max_items=nested["max_items"],
                block=_read_block(nested["block"]),
            )
            for name, nested in block["block_types"].items()
        },
    )


def _block_to_protocol(block: Block, deprecated: frozenset[str] = frozenset()) -> pb.Schema.Block:
    return pb.Schema.Block(
        attributes=[
            pb.Schema.Attribute(
                name=name,
                type=json.dumps(attribute.type).encode(),
                required=attribute.required,
                optional=attribute.optional,
                computed=attribute.computed,
                deprecated=name in deprecated,
            )
            for name, attribute in block.attributes.items()
        ],
        block_types=[_nesting_to_protocol(name, nested, name in deprecated) for name, nested in block.blocks.items()],
    )


def _nesting_to_protocol(name: str, nesting: Nesting, deprecated: bool) -> pb.Schema.NestedBlock:  # noqa: FBT001
    # A single block has no number of items: the protocol wants both bounds equal.
    counted = nesting.mode != "single"
    block = _block_to_protocol(nesting.block)
    block.deprecated = deprecated
    return pb.Schema.NestedBlock(
        type_name=name,
        nesting=_NESTING[nesting.mode],
        min_items=nesting.min_items if counted else 0,
        max_items=nesting.max_items if counted else 0,
        block=block,
    )

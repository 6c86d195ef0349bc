"""A Terraform document as data: blocks as frozen values, references as `Ref`."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from laminar_codegen.ir.expressions import Value
from laminar_codegen.ir.structs import Struct

__all__ = ["MARK", "TERRAFORM", "Block", "Call", "Document", "Nested", "Output", "Validation", "Variable"]

#: The oldest Terraform that takes the documents.
TERRAFORM = "1.9"

#: A part of the comment of each document, by which the compiler knows its files.
MARK = "compiled by laminar-codegen"


#: The nested blocks of a block by name, each with those in it.
Nested = Mapping[str, "Nested"]


@attrs.frozen(eq=False, repr=False)
class Validation(Struct):
    """A validation of a variable.

    Args:
        condition: A Terraform expression that must be true.
        message: The error message if it is not.
    """

    condition: str
    message: str


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Variable(Struct):
    """An input of the document.

    Args:
        name: Its name.
        type: Its type, such as ``string``.
        description: Its description.
        default: Its default in a tuple of one, None if it is required. A default of null is ``(None,)``.
        validation: Its validations.
        nullable: Whether it may be null.
    """

    name: str
    type: str
    description: str
    default: tuple[Value] | None = None
    validation: tuple[Validation, ...] = ()
    nullable: bool = False


@attrs.frozen(eq=False, repr=False)
class Block(Struct):
    """A resource or a data source.

    Args:
        type: Its type, such as ``aws_iam_role``.
        label: Its label.
        body: Its arguments and nested blocks.
        nested: Which of them are nested blocks, besides ``lifecycle``. JSON writes a nested block as it does a map; HCL
            does not, https://developer.hashicorp.com/terraform/language/syntax/json#nested-block-mapping.
        comment: Its comment for readers.
    """

    type: str
    label: str
    body: Mapping[str, Value]
    nested: Nested = attrs.field(factory=dict)
    comment: str = ""


@attrs.frozen(eq=False, repr=False)
class Module(Struct):
    """The Terraform module that a document calls, for the resources that deployments share.

    Args:
        source: Its source: a path, or an address that Terraform knows,
            https://developer.hashicorp.com/terraform/language/block/module#source.
        version: The accepted versions, for a module in a registry.
    """

    source: str
    version: str | None = None


@attrs.frozen(eq=False, repr=False)
class Call(Struct):
    """A call of a module.

    Args:
        label: Its label.
        source: The module: a path, or an address that Terraform knows.
        version: The accepted versions, for a module in a registry.
        body: Its arguments.
    """

    label: str
    source: str
    version: str | None
    body: Mapping[str, Value]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Output(Struct):
    """An output of the document.

    Args:
        name: Its name.
        description: Its description.
        value: Its value.
        depends_on: Resources that Terraform makes before the output is used.
    """

    name: str
    description: str
    value: Value
    depends_on: tuple[str, ...] = ()


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Document(Struct):
    """A Terraform document.

    Args:
        comment: Its comment for readers.
        providers: The providers by local name, each with source and version.
        variables: Its inputs.
        locals: Its named values.
        data: Its data sources.
        resources: Its resources.
        outputs: Its outputs.
        calls: The modules that it calls.
        moved: Resources that had another address before: the old address and the new one.
        removed: Addresses of resources that Terraform forgets, and does not delete.
    """

    comment: str
    providers: Mapping[str, Mapping[str, str]]
    variables: tuple[Variable, ...]
    locals: Mapping[str, Value]
    data: tuple[Block, ...]
    resources: tuple[Block, ...]
    outputs: tuple[Output, ...]
    calls: tuple[Call, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()

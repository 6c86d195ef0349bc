"""The cases of `laminar_codegen.render`: expressions in the namespace of each module."""

from __future__ import annotations

from laminar_codegen.ir.asl import Succeed, Wait
from laminar_codegen.ir.terraform import Block, Call, Document, Output, Validation, Variable
from laminar_codegen.render import escaping, hcl, hcl_values, split_document, terraform_json
from tests.support.cases import cases_of
from tests.support.shown import as_hcl, evaluator

_NOTHING = {"comment": "", "providers": {}, "variables": (), "locals": {}, "data": (), "resources": (), "outputs": ()}


def document(**parts: object) -> Document:
    """Return a document that has nothing but some parts."""
    return Document(**{**_NOTHING, **parts})


_NAMES = {
    "Block": Block,
    "Call": Call,
    "Output": Output,
    "Succeed": Succeed,
    "Validation": Validation,
    "Variable": Variable,
    "Wait": Wait,
    "as_hcl": as_hcl,
    "document": document,
}

cases_of("render.escaping")(evaluator(escaping))
cases_of("render.hcl")(evaluator(hcl, **_NAMES))
cases_of("render.hcl_values")(evaluator(hcl_values))
cases_of("render.split_document")(evaluator(split_document, **_NAMES))
cases_of("render.terraform_json")(evaluator(terraform_json, **_NAMES))

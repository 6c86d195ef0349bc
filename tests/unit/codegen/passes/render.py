"""The cases of `laminar_codegen.render`: expressions in the namespace of each module."""

from __future__ import annotations

import re

import attrs

from laminar_codegen.ir.asl import Succeed, Wait
from laminar_codegen.ir.picture import Picture, PictureEdge, PictureGroup, PictureNode
from laminar_codegen.ir.terraform import Block, Call, Document, Output, Validation, Variable
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.planning.picture import make_picture
from laminar_codegen.render import dot, escaping, hcl, hcl_values, mermaid, picture_svg, split_document, terraform_json
from tests.support.cases import cases_of
from tests.support.graph_notation import graphs_in
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


def pictures_in(text: str) -> list[Picture]:
    """Return the pictures of graphs and of their plans, without where layers run."""
    found = [make_picture(graph, make_plan(graph)) for graph in graphs_in(text)]
    return [attrs.evolve(picture, nodes=tuple(map(_without_place, picture.nodes))) for picture in found]


def _without_place(node: PictureNode) -> PictureNode:
    return attrs.evolve(node, lines=tuple(line for line in node.lines if not line.startswith("AWS Batch")))


_PICTURES = {
    "Picture": Picture,
    "PictureEdge": PictureEdge,
    "PictureGroup": PictureGroup,
    "PictureNode": PictureNode,
    "pictures_in": pictures_in,
}

cases_of("render.mermaid")(evaluator(mermaid, **_PICTURES))
cases_of("render.dot")(evaluator(dot, **_PICTURES))
cases_of("render.picture_svg")(
    evaluator(picture_svg, **_PICTURES, texts_of=lambda svg: re.findall("<text[^>]*>([^<]*)", svg))
)

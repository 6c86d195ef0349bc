"""The compiler of Laminar: turns flows, written in Python, into Terraform for AWS Step Functions.

A tool on top of the compiler uses these names. They are imported on use, so that ``import laminar_codegen`` is cheap::

    from laminar_codegen import CompileError, compile_flow, render_document

    try:
        compilation = compile_flow("flow.py")
    except CompileError as error:
        raise SystemExit(str(error)) from None
    print(render_document(compilation.document))
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from laminar_codegen.ir.deployment import Deployment
    from laminar_codegen.ir.terraform import Document, Module
    from laminar_codegen.pipeline import Compilation, Scheduling, compile_flow
    from laminar_codegen.problems import CompileError, Location, Problem
    from laminar_codegen.render.hcl import render_hcl
    from laminar_codegen.render.terraform_json import render_document

__all__ = [
    "Compilation",
    "CompileError",
    "Deployment",
    "Document",
    "Location",
    "Module",
    "Problem",
    "Scheduling",
    "compile_flow",
    "render_document",
    "render_hcl",
]

_MODULES = {
    "Compilation": "pipeline",
    "CompileError": "problems",
    "Deployment": "ir.deployment",
    "Document": "ir.terraform",
    "Location": "problems",
    "Module": "ir.terraform",
    "Problem": "problems",
    "Scheduling": "pipeline",
    "compile_flow": "pipeline",
    "render_document": "render.terraform_json",
    "render_hcl": "render.hcl",
}


def __getattr__(name: str) -> Any:
    """Import a public name on its first use.

    Raises:
        AttributeError: If there is no such name.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

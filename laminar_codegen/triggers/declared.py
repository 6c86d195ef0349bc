"""The parameters of triggers against those that the flow declares, before anything starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from laminar_codegen.ir.graph import DeclaredParameter, Graph
from laminar_codegen.problems import Problem
from laminar_codegen.problems.rules import LAM111
from laminar_runtime.configurations.triggers import EXECUTION_ID, SCHEDULED_TIME, Placeholder
from laminar_runtime.inputs.shapes import Anything, Fixed, Listed, Mapped, OneOf, Record, Scalar, Shape, Union
from laminar_runtime.variables import Variable

__all__ = ["check_against_inputs"]

#: The types of JSON by those of Python.
_TYPES: Mapping[type[Any], str] = {
    bool: "boolean",
    dict: "object",
    float: "number",
    int: "integer",
    list: "array",
    str: "string",
    tuple: "array",
    type(None): "null",
}


def check_against_inputs(graph: Graph, label: str, parameters: Mapping[str, Any]) -> Iterator[Problem]:
    """Check that a trigger has the parameters that its flow declares, with values of their JSON types.

    Args:
        graph: The graph of the flow.
        label: The label of the trigger.
        parameters: The parameters of the trigger.
    """
    if graph.inputs is None:
        return
    declared = {parameter.name: parameter for parameter in graph.inputs}
    where = f"the trigger '{label}' of flow '{graph.flow}'"
    for name in sorted(parameters.keys() - declared.keys()):
        there = ", ".join(declared) or "none"
        what = f"{where} has the parameter '{name}', which the flow does not declare"
        yield Problem(graph.location, LAM111, what, f"use what it declares: {there}")
    for name, parameter in declared.items():
        if name not in parameters:
            if parameter.required:
                what = f"{where} lacks the parameter '{name}', which the flow requires"
                yield Problem(graph.location, LAM111, what, f"pass parameters={{'{name}': ...}}, or declare a default")
        elif (kind := _kind(parameters[name])) is not None and kind not in _kinds(parameter):
            what = f"{where} has the parameter '{name}' of the JSON type {kind}, but the flow declares {parameter.hint}"
            yield Problem(graph.location, LAM111, what, "pass a value of that type")


def _kind(value: Any) -> str | None:
    """Return the JSON type of a value, None if only the event has it."""
    if isinstance(value, Variable) or value in (SCHEDULED_TIME, EXECUTION_ID):
        return "string"
    return None if isinstance(value, Placeholder) else _TYPES.get(type(value))


def _kinds(parameter: DeclaredParameter) -> set[str]:
    """Return the JSON types of a parameter: all, if its form is not known."""
    return set(_TYPES.values()) if parameter.shape is None else _kinds_of(parameter.shape)


def _kinds_of(shape: Shape) -> set[str]:
    match shape:
        case Scalar(kind):
            return {kind, "integer"} if kind == "number" else {kind}
        case OneOf(values):
            return {_TYPES[type(value)] for value in values}
        case Listed() | Fixed():
            return {"array"}
        case Mapped() | Record():
            return {"object"}
        case Union(members):
            return {kind for member in members for kind in _kinds_of(member)}
        case Anything():
            return set(_TYPES.values())

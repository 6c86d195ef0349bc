"""How definitions are read: where moto's parser deviates from Step Functions."""

# ruff: noqa: SLF001 - what is corrected is inside moto

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.stepfunctions.parser.api import InvalidDefinition
from moto.stepfunctions.parser.asl.antlr.runtime.ASLLexer import ASLLexer
from moto.stepfunctions.parser.asl.antlt4utils.antlr4utils import is_terminal
from moto.stepfunctions.parser.asl.component.common.assign.assign_template_value_terminal import (
    AssignTemplateValueTerminalLit,
)
from moto.stepfunctions.parser.asl.component.common.jsonata.jsonata_template_value_terminal import (
    JSONataTemplateValueTerminalLit,
)
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from laminar_codegen.rehearsal.aws.patches import Patches

_TARGET_FIELDS = ("Next", "Default")

_parse = AmazonStateLanguageParser.parse
_validate_of_backend = StepFunctionsParserBackend._validate_definition


def install(patches: Patches) -> None:
    """Put the functions of this module in the place of moto's."""
    # Parsing takes milliseconds per state, at every start; a parsed program is not changed.
    patches.attribute(AmazonStateLanguageParser, "parse", staticmethod(functools.lru_cache(maxsize=256)(_parse)))
    patches.attribute(Preprocessor, "_inner_string_of", staticmethod(_text))
    patches.imported_name("moto.stepfunctions", "from_string_literal", _text)
    patches.attribute(Preprocessor, "visitAssign_template_value_terminal_float", _assigned_number)
    patches.attribute(Preprocessor, "visitJsonata_template_value_terminal_float", _number)
    patches.attribute(StepFunctionsParserBackend, "_validate_definition", staticmethod(_validate))


def _text(parser_rule_context: Any) -> str | None:
    """Moto leaves the escapes of JSON in most strings, and reads others as Python's."""
    if is_terminal(parser_rule_context, ASLLexer.NULL):
        return None
    source: str = parser_rule_context.getText()
    if not (source.startswith('"') and source.endswith('"')):
        return source
    text: str = json.loads(source, strict=False)
    return text


def _assigned_number(_: Preprocessor, context: Any) -> AssignTemplateValueTerminalLit:
    """Moto reads -1 as -1.0."""
    return AssignTemplateValueTerminalLit(value=json.loads(context.NUMBER().getText()))


def _number(_: Preprocessor, context: Any) -> JSONataTemplateValueTerminalLit:
    """As `_assigned_number`."""
    return JSONataTemplateValueTerminalLit(value=json.loads(context.NUMBER().getText()))


def _validate(definition: str) -> None:
    """Moto accepts duplicate state names and transitions to states that do not exist."""
    _validate_of_backend(definition)
    found = problems(json.loads(definition))
    if found:
        raise InvalidDefinition(message=f"Invalid State Machine Definition: {found}")


def problems(machine: Mapping[str, Any]) -> list[str]:
    """Duplicate state names (they must be unique in the whole machine) and missing targets."""
    scopes = list(_scopes(machine))
    found = [
        f"MISSING_TRANSITION_TARGET: '{target}' from {origin}"
        for scope in scopes
        for origin, target in _transitions(scope)
        if target not in scope["States"]
    ]
    seen: set[str] = set()
    for name in (name for scope in scopes for name in scope["States"]):
        if name in seen:
            found.append(f"DUPLICATE_STATE_NAME: '{name}'")
        seen.add(name)
    return found


def _scopes(machine: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the machine and all that is nested in it."""
    yield machine
    for state in machine["States"].values():
        inner = [*state.get("Branches", ()), state.get("ItemProcessor"), state.get("Iterator")]
        for scope in filter(None, inner):
            yield from _scopes(scope)


def _transitions(scope: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "StartAt", scope["StartAt"]
    for name, state in scope["States"].items():
        for part in (state, *state.get("Choices", ()), *state.get("Catch", ())):
            for field in _TARGET_FIELDS:
                if field in part:
                    yield name, part[field]

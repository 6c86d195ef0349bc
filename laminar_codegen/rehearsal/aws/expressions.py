"""How states evaluate their expressions: where moto's interpreter deviates from Step Functions.

Each function here replaces one of moto's; its docstring states the deviation that it closes.
"""

# ruff: noqa: SLF001 - what is corrected is inside moto

from __future__ import annotations

import json
from typing import Any
from weakref import WeakKeyDictionary

from moto.stepfunctions.parser.asl.component.common.assign.assign_decl import AssignDecl
from moto.stepfunctions.parser.asl.component.common.catch.catch_outcome import CatchOutcome
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJSONata
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison import (
    ConditionStringJSONata,
)
from moto.stepfunctions.parser.asl.component.state.choice.state_choice import StateChoice
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.variable_store import VariableStore
from moto.stepfunctions.parser.asl.jsonata import jsonata as moto_jsonata

from laminar_codegen.rehearsal.asl import query_language
from laminar_codegen.rehearsal.aws.failures import failure, query_failure
from laminar_codegen.rehearsal.aws.patches import Patches

_JSONPATH_PACKAGE = "moto.stepfunctions"
_RULE_MATCHED = "rule-matched"

_assigned: WeakKeyDictionary[VariableStore, dict[str, Any]] = WeakKeyDictionary()
_set_next_of_states = CommonStateField._set_next


def install(patches: Patches) -> None:
    """Put the functions of this module in the place of moto's."""
    patches.attribute(moto_jsonata, "_eval_jsonata", _evaluate_source)
    patches.imported_name(_JSONPATH_PACKAGE, "encode_jsonata_variable_declarations", _encode_declarations)
    patches.attribute(StringJSONata, "_eval_body", _evaluate_expression)
    patches.attribute(ConditionStringJSONata, "_eval_body", _evaluate_condition)
    patches.attribute(AssignDecl, "_eval_body", _evaluate_assign)
    patches.attribute(CommonStateField, "_set_next", _set_next)
    patches.attribute(StateChoice, "_set_next", _assign_variables)
    patches.attribute(StateChoice, "_eval_state", _choose)
    patches.attribute(StateChoice, "_eval_state_output", _evaluate_choice_output)


def _evaluate_expression(self: StringJSONata, env: Environment) -> None:
    """Evaluate with real bindings.

    moto renders `$states` and the variables as source text before the expression, which breaks
    on quotes and backslashes; it evaluates up to three times; errors become States.Runtime.
    """
    try:
        env.stack.append(query_language.evaluate(self.expression, _bindings(env)))
    except query_language.QueryEvaluationError as error:
        raise query_failure(env, str(error)) from error


def _bindings(env: Environment) -> dict[str, Any]:
    store: Any = env.variable_store
    states: Any = env.states
    data = {
        key: value
        for key, value in states._states_data.items()
        # moto sets these to None where Step Functions leaves them undefined
        if value is not None or key not in ("result", "errorOutput")
    }
    return {**store._outer_scope, **store._inner_scope, "states": data}


def _evaluate_source(expression: str) -> Any:
    """JSONPath states sample variables through an expression with declarations in it."""
    return query_language.evaluate(expression, {})


def _encode_declarations(bindings: dict[str, Any]) -> str:
    """Moto puts quotes around a string without escaping what is in it."""
    return "".join(f"{name}:={json.dumps(value)};" for name, value in bindings.items())


def _evaluate_condition(self: ConditionStringJSONata, env: Environment) -> None:
    """Moto fails with States.Runtime when a Condition is not a boolean."""
    self.string_jsonata.eval(env=env)
    value = env.stack[-1]
    if not isinstance(value, bool):
        raise query_failure(
            env,
            f"The JSONata expression '{self.string_jsonata.expression}' specified for the field "
            f"'Condition' returned an unexpected result type. Expected 'boolean', but was: "
            f"{json.dumps(value)}",
        )


def _evaluate_assign(self: AssignDecl, env: Environment) -> None:
    """Assign when the state ends.

    moto assigns at once, so that Output sees the new values. Step Functions evaluates Assign
    and Output with the values at the state's entry; the next state sees the new ones.
    """
    declared: dict[str, Any] = {}
    for binding in self.declaration_bindings:
        binding.eval(env=env)
        declared.update(env.stack.pop())
    _assigned[env.variable_store] = declared


def _assign_variables(_: CommonStateField, env: Environment) -> None:
    for identifier, value in _assigned.pop(env.variable_store, {}).items():
        env.variable_store.set(variable_identifier=identifier, variable_value=value)


def _set_next(self: CommonStateField, env: Environment) -> None:
    """Moto ignores a Catch that leads to its own state."""
    _assign_variables(self, env)
    if not (env.stack and isinstance(env.stack[-1], CatchOutcome)):
        _set_next_of_states(self, env)


def _choose(self: StateChoice, env: Environment) -> None:
    """Moto fails with States.Runtime when no rule matches and there is no Default."""
    for rule in self.choices_decl.rules:
        rule.eval(env)
        if env.stack.pop() is True and rule.next_stmt is not None:
            env.heap[_RULE_MATCHED] = True
            env.stack.append(rule.next_stmt.name)
            return
    if self.default_state is None:
        cause = f"No rule of the state '{self.name}' matched, and it has no Default"
        raise failure(env, StatesErrorNameType.StatesNoChoiceMatched, cause)
    env.stack.append(self.default_state.state_name)


def _evaluate_choice_output(self: StateChoice, env: Environment) -> None:
    """Evaluate the state's own Assign and Output for the Default only.

    moto does so also when a rule matched whose Next is the Default's.
    """
    next_state_name: str = env.stack.pop()
    if not env.heap.get(_RULE_MATCHED):
        if self.assign_decl:
            self.assign_decl.eval(env=env)
        if self.output:
            self.output.eval(env=env)
    if self._is_language_query_jsonpath():
        if self.output_path:
            self.output_path.eval(env=env)
        else:
            env.states.reset(input_value=env.stack.pop())
    env.next_state_name = next_state_name

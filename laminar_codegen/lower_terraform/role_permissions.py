"""The permissions of a deployment: the statements of its roles, no more than its states, tasks or functions need.

They follow AWS's documentation of each integration:
https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html,
https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html,
https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html and
https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html.

The ARNs of the document's own resources are made of names: so Terraform knows the policies at plan time, and shows a
policy as changed only if it is. The policies are JSON that Terraform encodes, not data sources: it defers the reading
of those wherever the module of the document depends on a resource with changes.

The permissions for a target are in `laminar_codegen.targets`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import Task, all_states
from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.settings import OFF
from laminar_codegen.policies.datastore import invoke, key_of
from laminar_codegen.policies.sizes import Fitted, fit
from laminar_codegen.policies.statement import (
    BUCKET,
    Statement,
    datastore_key,
    key,
    managed_rule,
    regional,
    states_arn,
    traces,
)
from laminar_codegen.targets import registry
from laminar_runtime.storage.layout import answer_key, input_key, joins_prefix, turns_prefix

__all__ = ["for_state_machine"]

#: The integration that wakes a state that waits for others.
_WAKE = "aws-sdk:sfn:sendTaskSuccess"


def for_state_machine(deployment: Deployment) -> Fitted:
    """Return the permissions of the machines: those of each kind of state, and those for logs.

    Args:
        deployment: The deployment.
    """
    return fit(deployment, lambda most: _for_state_machine(deployment, short=most is not None))


def _for_state_machine(deployment: Deployment, *, short: bool) -> Iterator[Statement]:
    states = [state for machine in deployment.machines for state in all_states(machine.states)]
    used = {state.integration for state in states if isinstance(state, Task)}
    flows = [graph.flow for graph in deployment.graphs if graph.keeps_input]
    # The same folder has the records of finished layers, which no state may write.
    marks = _in_datastore(f"{joins_prefix(graph.flow, '*')}*" for graph in deployment.graphs) if _WAKE in used else ()
    turns = _turns(deployment)
    notes = (*_in_datastore(input_key(flow, "*") for flow in flows), *marks, *turns)
    written = tuple(Joined(BUCKET, "/", note) for note in notes)
    tasks = registry.kinds_of(deployment.resources)
    for kind in tasks:
        if not kind.functions:
            yield from kind.statements(deployment, short)
    if deployment.planners:
        yield invoke(deployment, "InvokePlanner", deployment.planners, short=short)
    for kind in tasks:
        if kind.functions:
            yield from kind.statements(deployment, short)
    if "states:startExecution.sync:2" in used:
        yield from _start_parts(deployment.parts(short=short))
    if "states:startExecution" in used:
        machine = (states_arn("stateMachine", labels.MAIN),)
        yield Statement("StartForTriggers", ("states:StartExecution",), machine)
    yield from _notes(written, tuple(Joined(BUCKET, "/", mark) for mark in marks), short=short)
    answers = _answers(deployment)
    yield from _read_answers(answers)
    if _WAKE in used:
        yield Statement("ListMarks", ("s3:ListBucket",), (BUCKET,), (("StringLike", "s3:prefix", marks),))
        yield Statement("WakeStates", ("states:SendTaskSuccess",), _own(deployment, short=short))
    yield from _find_turns(turns)
    reports, failures = _reports(deployment)
    yield from reports
    if written or answers or failures:
        yield datastore_key(key_of((*written, *answers, *failures), short=short))
    beside = tuple(states_arn("stateMachine", machine.name) for machine in deployment.companions)
    yield _own_key((*_own(deployment, short=short), *beside), short=short)
    yield from _log(deployment.settings.log_level)
    yield from traces(deployment.settings.tracing)


def _reports(deployment: Deployment) -> tuple[tuple[Statement, ...], tuple[Value, ...]]:
    """Return the statements to report failed executions, and the ARNs of the records that are read for it, if any."""
    if deployment.settings.notices is None:
        return (), ()
    # Imported here, so that the compile of other flows does not load it.
    from laminar_codegen.targets.companions.notifier import read_and_report, records

    return tuple(read_and_report(deployment)), tuple(Joined(BUCKET, "/", key) for key in records(deployment))


def _find_turns(turns: tuple[Joined, ...]) -> Iterator[Statement]:
    """Yield the statement to list the notes of turns, if there are any."""
    if turns:
        yield Statement("FindTurns", ("s3:ListBucket",), (BUCKET,), (("StringLike", "s3:prefix", turns),))


def _turns(deployment: Deployment) -> tuple[Joined, ...]:
    """Return the keys of the notes of turns, if executions take turns."""
    taken = any(machine.name == labels.MACHINE_OF_TURNS for machine in deployment.machines)
    return _in_datastore([f"{turns_prefix(deployment.flows[0])}*"]) if taken else ()


def _answers(deployment: Deployment) -> tuple[Value, ...]:
    """Return the ARNs of the answers of planners that are jobs, if there are any."""
    asked = (graph for graph in deployment.graphs if graph.planner.target is not None and graph.with_planner)
    keys = _in_datastore(answer_key(graph.flow, "*", "*") for graph in asked)
    return tuple(Joined(BUCKET, "/", key) for key in keys)


def _read_answers(answers: tuple[Value, ...]) -> Iterator[Statement]:
    """Yield the statement to read answers of planners, if there are any."""
    if answers:
        yield Statement("ReadAnswers", ("s3:GetObject",), answers)


def _in_datastore(keys: Iterable[str]) -> tuple[Joined, ...]:
    """Return keys of the datastore as keys of its bucket."""
    return tuple(Joined(Ref("local.datastore_prefix"), key) for key in keys)


def _notes(written: tuple[Value, ...], read: tuple[Value, ...], *, short: bool) -> Iterator[Statement]:
    """Yield the statements to write and read the objects of executions."""
    if read and short:
        yield Statement("KeepNotes", ("s3:GetObject", "s3:PutObject"), written)
        return
    if written:
        yield Statement("WriteNotes", ("s3:PutObject",), written)
    if read:
        yield Statement("ReadTokens", ("s3:GetObject",), read)


def _own(deployment: Deployment, *, short: bool) -> tuple[Value, ...]:
    """Return the ARNs of the machines that run the flows."""
    machines = (labels.MAIN, *deployment.parts(short=short))
    return tuple(states_arn("stateMachine", machine) for machine in machines)


def _own_key(own: tuple[Value, ...], *, short: bool) -> Statement:
    """Return the statement to encrypt state machines and their executions by a customer's key, if any.

    https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html
    """
    test = "StringLike" if short else "StringEquals"
    return key("EncryptExecutions", (test, "kms:EncryptionContext:aws:states:stateMachineArn", own))


def _log(level: str | Ref | None) -> Iterator[Statement]:
    """Yield the statements to have the log delivered, and encrypted by a customer's key, unless nothing is logged."""
    if level == OFF:
        return
    condition = ("StringLike", "kms:EncryptionContext:SourceArn", (regional("logs", "*"),))
    encrypted = attrs.evolve(key("EncryptLogs", condition), actions=("kms:GenerateDataKey",))
    for statement, resources in ((encrypted, "var.kms_key_arn[*]"), (_LOG_DELIVERY, '["*"]')):
        if isinstance(level, Ref):
            there = Ref(f'{level.expression} == "{OFF}" ? [] : {resources}')
            yield attrs.evolve(statement, resources=there)
        else:
            yield statement


def _start_parts(parts: tuple[str, ...]) -> Iterator[Statement]:
    """Yield the statements to start executions of other machines, and to wait for them.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
    """
    yield Statement("RunParts", ("states:StartExecution",), tuple(states_arn("stateMachine", part) for part in parts))
    executions = tuple(Joined(states_arn("execution", part), ":*") for part in parts)
    yield Statement("WatchParts", ("states:DescribeExecution", "states:StopExecution"), executions)
    rule = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
    yield managed_rule("AwaitParts", rule)


# These two actions have no resources to name.
_LOG_DELIVERY = Statement(
    "DeliverLogs",
    (
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
    ),
    ("*",),
)

"""The state machine between triggers and the flow: it gives each execution the name that follows from what started it.

EventBridge delivers at least once, and can give an execution no name. Step Functions starts no second execution of a
name, so a repeated delivery starts nothing. Before: ``{"trigger": "nightly", "kind": "schedule", "id":
"2026-01-01T06:00:00Z", "parameters": {}}``. After: the execution ``nightly-2026-01-01T060000Z``::

    Start              starts an execution of the flow; a name that is taken -> Started before
    Started before     ends: the delivery was a repetition
"""

from __future__ import annotations

from laminar_codegen.ir import labels
from laminar_codegen.ir.asl import Catcher, StateMachine, Succeed, Task
from laminar_codegen.ir.expressions import Expression, Ref
from laminar_runtime.identifiers import RESUMED
from laminar_runtime.storage.layout import STARTED_BY

__all__ = ["STARTER", "emit_starter"]

#: The name of the state machine.
STARTER = "starter"

_BEFORE = "Started before"
#: The name of an execution: of the trigger, and of what it was started by. That is a text, such as a time, without its
#: colons, which names cannot have; or a list of texts of any length.
_EXECUTION = (
    "($i := $states.input.id; $states.input.trigger & '-' & ($type($i) = 'string' ? $replace($i, ':', '') "
    ": $substring($hash($string($i), 'SHA-256'), 0, 32)))"
)
#: The parameters of the flow, and those that are ids of executions: the id of a resume is that of the first execution.
_PARAMETERS = (
    "$merge([$states.input.parameters, $each($states.input.executions, "
    f"function($name, $parameter) {{ {{ $parameter: $substringBefore($name, '{RESUMED}') }} }})])"
)
#: Both names are in use: https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
_TAKEN = ("StepFunctions.ExecutionAlreadyExists", "StepFunctions.ExecutionAlreadyExistsException")


def emit_starter() -> StateMachine:
    """Emit the state machine that starts the flow for its triggers.

    Returns:
        The state machine. Its input is what the targets of rules and schedules send.
    """
    start = Task(
        name="Start",
        comment="Starts the flow, once for each time or event",
        integration="states:startExecution",
        arguments={
            "StateMachineArn": Ref(f"aws_sfn_state_machine.{labels.MAIN}.arn"),
            "Name": Expression(_EXECUTION),
            "Input": {
                "parameters": Expression(_PARAMETERS),
                STARTED_BY: Expression("$states.input.kind & '/' & $states.input.trigger"),
                "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": Expression("$states.context.Execution.Id"),
            },
        },
        catch=(Catcher(_TAKEN, _BEFORE),),
        next=None,
    )
    before = Succeed(name=_BEFORE, comment="The time or the event was delivered before")
    comment = "Starts the flow for its triggers, once for each time or event"
    return StateMachine(name=STARTER, comment=comment, states=(start, before), companion=True)

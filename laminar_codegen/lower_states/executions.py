"""The state that runs an execution of another state machine: of a sub-machine, or of a flow of a chain."""

from __future__ import annotations

from laminar_codegen.ir.asl import DRIVE, JOB_TAGS, Task
from laminar_codegen.ir.expressions import Expression, Ref, Value
from laminar_runtime.storage.layout import TAGS

__all__ = ["FROM_HERE", "start_execution"]

#: The input of an execution that this one starts: the console links the two by it, and its jobs have the same tags.
#: https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
FROM_HERE: Value = {
    "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": Expression("$states.context.Execution.Id"),
    TAGS: Expression(JOB_TAGS),
}


def start_execution(name: str, comment: str, machine: str, given: Value, after: str | None) -> Task:
    """Return a state that runs an execution of another state machine, under the same id, and waits for its end.

    Args:
        name: The state's name.
        comment: Its purpose.
        machine: The name of the machine among those of the document.
        given: Its input.
        after: The state that follows.
    """
    return Task(
        name=name,
        comment=comment,
        integration="states:startExecution.sync:2",
        arguments={
            "StateMachineArn": Ref(f"aws_sfn_state_machine.{machine}.arn"),
            # A redriven execution starts another one, whose finished layers end at once.
            "Name": Expression(DRIVE),
            "Input": given,
        },
        next=after,
    )

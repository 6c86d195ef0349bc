"""What ends the jobs of executions that end before their jobs do.

A state that waits for a job has it terminated when it is stopped. The jobs of layers that run item by item are
submitted beforehand, and nothing waits for any but the last: they would run on, and be billed. No state runs after a
stop or a timeout, or when a branch beside fails. So a rule of EventBridge starts a small state machine when an
execution has ended so::

    Execution          how often was it redriven? The names of its jobs follow from that
    Queues             a Map over the job queues:
      Jobs               lists the jobs of the execution
      Terminations       a Map over those that have not ended: terminates each
      More jobs          chooses: there is another page -> Jobs
    Left               chooses: some had not ended, or it is the first look -> Pause, Queues

It looks twice at least: a job may have been submitted in the moment in which the execution was stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from laminar_codegen import names
from laminar_codegen.ir.asl import Choice, Map, Rule, State, StateMachine, Succeed, Task, Wait, submits_unawaited
from laminar_codegen.ir.expressions import Expression, Joined, Ref, Value
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.terraform import Block
from laminar_codegen.lower_states.jobs import LEFT
from laminar_codegen.lower_terraform.policy_statement import regional

__all__ = ["ENDED", "emit_rule", "emit_stop_jobs", "ended_executions"]

#: The local value that says which ends of executions the rule is about.
ENDED = "ended_executions"
_NAME = Ref("var.name")
#: Looks at most, and seconds between two: the children of an array job are terminated one by one.
_LOOKS, _PAUSE = 10, 30
#: How often, and for how many seconds, a start is tried again.
_ATTEMPTS, _SECONDS = 5, 3600


def emit_stop_jobs(graphs: Sequence[Graph]) -> StateMachine:
    """Emit the state machine that ends the jobs of an execution.

    Args:
        graphs: The graphs of the flows.

    Returns:
        The state machine. Its input is the detail of an event "Step Functions Execution Status Change".
    """
    layers = [layer for graph in graphs for layer in graph.layers if layer.name in graph.pipelines]
    queues: list[Value] = list(dict.fromkeys(map(names.job_queue, layers)))
    redrives = "$exists($states.result.RedriveCount) ? $states.result.RedriveCount : 0"
    # One that runs again was redriven since: its jobs have other names by now.
    ended = f"({redrives}) - ($states.result.Status = 'RUNNING' ? 1 : 0)"
    return StateMachine(
        name=names.STOP_JOBS,
        comment="Terminates the jobs that an execution left behind",
        states=(
            Task(
                name="Execution",
                comment="Looks how often the execution was redriven",
                integration="aws-sdk:sfn:describeExecution",
                arguments={"ExecutionArn": Expression("$states.input.executionArn"), "IncludedData": "METADATA_ONLY"},
                output={
                    "jobs": Expression(names.jobs_of_execution("$states.input.executionArn", ended)),
                    "looks": 1,
                },
                next="Queues",
            ),
            Map(
                name="Queues",
                comment="Terminates the jobs of the execution in each job queue",
                items=queues,
                selector={
                    "queue": Expression("$states.context.Map.Item.Value"),
                    "jobs": Expression("$states.input.jobs"),
                    "left": False,
                },
                states=_of_queue(),
                output={
                    "jobs": Expression("$states.input.jobs"),
                    "looks": Expression("$states.input.looks + 1"),
                    "left": Expression(f"true in $states.result.left and $states.input.looks < {_LOOKS}"),
                },
                next="Left",
            ),
            Choice(
                name="Left",
                comment="Looks again if some had not ended, and once for what was submitted meanwhile",
                rules=(Rule(Expression("$states.input.left or $states.input.looks = 2"), "Pause"),),
                default="Ended",
            ),
            Wait(name="Pause", comment="Gives the jobs time to end", seconds=Expression(str(_PAUSE)), next="Queues"),
            Succeed(name="Ended", comment="All jobs have ended, or are about to"),
        ),
    )


def _of_queue() -> tuple[State, ...]:
    """The states that terminate the jobs of an execution in one queue, page by page of the list of jobs."""
    page = "$exists($states.input.page) ? {'NextToken': $states.input.page} : {}"
    # Of an array job the list has the job, and not its children: they are terminated with it.
    filters = "[{'Name': 'JOB_NAME', 'Values': [$states.input.jobs & '*']}]"
    alive = "$states.result.JobSummaryList[$not(Status in ['SUCCEEDED', 'FAILED'])].JobId"
    same = "'queue': $states.input.queue, 'jobs': $states.input.jobs"
    return (
        Task(
            name="Jobs",
            comment="Lists the jobs of the execution",
            integration="aws-sdk:batch:listJobs",
            arguments=Expression(f"$merge([{{'JobQueue': $states.input.queue, 'Filters': {filters}}}, {page}])"),
            output=Expression(
                f"{{{same}, 'left': $states.input.left, 'alive': [{alive}], 'page': $states.result.NextToken}}"
            ),
            next="Terminations",
        ),
        Map(
            name="Terminations",
            comment="Terminates those that have not ended",
            items=Expression("$states.input.alive"),
            states=(
                Task(
                    name="Termination",
                    comment="Terminates a job, an array job with its children",
                    integration="aws-sdk:batch:terminateJob",
                    arguments={"JobId": Expression("$states.input"), "Reason": LEFT},
                    next=None,
                ),
            ),
            output=Expression(
                f"{{{same}, 'left': $states.input.left or $count($states.input.alive) > 0, 'page': $states.input.page}}"
            ),
            next="More jobs",
        ),
        Choice(
            name="More jobs",
            comment="Goes on with the next page of the list, if there is one",
            rules=(Rule(Expression("$exists($states.input.page)"), "Jobs"),),
            default="Queue looked through",
        ),
        Succeed(
            name="Queue looked through",
            comment="There are no more jobs in it",
            output=Expression("{'left': $states.input.left}"),
        ),
    )


def ended_executions(machines: Sequence[StateMachine]) -> dict[str, Any]:
    """The pattern of events about executions that ended before all of their jobs may have.

    https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html

    Args:
        machines: All state machines.
    """
    watched = [machine.name for machine in machines if submits_unawaited(machine)]
    arns: list[Value] = [regional("states", "stateMachine:", names.machine(name)) for name in watched]
    return {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"status": ["ABORTED", "FAILED", "TIMED_OUT"], "stateMachineArn": arns},
    }


def emit_rule() -> tuple[Block, Block]:
    """The rule that starts the state machine, and what it starts."""
    rule: dict[str, Value] = {
        "name": names.of_deployment(names.STOP_JOBS.replace("_", "-")),
        "description": Joined("Has the jobs of executions of ", _NAME, " end with them"),
        "event_pattern": Ref(f"jsonencode(local.{ENDED})"),
        "tags": Ref("var.tags"),
        "depends_on": [names.MADE_FIRST],
    }
    target: dict[str, Value] = {
        "rule": Ref(f"aws_cloudwatch_event_rule.{names.STOP_JOBS}.name"),
        "target_id": "state-machine",
        "arn": Ref(f"aws_sfn_state_machine.{names.STOP_JOBS}.arn"),
        "role_arn": names.role(names.STOP_JOBS),
        "input_path": "$.detail",
        "retry_policy": {"maximum_retry_attempts": _ATTEMPTS, "maximum_event_age_in_seconds": _SECONDS},
        # EventBridge does not wait for what its role may do.
        "depends_on": [f"aws_iam_role_policy.{names.STOP_JOBS}"],
    }
    return (
        Block("aws_cloudwatch_event_rule", names.STOP_JOBS, rule),
        Block("aws_cloudwatch_event_target", names.STOP_JOBS, target),
    )

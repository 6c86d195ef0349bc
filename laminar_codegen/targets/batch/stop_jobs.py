"""The state machine that terminates the jobs of executions that end before their jobs.

Step Functions terminates the job of a state that is stopped. The jobs of layers that run item by item are submitted
beforehand, and a state waits for the last one only: the others would run on, and be billed. No state runs after a stop
or a timeout, or when a parallel branch fails. So a rule of EventBridge starts a small state machine when an execution
has ended in such a way::

    Execution          reads how often it was redriven: the names of its jobs follow from that
    Queues             a Map over the job queues:
      Jobs               lists the jobs of the execution
      Terminations       a Map over those that have not ended: terminates each
      More jobs          chooses: another page -> Jobs
    Left               chooses: some had not ended, or it is the first look -> Pause, Queues

It looks at least twice: a job may have been submitted at the moment in which the execution was stopped.
"""

from __future__ import annotations

from collections.abc import Sequence

from laminar_codegen.ir.asl import Choice, Map, Rule, State, StateMachine, Succeed, Task, Wait
from laminar_codegen.ir.expressions import Expression, Value
from laminar_codegen.ir.graph import Graph
from laminar_codegen.targets.batch.labels import LEFT, job_queue, jobs_of_execution

__all__ = ["STOP_JOBS", "emit_stop_jobs"]

#: The name of the state machine, and the label of the rule that starts it.
STOP_JOBS = "stop_jobs"

#: The most looks, and the seconds between two: the children of an array job are terminated one by one.
_LOOKS, _PAUSE = 10, 30


def emit_stop_jobs(graphs: Sequence[Graph]) -> StateMachine:
    """Emit the state machine that ends the jobs of an execution.

    Args:
        graphs: The graphs of the flows.

    Returns:
        The state machine. Its input is the detail of an event "Step Functions Execution Status Change".
    """
    layers = [layer for graph in graphs for layer in graph.layers if layer.name in graph.pipelines]
    return StateMachine(
        name=STOP_JOBS,
        comment="Terminates the jobs that an execution left behind",
        states=(_execution(), _queues(list(dict.fromkeys(map(job_queue, layers)))), *_LOOK_AGAIN),
        companion=True,
    )


def _execution() -> Task:
    redrives = "$exists($states.result.RedriveCount) ? $states.result.RedriveCount : 0"
    # An execution that runs again was redriven since: its jobs have other names now.
    ended = f"({redrives}) - ($states.result.Status = 'RUNNING' ? 1 : 0)"
    return Task(
        name="Execution",
        comment="Looks how often the execution was redriven",
        integration="aws-sdk:sfn:describeExecution",
        arguments={"ExecutionArn": Expression("$states.input.executionArn"), "IncludedData": "METADATA_ONLY"},
        output={"jobs": Expression(jobs_of_execution("$states.input.executionArn", ended)), "looks": 1},
        next="Queues",
    )


def _queues(queues: list[Value]) -> Map:
    return Map(
        name="Queues",
        comment="Terminates the jobs of the execution in each job queue",
        items=queues,
        selector={
            "queue": Expression("$states.context.Map.Item.Value"),
            "jobs": Expression("$states.input.jobs"),
            "left": False,
        },
        states=(_jobs(), _terminations(), *_NEXT_PAGE),
        output={
            "jobs": Expression("$states.input.jobs"),
            "looks": Expression("$states.input.looks + 1"),
            "left": Expression(f"true in $states.result.left and $states.input.looks < {_LOOKS}"),
        },
        next="Left",
    )


#: The states after a look at all queues.
_LOOK_AGAIN: tuple[State, ...] = (
    Choice(
        name="Left",
        comment="Looks again if some had not ended, and once for what was submitted meanwhile",
        rules=(Rule(Expression("$states.input.left or $states.input.looks = 2"), "Pause"),),
        default="Ended",
    ),
    Wait(name="Pause", comment="Gives the jobs time to end", seconds=Expression(str(_PAUSE)), next="Queues"),
    Succeed(name="Ended", comment="All jobs have ended, or are about to"),
)

#: The part of the input that each state of a queue passes on.
_SAME = "'queue': $states.input.queue, 'jobs': $states.input.jobs"


def _jobs() -> Task:
    page = "$exists($states.input.page) ? {'NextToken': $states.input.page} : {}"
    # The list has an array job, and not its children: they are terminated with it.
    filters = "[{'Name': 'JOB_NAME', 'Values': [$states.input.jobs & '*']}]"
    alive = "$states.result.JobSummaryList[$not(Status in ['SUCCEEDED', 'FAILED'])].JobId"
    return Task(
        name="Jobs",
        comment="Lists the jobs of the execution",
        integration="aws-sdk:batch:listJobs",
        arguments=Expression(f"$merge([{{'JobQueue': $states.input.queue, 'Filters': {filters}}}, {page}])"),
        output=Expression(
            f"{{{_SAME}, 'left': $states.input.left, 'alive': [{alive}], 'page': $states.result.NextToken}}"
        ),
        next="Terminations",
    )


def _terminations() -> Map:
    left = "'left': $states.input.left or $count($states.input.alive) > 0"
    termination = Task(
        name="Termination",
        comment="Terminates a job, an array job with its children",
        integration="aws-sdk:batch:terminateJob",
        arguments={"JobId": Expression("$states.input"), "Reason": LEFT},
        next=None,
    )
    return Map(
        name="Terminations",
        comment="Terminates those that have not ended",
        items=Expression("$states.input.alive"),
        count=0,
        states=(termination,),
        output=Expression(f"{{{_SAME}, {left}, 'page': $states.input.page}}"),
        next="More jobs",
    )


#: The states after a page of the list of jobs.
_NEXT_PAGE: tuple[State, ...] = (
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

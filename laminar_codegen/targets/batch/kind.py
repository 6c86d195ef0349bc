"""AWS Batch as a kind of target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Deployment, Role, TaskResource
from laminar_codegen.ir.expressions import Input, Joined, Ref, Value
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.terraform import Variable
from laminar_codegen.policies.calls import TAGS, Calls
from laminar_codegen.policies.datastore import prefixes
from laminar_codegen.policies.statement import Statement, managed_rule, regional
from laminar_codegen.targets.batch import checks, start_permissions
from laminar_codegen.targets.batch.job_definitions import (
    JobDefinition,
    container_properties,
    definition_tags,
    emit_job_definition,
    job_definitions,
)
from laminar_codegen.targets.batch.labels import JOBS
from laminar_codegen.targets.batch.states import BatchStates
from laminar_codegen.targets.batch.stop_jobs_rule import STOPPER, find_jobs
from laminar_codegen.targets.batch.target import (
    PLANNER_ROLE,
    QUEUES,
    BatchTarget,
    has_execution_role,
    on_ec2,
)
from laminar_codegen.targets.batch.task_permissions import for_layers_with, for_tasks
from laminar_codegen.targets.batch.validations import validations
from laminar_codegen.targets.kind import TargetKind, roles_of_layers
from laminar_runtime import variables
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.executors import Executor

__all__ = ["BATCH"]

_ASSIGN_PUBLIC_IP = Variable(
    name="assign_public_ip",
    type="bool",
    description="Whether tasks get a public IP address: needed in subnets without a NAT gateway or VPC endpoints.",
    default=(False,),
)


def _of_executor(executor: Executor, timeout: float | None) -> BatchTarget:
    if not isinstance(executor, executors.AWS.Batch):
        return BatchTarget("FARGATE", timeout)
    share = executor.share_identifier
    return BatchTarget(
        executor.platform,
        timeout,
        executor.queue,
        Input.of(share) if isinstance(share, variables.Variable) else share,
        executor.priority or 0,
        executor.role,
    )


def _local_values(deployment: Deployment) -> dict[str, Value]:
    containers = {item.label: container_properties(item) for item in _in_order(deployment)}
    tags = {item.label: definition_tags(item) for item in _in_order(deployment)}
    return {
        **start_permissions.local_values(deployment),
        **({"containers": containers, "job_tags": tags} if containers else {}),
    }


def _in_order(deployment: Deployment) -> Iterator[JobDefinition]:
    return (item for item in deployment.resources if isinstance(item, JobDefinition))


def _variables(deployment: Deployment) -> Iterator[Variable]:
    if any(not on_ec2(item.placement) for item in _in_order(deployment)):
        yield _ASSIGN_PUBLIC_IP


def _roles(flows: str, resources: Sequence[TaskResource]) -> Iterator[Role]:
    tasks = "ecs-tasks.amazonaws.com"
    if any(item.placement.target.role is None for item in resources):
        yield Role("task", tasks, f"What the layers of the {flows} may do", "the tasks have")
    named = [item for item in resources if item.placement.target.role != PLANNER_ROLE]
    yield from roles_of_layers(tasks, named)
    if len(named) < len(resources):
        yield Role(PLANNER_ROLE, tasks, f"Plans the layers of the {flows}", "the planner has")
    if any(has_execution_role(item.placement) for item in resources):
        yield Role("execution", tasks, f"Starts the containers of the {flows}", "starts the containers of tasks")


def _log_groups(resources: Sequence[TaskResource]) -> Iterator[str]:
    if any(item.container.log_driver == "awslogs" for item in resources):
        yield labels.TASKS


def _statements(deployment: Deployment, short: bool) -> Iterator[Statement]:  # noqa: FBT001 - a field of the kind
    found = tuple(sorted(definition.label for definition in deployment.of_type(JobDefinition)))
    patterns = _definitions(prefixes(deployment, found, JOBS))
    definitions = patterns if short else _definitions(found)
    # A pattern covers the revisions, too.
    revisions = () if short else tuple(Joined(definition, ":*") for definition in definitions)
    # A job has no ARN before it is submitted, but the Service Authorization Reference requires one.
    jobs = regional("batch", "job/*")
    queues = tuple(Ref(f"var.{queue.variable}") for queue in deployment.queues)
    yield Statement("SubmitJobs", ("batch:SubmitJob",), (*queues, *definitions, *revisions, jobs))
    # AWS Batch refuses a submission with tags unless it may tag what it names, too. Patterns leave room for the names.
    # The keys are not limited: who starts an execution chooses tags for its jobs.
    tagged = tuple(Joined(pattern, ":*") for pattern in patterns)
    yield Statement("TagJobs", ("batch:TagResource",), (*queues, *tagged, jobs))
    # Batch makes the identifier in the ARN of a job, and the children of an array do not have its tags. A narrower
    # permission would leave jobs running, and billed, when their execution is stopped.
    yield Statement("StopJobs", ("batch:TerminateJob",), (jobs,))
    # This action has no resource to name.
    yield Statement("WatchJobs", ("batch:DescribeJobs",), ("*",))
    yield managed_rule("AwaitJobs", "StepFunctionsGetEventsForBatchJobsRule")
    yield from find_jobs(deployment, short=short)


def _definitions(suffixes: Iterable[str]) -> tuple[Joined, ...]:
    return tuple(regional("batch", "job-definition/", labels.of_deployment(suffix)) for suffix in suffixes)


def _resources(graph: Graph) -> Iterator[TaskResource]:
    yield from job_definitions(graph)
    if graph.planner.target is not None:
        from laminar_codegen.targets.batch.planner_jobs import planner_jobs  # most planners are functions

        yield from planner_jobs(graph)


#: A job definition, and its revisions, which have ARNs of their own.
CALLS = {
    "aws_batch_job_definition": (
        Calls(
            service="batch",
            resources=("job-definition/{n}-*",),
            plan=(),
            plan_any=("DescribeJobDefinitions",),
            apply=("RegisterJobDefinition",),
            destroy=(),
        ),
        Calls(
            service="batch",
            resources=("job-definition/{n}-*:*",),
            plan=(),
            # A new revision replaces the old one.
            apply=("DeregisterJobDefinition", *TAGS),
            destroy=("DeregisterJobDefinition",),
        ),
    )
}

#: The kind of target.
BATCH = TargetKind(
    target=BatchTarget,
    of_executor=_of_executor,
    states=BatchStates.of,
    resources=_resources,
    emit=lambda definition: (emit_job_definition(definition),),
    rules=checks.RULES,
    queues=QUEUES,
    local_values=_local_values,
    variables=_variables,
    validations=validations,
    roles=_roles,
    permissions_of=for_layers_with,
    permissions={"task": for_tasks, "execution": start_permissions.for_execution},
    statements=_statements,
    log_groups=_log_groups,
    calls=CALLS,
    task_role=("task", "tasks"),
    companion=STOPPER,
    jobs_note="jobs(L): one for each 10,000 splits of L and size of container, none if it has no split",
)

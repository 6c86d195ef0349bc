"""AWS Lambda as a kind of target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from laminar_codegen.ir.deployment import Deployment, Role, TaskResource
from laminar_codegen.ir.placement import network_of
from laminar_codegen.policies.datastore import for_functions, invoke
from laminar_codegen.policies.sizes import Fitted
from laminar_codegen.policies.statement import Statement
from laminar_codegen.targets.aws_lambda import checks
from laminar_codegen.targets.aws_lambda.functions import TaskFunction, emit_task_function, task_functions
from laminar_codegen.targets.aws_lambda.states import LambdaStates
from laminar_codegen.targets.aws_lambda.tags import local_values, validations
from laminar_codegen.targets.aws_lambda.target import LambdaTarget
from laminar_codegen.targets.aws_lambda.volumes import volumes_by_iam
from laminar_codegen.targets.kind import TargetKind, roles_of_layers
from laminar_codegen.targets.mounts import mount_statements, with_mounts
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.executors import Executor

__all__ = ["LAMBDA"]


def _of_executor(executor: Executor, timeout: float | None) -> LambdaTarget | None:
    return (
        LambdaTarget(executor.concurrency, timeout, executor.role, network_of(executor.network))
        if isinstance(executor, executors.AWS.Lambda)
        else None
    )


def _roles(flows: str, resources: Sequence[TaskResource]) -> Iterator[Role]:
    principal = "lambda.amazonaws.com"
    if any(item.placement.target.role is None for item in resources):
        description = f"What the layers of the {flows} on AWS Lambda may do"
        yield Role("function", principal, description, "the tasks on AWS Lambda have")
    yield from roles_of_layers(principal, resources)


def _permissions(deployment: Deployment) -> Fitted:
    return _for_role(deployment, None)


def _permissions_of(deployment: Deployment, role: str) -> Fitted:
    return _for_role(deployment, role)


def _for_role(deployment: Deployment, role: str | None) -> Fitted:
    functions = _with_role(deployment, role)
    mounts = mount_statements(volumes_by_iam(item.placement for item in functions))
    return with_mounts(deployment, for_functions(deployment, functions, role), mounts)


def _with_role(deployment: Deployment, role: str | None) -> tuple[TaskFunction, ...]:
    return tuple(item for item in deployment.of_type(TaskFunction) if item.placement.target.role == role)


def _statements(deployment: Deployment, short: bool) -> Iterator[Statement]:  # noqa: FBT001 - a field of the kind
    yield invoke(deployment, "RunTasks", deployment.of_type(TaskFunction), short=short)


#: The kind of target.
LAMBDA = TargetKind(
    target=LambdaTarget,
    of_executor=_of_executor,
    states=LambdaStates.of,
    resources=task_functions,
    emit=lambda function: (emit_task_function(function),),
    rules=checks.RULES,
    local_values=local_values,
    validations=validations,
    roles=_roles,
    permissions_of=_permissions_of,
    permissions={"function": _permissions},
    statements=_statements,
    log_groups=lambda resources: sorted(item.label for item in resources),
    task_role=("function", "tasks on AWS Lambda"),
    functions=True,
    jobs_note="jobs(L) of a layer on AWS Lambda: an invocation for each split of L",
)

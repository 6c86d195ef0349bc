"""What services check of roles that they are given, and what they do in their names besides calls of tasks.

A role that its service cannot assume is refused when it is given; so is one by which Step Functions could not write its
log or learn of the ends of jobs. A job whose roles cannot be assumed, or cannot pull its image or write its log, does
not start.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from laminar_codegen.rehearsal.aws.faults import StartFailure
from laminar_codegen.rehearsal.permissions import Call, Guard, Need
from laminar_codegen.rehearsal.permissions.service_needs import (
    for_container,
    for_function,
    for_logging,
    for_network,
    for_synchronous,
    for_tracing,
    for_volumes,
)

__all__ = ["JobRoles", "RoleChecks"]

_STATES, _TASKS = "states.amazonaws.com", "ecs-tasks.amazonaws.com"
_ROLE = re.compile(r"arn:[a-z-]+:iam::[0-9]{12}:role/.+")
_INITIALIZATION = "ResourceInitializationError"
_CLIENT_MOUNT, _CLIENT_WRITE = "elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"
_NOT_MOUNTED = (
    "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: mount.nfs4: "
    "access denied by server while mounting {}:/ : unsuccessful EFS utils command execution; code: 32"
)
_NOT_BY_ECS = (
    "ECS was unable to assume the role '{}' that was provided for this task. Please verify that the role being passed "
    "has the proper trust relationship and permissions and that your IAM user has permissions to pass this role."
)
_NOT_ASSUMED = (
    "AccessDeniedException",
    "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the role.",
)
_NO_LOG = ("AccessDeniedException", "The state machine IAM Role is not authorized to access the Log Destination")
_NOT_BY_LAMBDA = (
    "InvalidParameterValueException",
    "The role defined for the function cannot be assumed by Lambda.",
)
_NO_INTERFACE = "InvalidParameterValueException"
_NO_RIGHT = "The provided execution role does not have permissions to call"
_NOT_BY_RULES = ("ValidationException", "The role of the target cannot be assumed by principal 'events.amazonaws.com'.")
_NOT_BY_SCHEDULER = (
    "ValidationException",
    "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
)


@attrs.frozen
class RoleChecks:
    """Says why a request may not give a role to a service.

    Args:
        guard: Decides what roles may do.
    """

    guard: Guard

    def __call__(self, call: Call) -> tuple[str, str] | None:
        """Return the code and the message of the refusal, None if the request is fine.

        Args:
            call: The request.
        """
        given = call.parameters
        match call.service, call.operation:
            case "states", "CreateStateMachine":
                name = f"stateMachine:{given.get('name')}"
                return self._state_machine(call, given.get("roleArn"), _arn(call, "states", name))
            case "states", "UpdateStateMachine":
                return self._state_machine(call, given.get("roleArn"), str(given.get("stateMachineArn")))
            case "lambda", "CreateFunction":
                return self._function(call)
            case "scheduler", "CreateSchedule" | "UpdateSchedule":
                role = (given.get("Target") or {}).get("RoleArn")
                group = given.get("GroupName") or "default"
                source = _arn(call, "scheduler", f"schedule/{group}/{given.get('Name')}")
                refused = self._check_trust(role, "scheduler.amazonaws.com", source, call, _NOT_BY_SCHEDULER)
                return refused or self._starts(call, role, f"schedule {given.get('Name')}", given.get("Target") or {})
            case "events", "PutTargets":
                return self._targets(call)
        return None

    def _targets(self, call: Call) -> tuple[str, str] | None:
        rule = call.parameters.get("Rule")
        for target in call.parameters.get("Targets") or ():
            role = target.get("RoleArn")
            source = _arn(call, "events", f"rule/{rule}")
            refused = self._check_trust(role, "events.amazonaws.com", source, call, _NOT_BY_RULES)
            refused = refused or self._starts(call, role, f"rule {rule}", target)
            if refused is not None:
                return refused
        return None

    def _starts(self, call: Call, role: str | None, place: str, target: Mapping[str, Any]) -> tuple[str, str] | None:
        """Check what a schedule or a rule does when its time comes. On AWS this is only found out then."""
        if role is None:
            return None
        needed = []
        arn = str(target.get("Arn", ""))
        if ":states:" in arn:
            needed.append(Need("states:StartExecution", arn))
        queue = (target.get("DeadLetterConfig") or {}).get("Arn")
        # The queue of a rule has a policy of its own: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
        if queue and call.service == "scheduler":
            needed.append(Need("sqs:SendMessage", queue))
        refused = self.guard.check(attrs.evolve(_as(call, role), place=place), needed)
        return None if refused is None else ("ValidationException", f"it would fail when its time comes: {refused}")

    def _function(self, call: Call) -> tuple[str, str] | None:
        given = call.parameters
        arn = _arn(call, "lambda", f"function:{given.get('FunctionName')}")
        refused = self._check_trust(given.get("Role"), "lambda.amazonaws.com", arn, call, _NOT_BY_LAMBDA)
        if refused is None and (given.get("TracingConfig") or {}).get("Mode") == "Active":
            # Without them the function has no traces, and no error.
            self.guard.check(_as(call, str(given.get("Role"))), for_tracing(), noted=False)
        if refused is None:
            own = _as(call, str(given.get("Role")))
            missing = self.guard.check(own, for_network(own, given.get("VpcConfig") or {}))
            if missing is not None:
                refused = _NO_INTERFACE, f"{_NO_RIGHT} {missing.action.partition(':')[2]} on EC2"
        return refused

    def _state_machine(self, call: Call, role: str | None, arn: str) -> tuple[str, str] | None:
        if role is None:
            return None
        refused = self._check_trust(role, _STATES, arn, call, _NOT_ASSUMED)
        if refused is not None:
            return refused
        own = _as(call, role)
        logging = call.parameters.get("loggingConfiguration") or {}
        if logging.get("level", "OFF") != "OFF" and self.guard.check(own, for_logging()) is not None:
            return _NO_LOG
        for resource in _resources(call.parameters.get("definition")):
            if self.guard.check(own, for_synchronous(own, resource)) is not None:
                return "AccessDeniedException", f"'{role}' is not authorized to create managed-rule."
        if (call.parameters.get("tracingConfiguration") or {}).get("enabled"):
            self.guard.check(own, for_tracing(), noted=False)
        return None

    def _check_trust(
        self, role: str | None, service: str, source: str, call: Call, refusal: tuple[str, str]
    ) -> tuple[str, str] | None:
        if role is None or self.guard.trust(role, service, source=source, region=call.region) is None:
            return None
        return refusal


@attrs.frozen
class JobRoles:
    """Says why a job does not start for its roles' sake.

    Args:
        guard: Decides what roles may do.
        account: The account of the jobs.
    """

    guard: Guard
    account: str

    def refusal(self, container: Mapping[str, Any], region: str, stream: str | None, place: str) -> StartFailure | None:
        """Return why ECS does not start a container, None if it does.

        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html

        Args:
            container: The container properties of the job's definition.
            region: The job's region.
            stream: Its log stream in CloudWatch, None if its log goes elsewhere.
            place: The job, for messages.
        """
        source = f"arn:aws:ecs:{region}:{self.account}:task/rehearsal"
        for name in ("jobRoleArn", "executionRoleArn"):
            role = container.get(name)
            if role and not _ROLE.fullmatch(role):
                return StartFailure(_NOT_BY_ECS.format(role))
            if role and self.guard.trust(role, _TASKS, source=source, region=region, place=place) is not None:
                return StartFailure(_NOT_BY_ECS.format(role))
        return self._mount_refusal(container, region, place) or self._start_refusal(container, region, stream, place)

    def _mount_refusal(self, container: Mapping[str, Any], region: str, place: str) -> StartFailure | None:
        """Return why a container does not start for its volumes' sake. If it may mount them only, it does start."""
        role = container.get("jobRoleArn")
        if not role:
            return None
        call = Call(principal=role, service="elasticfilesystem", region=region, operation="Mount", place=place)
        for system, mounting, using in for_volumes(call, container):
            if self.guard.check(call, [mounting]) is not None:
                return StartFailure(reason=_NOT_MOUNTED.format(system))
            # Only a write would fail, with the error of a read-only file system, or what root does as nobody.
            self.guard.check(call, using)
        return None

    def function_mount_refusal(self, role: str, function: str, region: str, points: Iterable[str]) -> str | None:
        """Return why AWS Lambda cannot mount the file systems of a function.

        A function names an access point. The file system that this belongs to is one that the role may mount by it.
        https://docs.aws.amazon.com/lambda/latest/dg/configuration-filesystem.html

        Args:
            role: The role of the function.
            function: The name of the function.
            region: Its region.
            points: The ARNs of its access points.
        """
        call = Call(
            principal=role, service="elasticfilesystem", region=region, operation="Mount", place=f"function {function}"
        )
        for point in points:
            refused = self._mount_by(call, point)
            if refused is not None:
                return f"The function couldn't mount the Amazon EFS file system with access point {point}: {refused}"
        return None

    def _mount_by(self, call: Call, point: str) -> str | None:
        context = {"elasticfilesystem:accesspointarn": point, "elasticfilesystem:accessedviamounttarget": "true"}
        for system in self.guard.named_resources(call.principal, _CLIENT_MOUNT):
            if self.guard.check(call, [Need(_CLIENT_MOUNT, system, context)], noted=False) is None:
                # Without it the file system is read-only, which may be meant: a function does not say.
                self.guard.check(call, [Need(_CLIENT_WRITE, system, context)], noted=False)
                return None
        unknown = f"{point.rpartition('access-point/')[0]}file-system/fs-unknown"
        refused = self.guard.check(call, [Need(_CLIENT_MOUNT, unknown, context)])
        return None if refused is None else refused.message

    def _start_refusal(
        self, container: Mapping[str, Any], region: str, stream: str | None, place: str
    ) -> StartFailure | None:
        role = container.get("executionRoleArn")
        if not role:
            return None
        call = Call(principal=role, service="ecs", region=region, operation="RunTask", place=place)
        refused = self.guard.check(call, for_container(container))
        if refused is not None:
            return StartFailure(reason=f"{_INITIALIZATION}: unable to pull secrets or registry auth: {refused.message}")
        refused = self.guard.check(call, _log_needs(container, region, self.account, stream))
        if refused is not None:
            return StartFailure(reason=f"{_INITIALIZATION}: failed to validate logger args: {refused.message}")
        return None

    def invocation(self, role: str, function: str, region: str, stream: str) -> None:
        """Note what AWS Lambda does in the name of a function's role. Without it there is no log, and no error.

        Args:
            role: The role.
            function: The name of the function.
            region: Its region.
            stream: The log stream of the invocation.
        """
        call = Call(principal=role, service="lambda", region=region, operation="Invoke", place=f"function {function}")
        self.guard.check(call, for_function(call, f"/aws/lambda/{function}", stream), noted=False)


def _log_needs(container: Mapping[str, Any], region: str, account: str, stream: str | None) -> Iterable[Need]:
    """Yield the permissions to write a job's log."""
    options = (container.get("logConfiguration") or {}).get("options") or {}
    if stream is None:
        return
    group = options.get("awslogs-group", "/aws/batch/job")
    arn = f"arn:aws:logs:{options.get('awslogs-region', region)}:{account}:log-group:{group}:log-stream:{stream}"
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        yield Need(action, arn)


def _as(call: Call, role: str) -> Call:
    """Return what a service does for a request, in the name of the role that it is given."""
    return attrs.evolve(call, principal=role, place="")


def _arn(call: Call, service: str, resource: str) -> str:
    return f"arn:{call.partition}:{service}:{call.region}:{call.account}:{resource}"


def _resources(definition: str | None) -> set[str]:
    """Return the integrations of a definition that wait for the end of what they start."""
    try:
        read = json.loads(definition or "{}")
    except ValueError:
        return set()  # the operation itself refuses what is not JSON
    found = (resource.partition(":::")[2] for resource in _all_resources(read))
    return {integration for integration in found if ".sync" in integration}


def _all_resources(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        if isinstance(value.get("Resource"), str):
            yield value["Resource"]
        for item in value.values():
            yield from _all_resources(item)
    elif isinstance(value, list):
        for item in value:
            yield from _all_resources(item)

"""What AWS Batch keeps besides jobs: job definitions, compute environments, job queues, scheduling policies, and tags.

https://docs.aws.amazon.com/batch/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from laminar_codegen.rehearsal.aws.batch_containers import check_definition
from laminar_codegen.rehearsal.batch_requests import (
    FARGATE,
    UNDECIDED,
    Queue,
    RefusedError,
    check_name,
    check_retry,
    check_timeout,
)

__all__ = ["BatchRecords"]

Json = dict[str, Any]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_LISTS = ("command", "environment", "mountPoints", "resourceRequirements", "secrets", "ulimits", "volumes")
_DEFINITION = (
    "containerProperties",
    "ecsProperties",
    "eksProperties",
    "nodeProperties",
    "retryStrategy",
    "schedulingPriority",
    "timeout",
)
_SERVICE_ROLE = "role/aws-service-role/batch.amazonaws.com/AWSServiceRoleForBatch"


@attrs.define
class BatchRecords:
    """The records of an account in a region.

    Args:
        account: The account.
        region: The region.
    """

    account: str
    region: str
    _definitions: dict[str, Json] = attrs.field(factory=dict, init=False)
    _environments: dict[str, Json] = attrs.field(factory=dict, init=False)
    _queues: dict[str, Json] = attrs.field(factory=dict, init=False)
    _policies: dict[str, Json] = attrs.field(factory=dict, init=False)
    _lock: threading.RLock = attrs.field(factory=threading.RLock, init=False)

    def register_definition(self, given: Mapping[str, Any]) -> Json:
        """Register a revision of a job definition.

        Raises:
            RefusedError: If AWS refuses it.
        """
        name = check_name(given.get("jobDefinitionName"), "Job definition name")
        kind, capabilities = given.get("type"), list(given.get("platformCapabilities") or [])
        if kind not in ("container", "multinode"):
            raise RefusedError(f"type must be container or multinode, not {kind}")
        container = given.get("containerProperties")
        if kind == "container" and container is None and not (given.get("eksProperties") or given.get("ecsProperties")):
            raise RefusedError("containerProperties, ecsProperties or eksProperties must be provided")
        if container is not None:
            _check_container(container)
            check_definition(container, capabilities)
        check_retry(given.get("retryStrategy") or {})
        check_timeout(given.get("timeout") or {})
        with self._lock:
            revision = 1 + max((item["revision"] for item in self._of_name(name)), default=0)
            arn = self._arn(f"job-definition/{name}:{revision}")
            definition = {
                "jobDefinitionName": name,
                "jobDefinitionArn": arn,
                "revision": revision,
                "status": "ACTIVE",
                "type": kind,
                "parameters": dict(given.get("parameters") or {}),
                "tags": dict(given.get("tags") or {}),
                "propagateTags": bool(given.get("propagateTags")),
                "containerOrchestrationType": "EKS" if given.get("eksProperties") else "ECS",
                **{field: given[field] for field in _DEFINITION if given.get(field) is not None},
                **({"platformCapabilities": capabilities} if capabilities else {}),
            }
            if container is not None:
                definition["containerProperties"] = _complete(container, capabilities)
            self._definitions[arn] = definition
        return {field: definition[field] for field in ("jobDefinitionName", "jobDefinitionArn", "revision")}

    def definition(self, named: str) -> Json | None:
        """Return a definition by its ARN, its name and revision, or the newest active one of a name."""
        with self._lock:
            full = self._definitions.get(named) or self._definitions.get(self._arn(f"job-definition/{named}"))
            active = [item for item in self._of_name(named) if item["status"] == "ACTIVE"]
            return full or (active[-1] if active else None)

    def describe_definitions(self, given: Mapping[str, Any]) -> list[Json]:
        """Return the definitions that are asked for."""
        named, name, status = (given.get(field) for field in ("jobDefinitions", "jobDefinitionName", "status"))
        with self._lock:
            found = list(self._definitions.values())
            if named:
                found = [item for item in found if _is_named(item, named)]
            elif name:
                found = self._of_name(name)
            return [item for item in found if status in (None, item["status"])]

    def deregister_definition(self, named: str) -> None:
        """Note that a definition is no longer used. Raises RefusedError if there is none."""
        with self._lock:
            definition = self.definition(named)
            if definition is None:
                raise RefusedError(f"Job definition {named} does not exist")
            definition["status"] = "INACTIVE"

    def _of_name(self, name: str) -> list[Json]:
        return [item for item in self._definitions.values() if item["jobDefinitionName"] == name]

    def create_environment(self, given: Mapping[str, Any]) -> Json:
        """Create a compute environment. Raises RefusedError."""
        name, kind = given.get("computeEnvironmentName"), given.get("type")
        resources = given.get("computeResources")
        _check(name, "Compute environment name")
        if kind not in ("MANAGED", "UNMANAGED"):
            raise RefusedError(f"type must be MANAGED or UNMANAGED, not {kind}")
        if kind == "MANAGED" and not resources:
            raise RefusedError("computeResources must be specified when creating a MANAGED environment")
        with self._lock:
            if self._find(self._environments, "computeEnvironment", str(name)) is not None:
                raise RefusedError(f"Object already exists: {name}")
            arn = self._arn(f"compute-environment/{name}")
            self._environments[arn] = {
                "computeEnvironmentName": name,
                "computeEnvironmentArn": arn,
                "type": kind,
                "state": given.get("state") or "ENABLED",
                "status": "VALID",
                "statusReason": "ComputeEnvironment Healthy",
                "serviceRole": given.get("serviceRole") or f"arn:aws:iam::{self.account}:{_SERVICE_ROLE}",
                "ecsClusterArn": f"arn:aws:ecs:{self.region}:{self.account}:cluster/AWSBatch-{name}-{uuid.uuid4()}",
                "tags": dict(given.get("tags") or {}),
                "uuid": str(uuid.uuid4()),
                "containerOrchestrationType": "EKS" if given.get("eksConfiguration") else "ECS",
                **({"computeResources": dict(resources)} if resources else {}),
                **({"eksConfiguration": given["eksConfiguration"]} if given.get("eksConfiguration") else {}),
            }
        return {"computeEnvironmentName": name, "computeEnvironmentArn": arn}

    def describe_environments(self, given: Mapping[str, Any]) -> list[Json]:
        """Return the compute environments that are asked for."""
        return self._select(self._environments, "computeEnvironment", given.get("computeEnvironments"))

    def update_environment(self, given: Mapping[str, Any]) -> Json:
        """Change a compute environment. Raises RefusedError."""
        with self._lock:
            found = self._require(self._environments, "computeEnvironment", given.get("computeEnvironment"))
            found |= {name: given[name] for name in ("state", "serviceRole", "updatePolicy") if name in given}
            if "computeResources" in given:
                found["computeResources"] = {**found.get("computeResources", {}), **given["computeResources"]}
            return {name: found[name] for name in ("computeEnvironmentName", "computeEnvironmentArn")}

    def delete_environment(self, given: Mapping[str, Any]) -> None:
        """Delete a compute environment. Raises RefusedError."""
        with self._lock:
            found = self._require(self._environments, "computeEnvironment", given.get("computeEnvironment"))
            arn = found["computeEnvironmentArn"]
            if found["state"] != "DISABLED":
                raise RefusedError("Cannot delete, state must be DISABLED")
            orders = (order for queue in self._queues.values() for order in queue["computeEnvironmentOrder"])
            if any(order["computeEnvironment"] == arn for order in orders):
                raise RefusedError("Cannot delete, found existing JobQueue relationship")
            del self._environments[arn]

    def create_queue(self, given: Mapping[str, Any]) -> Json:
        """Create a job queue. Raises RefusedError."""
        name = given.get("jobQueueName")
        _check(name, "Job queue name")
        with self._lock:
            if self._find(self._queues, "jobQueue", str(name)) is not None:
                raise RefusedError(f"Object already exists: {name}")
            arn = self._arn(f"job-queue/{name}")
            self._queues[arn] = {
                "jobQueueName": name,
                "jobQueueArn": arn,
                "state": given.get("state") or "ENABLED",
                "status": "VALID",
                "statusReason": "JobQueue Healthy",
                "priority": given["priority"],
                "computeEnvironmentOrder": self._order(given.get("computeEnvironmentOrder") or []),
                "tags": dict(given.get("tags") or {}),
                **{field: given[field] for field in _OF_QUEUES if given.get(field) is not None},
            }
        return {"jobQueueName": name, "jobQueueArn": arn}

    def describe_queues(self, given: Mapping[str, Any]) -> list[Json]:
        """Return the job queues that are asked for."""
        return self._select(self._queues, "jobQueue", given.get("jobQueues"))

    def update_queue(self, given: Mapping[str, Any]) -> Json:
        """Change a job queue. Raises RefusedError."""
        with self._lock:
            found = self._require(self._queues, "jobQueue", given.get("jobQueue"))
            found |= {name: given[name] for name in ("state", "priority", *_OF_QUEUES) if name in given}
            if "computeEnvironmentOrder" in given:
                found["computeEnvironmentOrder"] = self._order(given["computeEnvironmentOrder"])
            return {name: found[name] for name in ("jobQueueName", "jobQueueArn")}

    def delete_queue(self, given: Mapping[str, Any]) -> None:
        """Delete a job queue. Raises RefusedError."""
        with self._lock:
            found = self._require(self._queues, "jobQueue", given.get("jobQueue"))
            if found["state"] != "DISABLED":
                raise RefusedError("Cannot delete, state must be DISABLED")
            del self._queues[found["jobQueueArn"]]

    def queue(self, named: str, *, shared: bool) -> tuple[Queue, list[Json]]:
        """Return a queue that takes jobs, with its compute environments. Raises RefusedError.

        The first job decides whether a queue of a rehearsal has a fair-share policy: with `shared` it has.
        """
        with self._lock:
            found = self._find(self._queues, "jobQueue", named)
            if found is None or found["state"] != "ENABLED":
                raise RefusedError(f"Job queue {named} is not enabled")
            arns = [order["computeEnvironment"] for order in found["computeEnvironmentOrder"]]
            environments = [self._environments[arn] for arn in arns]
            name = environments[0]["computeEnvironmentName"]
            if found["tags"].pop(UNDECIDED, None) is not None and shared:
                found["schedulingPolicyArn"] = self._arn(f"scheduling-policy/{found['jobQueueName']}")
            fair = "schedulingPolicyArn" in found
            return Queue(found["jobQueueArn"], found["jobQueueName"], name, fair), environments

    def _order(self, entries: Sequence[Mapping[str, Any]]) -> list[Json]:
        if not entries:
            raise RefusedError("At least 1 compute environment must be provided")
        ordered = sorted(entries, key=lambda entry: int(entry["order"]))
        environments = (
            self._require(self._environments, "computeEnvironment", entry["computeEnvironment"]) for entry in ordered
        )
        return [
            {"order": entry["order"], "computeEnvironment": found["computeEnvironmentArn"]}
            for entry, found in zip(ordered, environments, strict=True)
        ]

    def create_policy(self, given: Mapping[str, Any]) -> Json:
        """Create a scheduling policy."""
        name = given["name"]
        _check(name, "Scheduling policy name")
        arn = self._arn(f"scheduling-policy/{name}")
        with self._lock:
            if arn in self._policies:
                raise RefusedError(f"Object already exists: {name}")
            fair = given.get("fairsharePolicy") or {"computeReservation": 0, "shareDecaySeconds": 0}
            self._policies[arn] = {
                "name": name,
                "arn": arn,
                "fairsharePolicy": fair,
                "tags": dict(given.get("tags") or {}),
            }
        return {"name": name, "arn": arn}

    def policies(self, arns: Sequence[str] | None = None) -> list[Json]:
        """Return scheduling policies, all unless some are asked for."""
        with self._lock:
            return [item for arn, item in self._policies.items() if arns is None or arn in arns]

    def update_policy(self, given: Mapping[str, Any]) -> None:
        """Change a scheduling policy. Raises RefusedError."""
        with self._lock:
            found = self.policies([given["arn"]])
            if not found:
                raise RefusedError(f"Scheduling policy {given['arn']} does not exist")
            found[0]["fairsharePolicy"] = given.get("fairsharePolicy") or {}

    def delete_policy(self, arn: str) -> None:
        """Delete a scheduling policy."""
        with self._lock:
            self._policies.pop(arn, None)

    def tags(self, arn: str) -> dict[str, str]:
        """Return the tags of a resource, to be read and changed. Raises RefusedError if it does not exist."""
        for records in (self._definitions, self._environments, self._queues, self._policies):
            if arn in records:
                tags: dict[str, str] = records[arn]["tags"]
                return tags
        raise RefusedError(f"There is no resource {arn}")

    def _arn(self, resource: str) -> str:
        return f"arn:aws:batch:{self.region}:{self.account}:{resource}"

    def _select(self, records: Mapping[str, Json], kind: str, named: Sequence[str] | None) -> list[Json]:
        with self._lock:
            return [item for arn, item in records.items() if not named or arn in named or item[f"{kind}Name"] in named]

    def _find(self, records: Mapping[str, Json], kind: str, named: str) -> Json | None:
        found = self._select(records, kind, [named])
        return found[0] if found else None

    def _require(self, records: Mapping[str, Json], kind: str, named: Any) -> Json:
        found = self._find(records, kind, str(named))
        if found is None:
            raise RefusedError(f"{named} does not exist")
        return found


_OF_QUEUES = ("schedulingPolicyArn", "jobStateTimeLimitActions")


def _check(name: Any, what: str) -> None:
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise RefusedError(f"{what} should match valid pattern: {name!r}")


def _is_named(definition: Json, named: Sequence[str]) -> bool:
    name = definition["jobDefinitionName"]
    return any(item in (definition["jobDefinitionArn"], f"{name}:{definition['revision']}", name) for item in named)


def _check_container(container: Mapping[str, Any]) -> None:
    """Refuse a container without an image, processors or memory."""
    if "image" not in container:
        raise RefusedError("containerProperties must contain image")
    wanted = {item["type"] for item in container.get("resourceRequirements") or []}
    for kind, field in (("MEMORY", "memory"), ("VCPU", "vcpus")):
        if kind not in wanted and field not in container:
            raise RefusedError(f"containerProperties must contain {field}")


def _complete(container: Mapping[str, Any], capabilities: Sequence[str]) -> Json:
    """Return a container as Batch shows it: with its defaults, and without variables that are empty."""
    fargate = {"fargatePlatformConfiguration": {"platformVersion": "LATEST"}} if FARGATE in capabilities else {}
    complete = {**fargate, **{name: [] for name in _LISTS}, **container}
    return {**complete, "environment": [item for item in complete["environment"] if item.get("value") != ""]}

"""AWS Batch: compute environments, job queues, scheduling policies."""

from __future__ import annotations

from botocore.exceptions import ClientError

from tools.terraform_standin.declaration import Call, Limit, Naming, Resource
from tools.terraform_standin.errors import RefusedError
from tools.terraform_standin.tagging import TagOperations
from tools.terraform_standin.values import State

TAGS = TagOperations(service="batch", parameter="resourceArn", tags="tags", keys="tagKeys", pair=None).tagging()

_SERVICE = "batch.amazonaws.com"
_ENVIRONMENT_NAMES = {
    "name": "computeEnvironmentName",
    "compute_resources.instance_type": "instanceTypes",
}
_QUEUE_NAMES = {
    "name": "jobQueueName",
    "arn": "jobQueueArn",
    "job_state_time_limit_action": "jobStateTimeLimitActions",
}


def _create_environment(call: Call) -> State:
    request = call.request("batch", "CreateComputeEnvironment", renames=_ENVIRONMENT_NAMES, omit={"update_policy"})
    if call["service_role"] is None:
        request["serviceRole"] = _service_linked_role(call)
    client = call.client("batch")
    response = client.create_compute_environment(**request)
    if call["update_policy"]:
        # Creation cannot take it.
        policy = call.request("batch", "UpdateComputeEnvironment", only={"update_policy"}, tagged=False)
        client.update_compute_environment(computeEnvironment=response["computeEnvironmentArn"], **policy)
    return {"id": call["name"], "arn": response["computeEnvironmentArn"]}


def _service_linked_role(call: Call) -> str:
    """Return the role that AWS makes for Batch itself; the embedded AWS needs it, and its name."""
    client = call.client("iam")
    try:
        client.create_service_linked_role(AWSServiceName=_SERVICE)
    except ClientError as error:
        # By its code: threads that make clients at once have classes of exceptions of their own.
        if error.response["Error"]["Code"] != "EntityAlreadyExists":
            raise
    roles = client.list_roles(PathPrefix=f"/aws-service-role/{_SERVICE}/")["Roles"]
    return str(roles[0]["Arn"])


def _read_environment(call: Call) -> State | None:
    name = call.state.get("arn") or call["id"]
    found = call.client("batch").describe_compute_environments(computeEnvironments=[name])
    for environment in found["computeEnvironments"]:
        if environment.get("status") == "DELETED":
            continue
        if call.state.get("compute_resources"):
            # The embedded AWS does not keep updates of these: the values that were applied last count.
            environment.pop("computeResources", None)
        return call.attributes(environment, _ENVIRONMENT_NAMES) | {
            "id": environment["computeEnvironmentName"],
            "arn": environment["computeEnvironmentArn"],
        }
    return None


def _update_environment(call: Call) -> State | None:
    arguments = ["state", "service_role"]
    resources = [
        {name: value for name, value in block.items() if name != "spot_iam_fleet_role"}
        for block in call["compute_resources"]
    ]
    if call.changes("compute_resources"):
        arguments.append("compute_resources")
    request = call.with_state(call.state | {"compute_resources": resources}).request(
        "batch", "UpdateComputeEnvironment", renames=_ENVIRONMENT_NAMES, only=arguments
    )
    call.client("batch").update_compute_environment(computeEnvironment=call["arn"], **request)
    return None


#: The arguments that can change in place only in an environment that AWS Batch can update.
_IF_UPDATABLE = frozenset(
    {
        "allocation_strategy",
        "bid_percentage",
        "ec2_configuration",
        "ec2_key_pair",
        "image_id",
        "instance_role",
        "instance_type",
        "launch_template",
        "tags",
    }
)
_NETWORK = frozenset({"security_group_ids", "subnets"})
_UPDATABLE_STRATEGIES = frozenset({"BEST_FIT_PROGRESSIVE", "SPOT_CAPACITY_OPTIMIZED", "SPOT_PRICE_CAPACITY_OPTIMIZED"})


def _replacements(prior: State, planned: State) -> list[str]:
    """Return the arguments whose change replaces an environment that AWS Batch cannot update.

    https://docs.aws.amazon.com/batch/latest/userguide/updating-compute-environments.html
    """
    if not (prior["compute_resources"] and planned["compute_resources"]) or _updatable(prior):
        return []
    before, after = prior["compute_resources"][0], planned["compute_resources"][0]
    names = _IF_UPDATABLE if "FARGATE" in str(before["type"]) else _IF_UPDATABLE | _NETWORK
    return [f"compute_resources.{name}" for name in sorted(names & before.keys()) if before[name] != after[name]]


def _updatable(environment: State) -> bool:
    role, resources = environment["service_role"], environment["compute_resources"][0]
    own = not role or "/aws-service-role/" in str(role)
    return own and resources["allocation_strategy"] in _UPDATABLE_STRATEGIES


def _delete_environment(call: Call) -> None:
    client = call.client("batch")
    # The embedded AWS would delete what a queue still leads to; AWS refuses.
    queues = client.describe_job_queues()["jobQueues"]
    if any(
        order["computeEnvironment"] == call["arn"] for queue in queues for order in queue["computeEnvironmentOrder"]
    ):
        raise RefusedError("Cannot delete, found existing JobQueue relationship")
    client.update_compute_environment(computeEnvironment=call["arn"], state="DISABLED")
    client.delete_compute_environment(computeEnvironment=call["arn"])


def _create_queue(call: Call) -> State:
    request = call.request("batch", "CreateJobQueue", renames=_QUEUE_NAMES)
    arn = call.client("batch").create_job_queue(**request)["jobQueueArn"]
    return {"id": arn, "arn": arn}


def _read_queue(call: Call) -> State | None:
    queues = call.client("batch").describe_job_queues(jobQueues=[call["id"]])["jobQueues"]
    for queue in queues:
        if queue.get("status") == "DELETED":
            continue
        return call.attributes(queue, _QUEUE_NAMES) | {"id": queue["jobQueueArn"]}
    return None


def _update_queue(call: Call) -> State | None:
    request = call.request("batch", "UpdateJobQueue", renames=_QUEUE_NAMES, omit={"name"})
    call.client("batch").update_job_queue(jobQueue=call["arn"], **request)
    return None


def _delete_queue(call: Call) -> None:
    client = call.client("batch")
    client.update_job_queue(jobQueue=call["arn"], state="DISABLED")
    client.delete_job_queue(jobQueue=call["arn"])


def _create_policy(call: Call) -> State:
    request = call.request("batch", "CreateSchedulingPolicy")
    arn = call.client("batch").create_scheduling_policy(**request)["arn"]
    return {"id": arn, "arn": arn}


def _read_policy(call: Call) -> State | None:
    found = call.client("batch").describe_scheduling_policies(arns=[call["id"]])
    policies = found["schedulingPolicies"]
    return call.attributes(policies[0]) | {"id": policies[0]["arn"]} if policies else None


def _update_policy(call: Call) -> State | None:
    request = call.request("batch", "UpdateSchedulingPolicy", only={"fair_share_policy"})
    call.client("batch").update_scheduling_policy(arn=call["arn"], **request)
    return None


def _delete_policy(call: Call) -> None:
    call.client("batch").delete_scheduling_policy(arn=call["arn"])


COMPUTE_ENVIRONMENT = Resource(
    type="aws_batch_compute_environment",
    limits={
        "name": Limit(1, 128, "[A-Za-z0-9_-]+"),
        "name_prefix": Limit(1, 102, "[A-Za-z0-9_-]+"),
        "update_policy.job_execution_timeout_minutes": Limit(1, 360),
    },
    create=_create_environment,
    read=_read_environment,
    update=_update_environment,
    delete=_delete_environment,
    replaces={
        "type",
        "eks_configuration",
        "compute_resources.placement_group",
        "compute_resources.spot_iam_fleet_role",
    },
    replaces_by_count={"compute_resources.ec2_configuration", "compute_resources.launch_template"},
    replaces_if=_replacements,
    computed={
        "compute_resources.desired_vcpus",
        "compute_resources.ec2_configuration",
        "compute_resources.ec2_configuration.image_id_override",
        "compute_resources.launch_template.version",
        "service_role",
        "update_policy",
    },
    defaults={"state": "ENABLED"},
    tagging=TAGS,
    naming=Naming(),
)
JOB_QUEUE = Resource(
    type="aws_batch_job_queue",
    limits={
        "job_state_time_limit_action.max_time_seconds": Limit(600, 86400),
        "name": Limit(1, 128, "[A-Za-z0-9][A-Za-z0-9_-]*"),
    },
    create=_create_queue,
    read=_read_queue,
    update=_update_queue,
    delete=_delete_queue,
    replaces={"name"},
    tagging=TAGS,
)
SCHEDULING_POLICY = Resource(
    type="aws_batch_scheduling_policy",
    create=_create_policy,
    read=_read_policy,
    update=_update_policy,
    delete=_delete_policy,
    replaces={"name"},
    tagging=TAGS,
)

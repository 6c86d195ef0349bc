"""ECR repositories, their policies and what removes old images from them."""

from __future__ import annotations

from tools.terraform_standin.declaration import Call, Resource
from tools.terraform_standin.tagging import TagOperations
from tools.terraform_standin.text_equality import same_json, same_policy
from tools.terraform_standin.values import State

_NAMES = {
    "name": "repositoryName",
    "arn": "repositoryArn",
    "repository_url": "repositoryUri",
    "image_tag_mutability_exclusion_filter": "imageTagMutabilityExclusionFilters",
}
_POLICY_NAMES = {"repository": "repositoryName", "policy": "policyText"}
_LIFECYCLE_NAMES = {"repository": "repositoryName", "policy": "lifecyclePolicyText"}


def _create(call: Call) -> State:
    request = call.request("ecr", "CreateRepository", renames=_NAMES, omit={"force_delete"})
    call.client("ecr").create_repository(**request)
    return {"id": call["name"]}


def _read(call: Call) -> State | None:
    found = call.client("ecr").describe_repositories(repositoryNames=[call["id"]])
    return call.attributes(found["repositories"][0], _NAMES) | {"id": call["id"]}


def _update(call: Call) -> State | None:
    client, name = call.client("ecr"), call["name"]
    if call.changes("image_tag_mutability"):
        client.put_image_tag_mutability(repositoryName=name, imageTagMutability=call["image_tag_mutability"])
    if call.changes("image_scanning_configuration"):
        scan = any(block["scan_on_push"] for block in call["image_scanning_configuration"])
        client.put_image_scanning_configuration(repositoryName=name, imageScanningConfiguration={"scanOnPush": scan})
    return None


def _delete(call: Call) -> None:
    call.client("ecr").delete_repository(repositoryName=call["name"], force=bool(call["force_delete"]))


def _put_policy(call: Call) -> State:
    call.client("ecr").set_repository_policy(repositoryName=call["repository"], policyText=call["policy"])
    return {"id": call["repository"]}


def _read_policy(call: Call) -> State | None:
    found = call.client("ecr").get_repository_policy(repositoryName=call["id"])
    return call.attributes(found, _POLICY_NAMES) | {"id": call["id"]}


def _delete_policy(call: Call) -> None:
    call.client("ecr").delete_repository_policy(repositoryName=call["repository"])


def _put_lifecycle(call: Call) -> State:
    call.client("ecr").put_lifecycle_policy(repositoryName=call["repository"], lifecyclePolicyText=call["policy"])
    return {"id": call["repository"]}


def _read_lifecycle(call: Call) -> State | None:
    found = call.client("ecr").get_lifecycle_policy(repositoryName=call["id"])
    return call.attributes(found, _LIFECYCLE_NAMES) | {"id": call["id"]}


def _delete_lifecycle(call: Call) -> None:
    call.client("ecr").delete_lifecycle_policy(repositoryName=call["repository"])


REPOSITORY = Resource(
    type="aws_ecr_repository",
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
    replaces={"encryption_configuration", "name"},
    computed={
        "encryption_configuration",
        "encryption_configuration.kms_key",
        "image_scanning_configuration",
    },
    defaults={
        "encryption_configuration.encryption_type": "AES256",
        "image_tag_mutability": "MUTABLE",
    },
    tagging=TagOperations(service="ecr", parameter="resourceArn", tags="tags", keys="tagKeys").tagging(),
)
REPOSITORY_POLICY = Resource(
    type="aws_ecr_repository_policy",
    create=_put_policy,
    read=_read_policy,
    update=_put_policy,
    delete=_delete_policy,
    replaces={"repository"},
    json={"policy": same_policy},
)
LIFECYCLE_POLICY = Resource(
    type="aws_ecr_lifecycle_policy",
    create=_put_lifecycle,
    read=_read_lifecycle,
    delete=_delete_lifecycle,
    replaces={"policy", "repository"},
    json={"policy": same_json},
)

"""IAM: roles, policies, attachments, instance profiles. IAM is global: no region."""

from __future__ import annotations

import json
from urllib.parse import unquote

from tools.terraform_standin.declaration import Call, Limit, Naming, Resource, Tagging
from tools.terraform_standin.errors import RefusedError
from tools.terraform_standin.tagging import TagOperations
from tools.terraform_standin.text_equality import same_policy
from tools.terraform_standin.values import State

_PATH = {"path": "/"}
#: The most versions of a policy: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_MOST_VERSIONS = 5
#: The most characters of the policies of a role.
_MOST_CHARACTERS = 10_240


def _document(value: object) -> str:
    """Read a policy as text: boto3 decodes some, others come URL-encoded."""
    return json.dumps(value) if isinstance(value, dict) else unquote(str(value))


def _create_role(call: Call) -> State:
    request = call.request(
        "iam",
        "CreateRole",
        renames={"name": "RoleName", "assume_role_policy": "AssumeRolePolicyDocument"},
        omit={"force_detach_policies", "inline_policy", "managed_policy_arns"},
    )
    role = call.client("iam").create_role(**request)["Role"]
    for policy in call["inline_policy"]:
        _put_inline(call, policy)
    for arn in call["managed_policy_arns"] or ():
        call.client("iam").attach_role_policy(RoleName=call["name"], PolicyArn=arn)
    return {"id": role["RoleName"], "name": role["RoleName"]}


def _put_inline(call: Call, policy: State) -> None:
    call.client("iam").put_role_policy(
        RoleName=call["name"], PolicyName=policy["name"], PolicyDocument=policy["policy"]
    )


def _read_role(call: Call) -> State | None:
    client, name = call.client("iam"), call["id"]
    role = client.get_role(RoleName=name)["Role"]
    policy = _document(role.pop("AssumeRolePolicyDocument"))
    boundary = role.pop("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return call.attributes(role) | {
        "id": role["RoleName"],
        "name": role["RoleName"],
        "assume_role_policy": policy,
        "unique_id": role["RoleId"],
        "permissions_boundary": boundary,
        # Also what other resources, or people, gave it.
        "inline_policy": [
            {
                "name": inline,
                "policy": _document(client.get_role_policy(RoleName=name, PolicyName=inline)["PolicyDocument"]),
            }
            for inline in client.list_role_policies(RoleName=name)["PolicyNames"]
        ],
        "managed_policy_arns": _attachments(call, name),
    }


def _update_role(call: Call) -> State | None:
    client, name = call.client("iam"), call["name"]
    if call.changes("assume_role_policy"):
        client.update_assume_role_policy(RoleName=name, PolicyDocument=call["assume_role_policy"])
    if call.changes("description"):
        client.update_role_description(RoleName=name, Description=call["description"] or "")
    if call.changes("max_session_duration"):
        client.update_role(RoleName=name, MaxSessionDuration=int(call["max_session_duration"]))
    if call.changes("permissions_boundary"):
        _update_boundary(call)
    if call.changes("inline_policy"):
        _update_inline(call)
    if call.changes("managed_policy_arns"):
        _update_attachments(call)
    return None


def _update_boundary(call: Call) -> None:
    boundary = call["permissions_boundary"]
    if boundary is None:
        call.client("iam").delete_role_permissions_boundary(RoleName=call["name"])
    else:
        call.client("iam").put_role_permissions_boundary(RoleName=call["name"], PermissionsBoundary=boundary)


def _update_inline(call: Call) -> None:
    before = call.prior["inline_policy"] if call.prior else []
    kept = {policy["name"] for policy in call["inline_policy"]}
    for policy in before:
        if policy["name"] not in kept:
            call.client("iam").delete_role_policy(RoleName=call["name"], PolicyName=policy["name"])
    for policy in call["inline_policy"]:
        _put_inline(call, policy)


def _update_attachments(call: Call) -> None:
    client, name = call.client("iam"), call["name"]
    before = set((call.prior or {}).get("managed_policy_arns") or ())
    wanted = set(call["managed_policy_arns"] or ())
    for arn in sorted(before - wanted):
        client.detach_role_policy(RoleName=name, PolicyArn=arn)
    for arn in sorted(wanted - before):
        client.attach_role_policy(RoleName=name, PolicyArn=arn)


def _delete_role(call: Call) -> None:
    client, name = call.client("iam"), call["name"]
    for profile in client.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"]:
        client.remove_role_from_instance_profile(InstanceProfileName=profile["InstanceProfileName"], RoleName=name)
    # If the state has any, which a refresh fills in, all that are there then go: also what others attached.
    forced = call["force_detach_policies"]
    if forced or call["managed_policy_arns"]:
        for arn in _attachments(call, name):
            client.detach_role_policy(RoleName=name, PolicyArn=arn)
    if forced or call["inline_policy"]:
        for policy in client.list_role_policies(RoleName=name)["PolicyNames"]:
            client.delete_role_policy(RoleName=name, PolicyName=policy)
    client.delete_role(RoleName=name)


def _attachments(call: Call, name: str) -> list[str]:
    found = call.client("iam").list_attached_role_policies(RoleName=name)
    return [policy["PolicyArn"] for policy in found["AttachedPolicies"]]


def _put_role_policy(call: Call) -> State:
    _check_sizes(call)
    call.client("iam").put_role_policy(RoleName=call["role"], PolicyName=call["name"], PolicyDocument=call["policy"])
    return {"id": f"{call['role']}:{call['name']}"}


def _check_sizes(call: Call) -> None:
    """Refuse policies that IAM refuses: those of a role have so many characters together, white space apart."""
    client, role = call.client("iam"), call["role"]
    names = [name for name in client.list_role_policies(RoleName=role)["PolicyNames"] if name != call["name"]]
    others = [_document(client.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]) for name in names]
    size = sum(len(json.dumps(json.loads(text), separators=(",", ":"))) for text in (*others, call["policy"]))
    if size > _MOST_CHARACTERS:
        raise RefusedError(f"LimitExceeded: Maximum policy size of {_MOST_CHARACTERS} bytes exceeded for role {role}")


def _read_role_policy(call: Call) -> State | None:
    role, _, name = call["id"].partition(":")
    found = call.client("iam").get_role_policy(RoleName=role, PolicyName=name)
    return {
        "id": call["id"],
        "role": role,
        "name": name,
        "policy": _document(found["PolicyDocument"]),
    }


def _delete_role_policy(call: Call) -> None:
    call.client("iam").delete_role_policy(RoleName=call["role"], PolicyName=call["name"])


def _create_policy(call: Call) -> State:
    request = call.request("iam", "CreatePolicy", renames={"name": "PolicyName", "policy": "PolicyDocument"})
    arn = call.client("iam").create_policy(**request)["Policy"]["Arn"]
    return {"id": arn, "arn": arn}


def _read_policy(call: Call) -> State | None:
    client = call.client("iam")
    policy = client.get_policy(PolicyArn=call["id"])["Policy"]
    version = client.get_policy_version(PolicyArn=call["id"], VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    return call.attributes(policy, {"name": "PolicyName"}) | {
        "id": policy["Arn"],
        "policy": _document(version["Document"]),
    }


def _update_policy(call: Call) -> State | None:
    client, arn = call.client("iam"), call["arn"]
    versions = client.list_policy_versions(PolicyArn=arn)["Versions"]
    if len(versions) == _MOST_VERSIONS:
        oldest = min((item for item in versions if not item["IsDefaultVersion"]), key=lambda item: item["CreateDate"])
        client.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])
    client.create_policy_version(PolicyArn=arn, PolicyDocument=call["policy"], SetAsDefault=True)
    return None


def _delete_policy(call: Call) -> None:
    client, arn = call.client("iam"), call["arn"]
    for version in client.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            client.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    client.delete_policy(PolicyArn=arn)


def _attach(call: Call) -> State:
    call.client("iam").attach_role_policy(RoleName=call["role"], PolicyArn=call["policy_arn"])
    return {"id": f"{call['role']}/{call['policy_arn']}"}


def _read_attachment(call: Call) -> State | None:
    role, _, arn = call["id"].partition("/")
    found = call.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    if arn not in {policy["PolicyArn"] for policy in found}:
        return None
    return {"id": call["id"], "role": role, "policy_arn": arn}


def _detach(call: Call) -> None:
    call.client("iam").detach_role_policy(RoleName=call["role"], PolicyArn=call["policy_arn"])


def _create_profile(call: Call) -> State:
    client, name = call.client("iam"), call["name"]
    tags = call.tag_parameter("iam", "CreateInstanceProfile")
    client.create_instance_profile(InstanceProfileName=name, Path=call["path"], **tags)
    if call["role"] is not None:
        client.add_role_to_instance_profile(InstanceProfileName=name, RoleName=call["role"])
    return {"id": name}


def _read_profile(call: Call) -> State | None:
    found = call.client("iam").get_instance_profile(InstanceProfileName=call["id"])
    profile = found["InstanceProfile"]
    roles = [role["RoleName"] for role in profile.pop("Roles")]
    for role in roles:
        call.client("iam").get_role(RoleName=role)
    return call.attributes(profile, {"name": "InstanceProfileName"}) | {
        "id": call["id"],
        "unique_id": profile["InstanceProfileId"],
        "role": roles[0] if roles else None,
    }


def _update_profile(call: Call) -> State | None:
    client, name = call.client("iam"), call["name"]
    before = call.prior["role"] if call.prior else None
    if before is not None:
        client.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=before)
    if call["role"] is not None:
        client.add_role_to_instance_profile(InstanceProfileName=name, RoleName=call["role"])
    return None


def _delete_profile(call: Call) -> None:
    client, name = call.client("iam"), call["name"]
    if call["role"] is not None:
        client.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=call["role"])
    client.delete_instance_profile(InstanceProfileName=name)


def _tagging(kind: str, parameter: str, *, read: str, attribute: str = "arn", answer: tuple[str, ...] = ()) -> Tagging:
    """Return the operations of IAM on the tags of a kind of resource, such as ``tag_role``."""
    return TagOperations(
        service="iam",
        parameter=parameter,
        attribute=attribute,
        answer=answer,
        write=f"tag_{kind}",
        remove=f"untag_{kind}",
        read=read,
    ).tagging()


ROLE = Resource(
    type="aws_iam_role",
    deprecated={"inline_policy", "managed_policy_arns"},
    limits={
        "description": Limit(0, 1000),
        "max_session_duration": Limit(3600, 43200),
        "name": Limit(1, 64, r"[\w+=,.@-]+"),
        "name_prefix": Limit(1, 38, r"[\w+=,.@-]+"),
    },
    create=_create_role,
    read=_read_role,
    update=_update_role,
    delete=_delete_role,
    replaces={"path"},
    computed={"managed_policy_arns", "inline_policy"},
    defaults=_PATH | {"force_detach_policies": False, "max_session_duration": 3600},
    json={"assume_role_policy": same_policy, "inline_policy.policy": same_policy},
    tagging=_tagging("role", "RoleName", attribute="name", read="list_role_tags"),
    naming=Naming(),
)
ROLE_POLICY = Resource(
    type="aws_iam_role_policy",
    limits={"name": Limit(1, 128), "name_prefix": Limit(1, 102)},
    create=_put_role_policy,
    read=_read_role_policy,
    update=_put_role_policy,
    delete=_delete_role_policy,
    replaces={"role"},
    json={"policy": same_policy},
    naming=Naming(),
)
POLICY = Resource(
    type="aws_iam_policy",
    create=_create_policy,
    read=_read_policy,
    update=_update_policy,
    delete=_delete_policy,
    replaces={"description", "path"},
    defaults=_PATH,
    json={"policy": same_policy},
    tagging=_tagging("policy", "PolicyArn", read="list_policy_tags"),
    naming=Naming(),
)
ROLE_POLICY_ATTACHMENT = Resource(
    type="aws_iam_role_policy_attachment",
    create=_attach,
    read=_read_attachment,
    delete=_detach,
    replaces={"role", "policy_arn"},
)
INSTANCE_PROFILE = Resource(
    type="aws_iam_instance_profile",
    limits={"name": Limit(1, 128), "name_prefix": Limit(1, 102)},
    create=_create_profile,
    read=_read_profile,
    update=_update_profile,
    delete=_delete_profile,
    replaces={"path"},
    defaults=_PATH,
    tagging=_tagging(
        "instance_profile",
        "InstanceProfileName",
        attribute="name",
        read="get_instance_profile",
        answer=("InstanceProfile", "Tags"),
    ),
    naming=Naming(),
)

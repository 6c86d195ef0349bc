"""EC2 launch templates: a change makes a new version."""

from __future__ import annotations

from tools.terraform_standin.declaration import ANY_CHANGE, Call, Naming, Resource
from tools.terraform_standin.resources.networks import TAGS, arn
from tools.terraform_standin.values import State

_NAMES = {
    "block_device_mappings": "BlockDeviceMappings",
    "license_specification": "LicenseSpecifications",
    "security_group_names": "SecurityGroups",
    "vpc_security_group_ids": "SecurityGroupIds",
    "network_interfaces.security_groups": "Groups",
    "network_interfaces.ipv4_address_count": "SecondaryPrivateIpAddressCount",
}
_TEMPLATE_ARGUMENTS = frozenset({"default_version", "description", "name", "update_default_version"})


def _data(call: Call) -> State:
    omit = _TEMPLATE_ARGUMENTS | {"tag_specifications"}
    data = call.request("ec2", "CreateLaunchTemplate", within="LaunchTemplateData", renames=_NAMES, omit=omit)
    if call["tag_specifications"]:
        data["TagSpecifications"] = [
            {
                "ResourceType": block["resource_type"],
                "Tags": [{"Key": key, "Value": value} for key, value in block["tags"].items()],
            }
            for block in call["tag_specifications"]
        ]
    return data


def _description(call: Call) -> dict[str, str]:
    return {"VersionDescription": call["description"]} if call["description"] else {}


def _create(call: Call) -> State:
    template = call.client("ec2").create_launch_template(
        LaunchTemplateName=call["name"],
        LaunchTemplateData=_data(call),
        **_description(call),
        **call.tag_parameter("ec2", "CreateLaunchTemplate"),
    )["LaunchTemplate"]
    return {"id": template["LaunchTemplateId"]}


def _read(call: Call) -> State | None:
    client, identity = call.client("ec2"), call["id"]
    found = client.describe_launch_templates(LaunchTemplateIds=[identity])["LaunchTemplates"]
    if not found:
        return None
    template = found[0]
    latest = client.describe_launch_template_versions(
        LaunchTemplateId=identity, Versions=[str(template["LatestVersionNumber"])]
    )["LaunchTemplateVersions"][0]
    data = latest["LaunchTemplateData"]
    data.pop("TagSpecifications", None)
    owner = call.client("sts").get_caller_identity()["Account"]
    return call.attributes(data, _NAMES) | {
        "id": identity,
        "name": template["LaunchTemplateName"],
        "arn": arn(call, owner, f"launch-template/{identity}"),
        "default_version": template["DefaultVersionNumber"],
        "latest_version": template["LatestVersionNumber"],
    }


def _update(call: Call) -> State | None:
    client, identity = call.client("ec2"), call["id"]
    latest = call["latest_version"]
    settled = _TEMPLATE_ARGUMENTS - {"description"} | {"id", "arn", "latest_version", "tags", "tags_all", "region"}
    if call.changes(*(call.state.keys() - settled)):
        made = client.create_launch_template_version(
            LaunchTemplateId=identity, LaunchTemplateData=_data(call), **_description(call)
        )
        latest = made["LaunchTemplateVersion"]["VersionNumber"]
    if call["update_default_version"]:
        client.modify_launch_template(LaunchTemplateId=identity, DefaultVersion=str(int(latest)))
    elif call["default_version"] is not None and call.changes("default_version"):
        client.modify_launch_template(LaunchTemplateId=identity, DefaultVersion=str(int(call["default_version"])))
    return None


def _delete(call: Call) -> None:
    call.client("ec2").delete_launch_template(LaunchTemplateId=call["id"])


LAUNCH_TEMPLATE = Resource(
    type="aws_launch_template",
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
    computed={"default_version"},
    renews={"latest_version": ANY_CHANGE, "default_version": ANY_CHANGE},
    at_most_one=("default_version", "update_default_version"),
    tagging=TAGS,
    naming=Naming(),
)

"""EC2 networks: VPCs, subnets, route tables and their associations, VPC endpoints."""

from __future__ import annotations

from tools.terraform_standin.declaration import Call, Resource, Tagging
from tools.terraform_standin.tagging import from_pairs, to_pairs
from tools.terraform_standin.values import State


def _write_tags(call: Call, tags: dict[str, str]) -> None:
    call.client("ec2").create_tags(Resources=[call["id"]], Tags=to_pairs(tags))


def _remove_tags(call: Call, keys: list[str]) -> None:
    call.client("ec2").delete_tags(Resources=[call["id"]], Tags=[{"Key": key} for key in keys])


def _read_tags(call: Call) -> dict[str, str]:
    found = call.client("ec2").describe_tags(Filters=[{"Name": "resource-id", "Values": [call["id"]]}])
    return from_pairs(found["Tags"])


TAGS = Tagging(write=_write_tags, remove=_remove_tags, read=_read_tags)


def arn(call: Call, owner: str, resource: str) -> str:
    """Return the ARN of an EC2 object. EC2 itself returns none for most kinds of objects."""
    return f"arn:aws:ec2:{call.client('ec2').meta.region_name}:{owner}:{resource}"


def _create_vpc(call: Call) -> State:
    request = call.request("ec2", "CreateVpc", only={"cidr_block", "instance_tenancy"})
    found = call.client("ec2").create_vpc(**request)["Vpc"]
    created = call.with_state(call.state | {"id": found["VpcId"]})
    _modify_vpc(created)
    return {"id": found["VpcId"]}


def _modify_vpc(call: Call) -> None:
    members = {
        "enable_dns_support": "EnableDnsSupport",
        "enable_dns_hostnames": "EnableDnsHostnames",
    }
    for name, member in members.items():
        if call[name] is not None and call.changes(name):
            call.client("ec2").modify_vpc_attribute(VpcId=call["id"], **{member: {"Value": call[name]}})


def _read_vpc(call: Call) -> State | None:
    client, vpc = call.client("ec2"), call["id"]
    found = client.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]
    in_vpc = {"Name": "vpc-id", "Values": [vpc]}
    main = {"Name": "association.main", "Values": ["true"]}
    default = {"Name": "group-name", "Values": ["default"]}
    tables = client.describe_route_tables(Filters=[in_vpc, main])["RouteTables"]
    groups = client.describe_security_groups(Filters=[in_vpc, default])["SecurityGroups"]
    table = tables[0]["RouteTableId"] if tables else None
    return call.attributes(found) | {
        "id": vpc,
        "arn": arn(call, found["OwnerId"], f"vpc/{vpc}"),
        "main_route_table_id": table,
        "default_route_table_id": table,
        "default_security_group_id": groups[0]["GroupId"] if groups else None,
        "enable_dns_support": _vpc_attribute(call, "enableDnsSupport", "EnableDnsSupport"),
        "enable_dns_hostnames": _vpc_attribute(call, "enableDnsHostnames", "EnableDnsHostnames"),
    }


def _vpc_attribute(call: Call, name: str, member: str) -> bool:
    found = call.client("ec2").describe_vpc_attribute(VpcId=call["id"], Attribute=name)
    return bool(found[member]["Value"])


def _update_vpc(call: Call) -> State | None:
    _modify_vpc(call)
    return None


def _delete_vpc(call: Call) -> None:
    call.client("ec2").delete_vpc(VpcId=call["id"])


def _create_subnet(call: Call) -> State:
    request = call.request(
        "ec2",
        "CreateSubnet",
        only={"availability_zone", "availability_zone_id", "cidr_block", "vpc_id"},
    )
    found = call.client("ec2").create_subnet(**request)["Subnet"]
    if call["map_public_ip_on_launch"]:
        _map_public(call.with_state(call.state | {"id": found["SubnetId"]}))
    return {"id": found["SubnetId"]}


def _map_public(call: Call) -> None:
    call.client("ec2").modify_subnet_attribute(
        SubnetId=call["id"], MapPublicIpOnLaunch={"Value": bool(call["map_public_ip_on_launch"])}
    )


def _read_subnet(call: Call) -> State | None:
    found = call.client("ec2").describe_subnets(SubnetIds=[call["id"]])["Subnets"][0]
    return call.attributes(found, {"arn": "SubnetArn"}) | {"id": call["id"]}


def _update_subnet(call: Call) -> State | None:
    if call.changes("map_public_ip_on_launch"):
        _map_public(call)
    return None


def _delete_subnet(call: Call) -> None:
    call.client("ec2").delete_subnet(SubnetId=call["id"])


VPC = Resource(
    type="aws_vpc",
    create=_create_vpc,
    read=_read_vpc,
    update=_update_vpc,
    delete=_delete_vpc,
    replaces={"cidr_block", "instance_tenancy"},
    computed={
        "cidr_block",
        "enable_dns_hostnames",
        "enable_network_address_usage_metrics",
        "ipv6_cidr_block",
        "ipv6_cidr_block_network_border_group",
    },
    defaults={"enable_dns_support": True, "instance_tenancy": "default"},
    tagging=TAGS,
)
SUBNET = Resource(
    type="aws_subnet",
    create=_create_subnet,
    read=_read_subnet,
    update=_update_subnet,
    delete=_delete_subnet,
    replaces={"availability_zone", "availability_zone_id", "cidr_block", "vpc_id"},
    computed={"availability_zone", "availability_zone_id", "private_dns_hostname_type_on_launch"},
    defaults=dict.fromkeys(
        (
            "assign_ipv6_address_on_creation",
            "enable_dns64",
            "enable_resource_name_dns_a_record_on_launch",
            "enable_resource_name_dns_aaaa_record_on_launch",
            "ipv6_native",
            "map_public_ip_on_launch",
        ),
        False,
    ),
    tagging=TAGS,
)

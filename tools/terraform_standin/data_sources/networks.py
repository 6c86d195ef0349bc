"""VPCs and subnets, found by id, filters and tags; services that VPC endpoints lead to."""

from __future__ import annotations

import zlib

from tools.terraform_standin.declaration import Call, DataSource
from tools.terraform_standin.errors import InvalidConfigurationError
from tools.terraform_standin.tagging import from_pairs
from tools.terraform_standin.values import State

_VPC_FILTERS = {"id": "vpc-id", "cidr_block": "cidr", "state": "state"}
_SUBNET_FILTERS = {
    "id": "subnet-id",
    "availability_zone": "availability-zone",
    "cidr_block": "cidr-block",
    "state": "state",
    "vpc_id": "vpc-id",
}


def _filters(call: Call, by: dict[str, str], default: str | None) -> list[State]:
    found = [{"Name": name, "Values": [call[key]]} for key, name in by.items() if call[key]]
    if default is not None and call[default] is not None:
        flag = {"default": "is-default", "default_for_az": "default-for-az"}[default]
        found.append({"Name": flag, "Values": [str(call[default]).lower()]})
    found += [{"Name": f"tag:{key}", "Values": [v]} for key, v in (call["tags"] or {}).items()]
    found += [{"Name": block["name"], "Values": block["values"]} for block in call["filter"]]
    return found


def _only(call: Call, found: list[State]) -> State:
    if len(found) != 1:
        message = f"{call.type}: {len(found)} objects match, there must be one"
        raise InvalidConfigurationError(message)
    return found[0]


def _vpc(call: Call) -> State:
    filters = _filters(call, _VPC_FILTERS, "default")
    vpc = _only(call, call.client("ec2").describe_vpcs(Filters=filters)["Vpcs"])
    tags = from_pairs(vpc.pop("Tags", []))
    region = call.client("ec2").meta.region_name
    main = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}, {"Name": "association.main", "Values": ["true"]}]
    tables = call.client("ec2").describe_route_tables(Filters=main)["RouteTables"]
    return call.attributes(vpc, {"default": "IsDefault"}) | {
        "id": vpc["VpcId"],
        "arn": f"arn:aws:ec2:{region}:{vpc['OwnerId']}:vpc/{vpc['VpcId']}",
        "main_route_table_id": tables[0]["RouteTableId"] if tables else None,
        "tags": tags,
    }


def _subnet(call: Call) -> State:
    filters = _filters(call, _SUBNET_FILTERS, "default_for_az")
    subnet = _only(call, call.client("ec2").describe_subnets(Filters=filters)["Subnets"])
    tags = from_pairs(subnet.pop("Tags", []))
    return call.attributes(subnet, {"arn": "SubnetArn"}) | {"id": subnet["SubnetId"], "tags": tags}


def _subnets(call: Call) -> State:
    filters = _filters(call, {}, None)
    found = call.client("ec2").describe_subnets(Filters=filters)["Subnets"]
    region = call.client("ec2").meta.region_name
    return {"id": region, "ids": sorted(subnet["SubnetId"] for subnet in found)}


def _endpoint_service(call: Call) -> State:
    region = call.client("ec2").meta.region_name
    name = call["service_name"] or f"com.amazonaws.{region}.{call['service']}"
    filters = [{"Name": "service-type", "Values": [call["service_type"]]}] if call["service_type"] else []
    found = call.client("ec2").describe_vpc_endpoint_services(ServiceNames=[name], Filters=filters)["ServiceDetails"]
    service = _only(call, found)
    tags = from_pairs(service.pop("Tags", []))
    return call.attributes(service) | {
        "id": str(zlib.crc32(name.encode())),
        "arn": f"arn:aws:ec2:{region}:{service['Owner']}:vpc-endpoint-service/{service['ServiceId']}",
        "service_type": service["ServiceType"][0]["ServiceType"],
        "tags": tags,
    }


VPC = DataSource(type="aws_vpc", read=_vpc)
SUBNET = DataSource(type="aws_subnet", read=_subnet)
SUBNETS = DataSource(type="aws_subnets", read=_subnets)
ENDPOINT_SERVICE = DataSource(type="aws_vpc_endpoint_service", read=_endpoint_service)

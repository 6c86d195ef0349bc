"""EC2 route tables, their associations, and VPC endpoints."""

from __future__ import annotations

from tools.terraform_standin.declaration import Call, Resource
from tools.terraform_standin.resources.networks import TAGS, arn
from tools.terraform_standin.text_equality import same_policy
from tools.terraform_standin.values import State

# A route's destination and its target, by the names of the request.
_ROUTE = {
    "carrier_gateway_id": "CarrierGatewayId",
    "cidr_block": "DestinationCidrBlock",
    "destination_prefix_list_id": "DestinationPrefixListId",
    "egress_only_gateway_id": "EgressOnlyInternetGatewayId",
    "gateway_id": "GatewayId",
    "ipv6_cidr_block": "DestinationIpv6CidrBlock",
    "nat_gateway_id": "NatGatewayId",
    "network_interface_id": "NetworkInterfaceId",
    "transit_gateway_id": "TransitGatewayId",
    "vpc_endpoint_id": "VpcEndpointId",
    "vpc_peering_connection_id": "VpcPeeringConnectionId",
}
_DESTINATIONS = ("cidr_block", "ipv6_cidr_block", "destination_prefix_list_id")


def _create_table(call: Call) -> State:
    table = call.client("ec2").create_route_table(
        VpcId=call["vpc_id"], **call.tag_parameter("ec2", "CreateRouteTable")
    )["RouteTable"]
    identity = {"id": table["RouteTableId"]}
    _add_routes(call.with_state(call.state | identity), call["route"])
    return identity


def _add_routes(call: Call, routes: list[State]) -> None:
    for route in routes:
        request = {member: route[name] for name, member in _ROUTE.items() if route[name]}
        call.client("ec2").create_route(RouteTableId=call["id"], **request)


def _read_table(call: Call) -> State | None:
    found = call.client("ec2").describe_route_tables(RouteTableIds=[call["id"]])["RouteTables"][0]
    routes = [
        {name: route.get(member) for name, member in _ROUTE.items()}
        for route in found["Routes"]
        if route.get("Origin") == "CreateRoute" and route.get("GatewayId") != "local"
    ]
    return {
        "id": call["id"],
        "arn": arn(call, found["OwnerId"], f"route-table/{call['id']}"),
        "owner_id": found["OwnerId"],
        "vpc_id": found["VpcId"],
        "route": routes,
    }


def _update_table(call: Call) -> State | None:
    before = call.prior["route"] if call.prior else []
    for route in before:
        if route not in call["route"]:
            place = {_ROUTE[name]: route[name] for name in _DESTINATIONS if route[name]}
            call.client("ec2").delete_route(RouteTableId=call["id"], **place)
    _add_routes(call, [route for route in call["route"] if route not in before])
    return None


def _delete_table(call: Call) -> None:
    call.client("ec2").delete_route_table(RouteTableId=call["id"])


def _associate(call: Call) -> State:
    request = call.request("ec2", "AssociateRouteTable")
    return {"id": call.client("ec2").associate_route_table(**request)["AssociationId"]}


def _read_association(call: Call) -> State | None:
    tables = call.client("ec2").describe_route_tables(
        Filters=[{"Name": "association.route-table-association-id", "Values": [call["id"]]}]
    )["RouteTables"]
    for table in tables:
        for association in table["Associations"]:
            if association["RouteTableAssociationId"] == call["id"]:
                return call.attributes(association) | {"id": call["id"]}
    return None


def _disassociate(call: Call) -> None:
    call.client("ec2").disassociate_route_table(AssociationId=call["id"])


_ENDPOINT_NAMES = {
    "auto_accept": "AutoAccept",
    "policy": "PolicyDocument",
    "subnet_configuration": "SubnetConfigurations",
}


def _create_endpoint(call: Call) -> State:
    request = call.request("ec2", "CreateVpcEndpoint", renames=_ENDPOINT_NAMES, omit={"auto_accept"})
    endpoint = call.client("ec2").create_vpc_endpoint(**request)["VpcEndpoint"]
    return {"id": endpoint["VpcEndpointId"]}


def _read_endpoint(call: Call) -> State | None:
    found = call.client("ec2").describe_vpc_endpoints(VpcEndpointIds=[call["id"]])["VpcEndpoints"]
    if not found or found[0]["State"].lower() == "deleted":
        return None
    endpoint = found[0]
    endpoint["SecurityGroupIds"] = [group["GroupId"] for group in endpoint.pop("Groups", [])]
    owner = endpoint.get("OwnerId", "")
    return call.attributes(endpoint, _ENDPOINT_NAMES) | {
        "id": call["id"],
        "arn": arn(call, owner, f"vpc-endpoint/{call['id']}"),
        "prefix_list_id": _prefix_list(call, endpoint),
    }


def _prefix_list(call: Call, endpoint: State) -> str | None:
    """Return the addresses of a gateway's service, which have the name of the service."""
    if endpoint["VpcEndpointType"] != "Gateway":
        return None
    by_name = [{"Name": "prefix-list-name", "Values": [endpoint["ServiceName"]]}]
    found = call.client("ec2").describe_managed_prefix_lists(Filters=by_name)["PrefixLists"]
    return str(found[0]["PrefixListId"]) if found else None


def _update_endpoint(call: Call) -> State | None:
    request: State = {"VpcEndpointId": call["id"]}
    if call.changes("policy"):
        request |= {"PolicyDocument": call["policy"]} if call["policy"] else {"ResetPolicy": True}
    if call.changes("private_dns_enabled"):
        request["PrivateDnsEnabled"] = bool(call["private_dns_enabled"])
    for name, member in (
        ("route_table_ids", "RouteTableIds"),
        ("security_group_ids", "SecurityGroupIds"),
        ("subnet_ids", "SubnetIds"),
    ):
        before = set((call.prior or {}).get(name) or ())
        wanted = set(call[name] or ())
        request |= {f"Add{member}": sorted(wanted - before)} if wanted - before else {}
        request |= {f"Remove{member}": sorted(before - wanted)} if before - wanted else {}
    call.client("ec2").modify_vpc_endpoint(**request)
    return None


def _delete_endpoint(call: Call) -> None:
    call.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[call["id"]])


TABLE = Resource(
    type="aws_route_table",
    create=_create_table,
    read=_read_table,
    update=_update_table,
    delete=_delete_table,
    replaces={"vpc_id"},
    computed={"propagating_vgws", "route"},
    tagging=TAGS,
)
ASSOCIATION = Resource(
    type="aws_route_table_association",
    create=_associate,
    read=_read_association,
    delete=_disassociate,
    replaces={"gateway_id", "route_table_id", "subnet_id"},
    exactly_one=("subnet_id", "gateway_id"),
)
ENDPOINT = Resource(
    type="aws_vpc_endpoint",
    create=_create_endpoint,
    read=_read_endpoint,
    update=_update_endpoint,
    delete=_delete_endpoint,
    replaces={"service_name", "vpc_endpoint_type", "vpc_id"},
    computed={
        "dns_options",
        "ip_address_type",
        "policy",
        "private_dns_enabled",
        "route_table_ids",
        "security_group_ids",
        "service_region",
        "subnet_configuration",
        "subnet_ids",
    },
    defaults={"vpc_endpoint_type": "Gateway"},
    json={"policy": same_policy},
    tagging=TAGS,
)

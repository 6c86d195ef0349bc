"""Who and where: the caller, the region, the partition, service principals, zones."""

from __future__ import annotations

from tools.terraform_standin.declaration import Call, DataSource
from tools.terraform_standin.values import State

_PARTITION = "aws"
_DNS_SUFFIX = "amazonaws.com"


def _caller(call: Call) -> State:
    found = call.client("sts").get_caller_identity()
    account = found["Account"]
    return {"id": account, "account_id": account, "arn": found["Arn"], "user_id": found["UserId"]}


def _region(call: Call) -> State:
    name = call.state.get("region") or call.state.get("name") or call.account.region
    return {
        "id": name,
        "name": name,
        "region": name,
        "description": name,
        "endpoint": f"ec2.{name}.{_DNS_SUFFIX}",
    }


def _partition(call: Call) -> State:
    return {
        "id": _PARTITION,
        "partition": _PARTITION,
        "dns_suffix": _DNS_SUFFIX,
        "reverse_dns_prefix": ".".join(reversed(_DNS_SUFFIX.split("."))),
    }


def _service_principal(call: Call) -> State:
    region = call["region"] or call.account.region
    service = call["service_name"]
    return {
        "id": f"{service}.{region}.{_DNS_SUFFIX}",
        "name": f"{service}.{_DNS_SUFFIX}",
        "suffix": _DNS_SUFFIX,
        "region": region,
    }


def _zones(call: Call) -> State:
    zones = call.client("ec2").describe_availability_zones()["AvailabilityZones"]
    excluded_names = call["exclude_names"] or ()
    excluded_ids = call["exclude_zone_ids"] or ()
    wanted = [
        zone
        for zone in sorted(zones, key=lambda zone: str(zone["ZoneName"]))
        if zone["ZoneName"] not in excluded_names
        and zone["ZoneId"] not in excluded_ids
        and call["state"] in (None, zone["State"])
    ]
    return {
        "id": call.account.region,
        "names": [zone["ZoneName"] for zone in wanted],
        "zone_ids": [zone["ZoneId"] for zone in wanted],
    }


CALLER_IDENTITY = DataSource(type="aws_caller_identity", read=_caller)
REGION = DataSource(type="aws_region", read=_region, deprecated={"name"})
PARTITION = DataSource(type="aws_partition", read=_partition, deprecated={"id"})
SERVICE_PRINCIPAL = DataSource(type="aws_service_principal", read=_service_principal)
AVAILABILITY_ZONES = DataSource(type="aws_availability_zones", read=_zones)

"""EC2 security groups and their rules."""

from __future__ import annotations

from tools.terraform_standin.declaration import Call, Naming, Resource
from tools.terraform_standin.resources.networks import TAGS, arn
from tools.terraform_standin.values import State

_RULE_NAMES = {
    "arn": "SecurityGroupRuleArn",
    "security_group_id": "GroupId",
    "security_group_rule_id": "SecurityGroupRuleId",
}
_RULE_MEMBERS = {
    "cidr_ipv4": "CidrIpv4",
    "cidr_ipv6": "CidrIpv6",
    "description": "Description",
    "from_port": "FromPort",
    "ip_protocol": "IpProtocol",
    "prefix_list_id": "PrefixListId",
    "referenced_security_group_id": "ReferencedGroupId",
    "to_port": "ToPort",
}


def _create_group(call: Call) -> State:
    request = call.request(
        "ec2",
        "CreateSecurityGroup",
        renames={"name": "GroupName"},
        only={"description", "name", "vpc_id"},
    )
    client = call.client("ec2")
    group = client.create_security_group(**request)["GroupId"]
    # As the real provider: a group allows nothing until a rule says so.
    client.revoke_security_group_egress(GroupId=group, IpPermissions=[_permission(_everywhere("-1"))])
    created = call.with_state(call.state | {"id": group})
    for direction in ("ingress", "egress"):
        _authorize(created, direction, call[direction])
    return {"id": group}


def _everywhere(protocol: str) -> State:
    return {"protocol": protocol, "cidr_blocks": ["0.0.0.0/0"]}


def _permission(rule: State) -> State:
    ports = {"FromPort": rule.get("from_port"), "ToPort": rule.get("to_port")}
    text = {"Description": rule["description"]} if rule.get("description") else {}
    groups = list(rule.get("security_groups") or ()) + ([rule["own"]] if rule.get("own") else [])
    return {
        "IpProtocol": rule["protocol"],
        **{name: int(port) for name, port in ports.items() if port is not None},
        "IpRanges": [{"CidrIp": cidr} | text for cidr in rule.get("cidr_blocks") or ()],
        "Ipv6Ranges": [{"CidrIpv6": cidr} | text for cidr in rule.get("ipv6_cidr_blocks") or ()],
        "PrefixListIds": [{"PrefixListId": item} | text for item in rule.get("prefix_list_ids") or ()],
        "UserIdGroupPairs": [{"GroupId": group} | text for group in groups],
    }


def _authorize(call: Call, direction: str, rules: list[State]) -> None:
    for rule in rules:
        own = rule | {"own": call["id"] if rule["self"] else None}
        getattr(call.client("ec2"), f"authorize_security_group_{direction}")(
            GroupId=call["id"], IpPermissions=[_permission(own)]
        )


def _revoke(call: Call, direction: str, rules: list[State]) -> None:
    for rule in rules:
        own = rule | {"own": call["id"] if rule["self"] else None}
        getattr(call.client("ec2"), f"revoke_security_group_{direction}")(
            GroupId=call["id"], IpPermissions=[_permission(own)]
        )


def _read_group(call: Call) -> State | None:
    found = call.client("ec2").describe_security_groups(GroupIds=[call["id"]])["SecurityGroups"][0]
    return {
        "id": call["id"],
        "arn": arn(call, found["OwnerId"], f"security-group/{call['id']}"),
        "name": found["GroupName"],
        "description": found["Description"],
        "owner_id": found["OwnerId"],
        "vpc_id": found.get("VpcId"),
    }


def _update_group(call: Call) -> State | None:
    prior = call.prior or {}
    for direction in ("ingress", "egress"):
        before, wanted = prior.get(direction, []), call[direction]
        _revoke(call, direction, [rule for rule in before if rule not in wanted])
        _authorize(call, direction, [rule for rule in wanted if rule not in before])
    return None


def _delete_group(call: Call) -> None:
    call.client("ec2").delete_security_group(GroupId=call["id"])


def _rule_permission(call: Call) -> State:
    return _permission(
        {
            "protocol": call["ip_protocol"],
            "from_port": call["from_port"],
            "to_port": call["to_port"],
            "description": call["description"],
            "cidr_blocks": [call["cidr_ipv4"]] if call["cidr_ipv4"] else [],
            "ipv6_cidr_blocks": [call["cidr_ipv6"]] if call["cidr_ipv6"] else [],
            "prefix_list_ids": [call["prefix_list_id"]] if call["prefix_list_id"] else [],
            "security_groups": [call["referenced_security_group_id"]] if call["referenced_security_group_id"] else [],
        }
    )


def _create_rule(call: Call) -> State:
    direction = "ingress" if "ingress" in call.type else "egress"
    response = getattr(call.client("ec2"), f"authorize_security_group_{direction}")(
        GroupId=call["security_group_id"],
        IpPermissions=[_rule_permission(call)],
        **call.tag_parameter("ec2", f"AuthorizeSecurityGroup{direction.title()}", "security-group-rule"),
    )
    return {"id": response["SecurityGroupRules"][0]["SecurityGroupRuleId"]}


def _read_rule(call: Call) -> State | None:
    rules = call.client("ec2").describe_security_group_rules(SecurityGroupRuleIds=[call["id"]])["SecurityGroupRules"]
    if not rules:
        return None
    rule = rules[0]
    if rule["IpProtocol"] == "-1":
        # "All" has no ports, whatever AWS answers for them.
        rule.pop("FromPort", None)
        rule.pop("ToPort", None)
    state = call.attributes(rule, _RULE_NAMES) | {"id": call["id"]}
    group = rule.get("ReferencedGroupInfo", {}).get("GroupId")
    identity = arn(call, _owner(call, rule["GroupId"]), f"security-group-rule/{call['id']}")
    return {"arn": identity} | state | ({"referenced_security_group_id": group} if group else {})


def _owner(call: Call, group: str) -> str:
    found = call.client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"]
    return str(found[0]["OwnerId"])


def _delete_rule(call: Call) -> None:
    direction = "ingress" if "ingress" in call.type else "egress"
    getattr(call.client("ec2"), f"revoke_security_group_{direction}")(
        GroupId=call["security_group_id"], SecurityGroupRuleIds=[call["id"]]
    )


def _update_rule(call: Call) -> State | None:
    rule = {member: call[name] for name, member in _RULE_MEMBERS.items() if call[name] is not None}
    call.client("ec2").modify_security_group_rules(
        GroupId=call["security_group_id"],
        SecurityGroupRules=[{"SecurityGroupRuleId": call["id"], "SecurityGroupRule": rule}],
    )
    return None


GROUP = Resource(
    type="aws_security_group",
    create=_create_group,
    read=_read_group,
    update=_update_group,
    delete=_delete_group,
    replaces={"description", "vpc_id"},
    computed={"egress", "ingress", "vpc_id"},
    defaults={"description": "Managed by Terraform", "revoke_rules_on_delete": False},
    tagging=TAGS,
    naming=Naming(),
)
INGRESS_RULE, EGRESS_RULE = (
    Resource(
        type=f"aws_vpc_security_group_{direction}_rule",
        create=_create_rule,
        read=_read_rule,
        update=_update_rule,
        delete=_delete_rule,
        replaces={"security_group_id"},
        tagging=TAGS,
    )
    for direction in ("ingress", "egress")
)

"""AWS Step Functions state machines."""

from __future__ import annotations

from tools.terraform_standin.declaration import Call, Naming, Resource
from tools.terraform_standin.tagging import CAMEL_PAIR, TagOperations
from tools.terraform_standin.text_equality import same_json
from tools.terraform_standin.values import State

_PUBLISHED = frozenset(
    {
        "definition",
        "encryption_configuration",
        "logging_configuration",
        "publish",
        "role_arn",
        "tracing_configuration",
    }
)


def _request(call: Call, operation: str, omit: set[str]) -> State:
    request = call.request("stepfunctions", operation, omit={"logging_configuration", *omit})
    for logging in call["logging_configuration"]:
        group = logging["log_destination"]
        request["loggingConfiguration"] = {
            "level": logging["level"] or "OFF",
            "includeExecutionData": bool(logging["include_execution_data"]),
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}] if group else [],
        }
    return request


def _create(call: Call) -> State:
    request = _request(call, "CreateStateMachine", set())
    arn = call.client("stepfunctions").create_state_machine(**request)["stateMachineArn"]
    return {"id": arn, "arn": arn}


def _read(call: Call) -> State | None:
    found = call.client("stepfunctions").describe_state_machine(stateMachineArn=call["id"])
    if found.get("status") == "DELETING":
        return None
    logging = found.pop("loggingConfiguration", None)
    state = call.attributes(found)
    if logging is not None:
        state["logging_configuration"] = [_read_logging(logging)]
    return state | {"id": call["id"], "arn": found["stateMachineArn"]}


def _read_logging(logging: State) -> State:
    destinations = [item["cloudWatchLogsLogGroup"]["logGroupArn"] for item in logging.get("destinations", [])]
    return {
        "level": logging.get("level"),
        "include_execution_data": logging.get("includeExecutionData"),
        "log_destination": destinations[0] if destinations else None,
    }


def _update(call: Call) -> State | None:
    request = _request(call, "UpdateStateMachine", {"name", "type"})
    call.client("stepfunctions").update_state_machine(stateMachineArn=call["id"], **request)
    return None


def _delete(call: Call) -> None:
    call.client("stepfunctions").delete_state_machine(stateMachineArn=call["id"])


STATE_MACHINE = Resource(
    type="aws_sfn_state_machine",
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
    replaces={"type"},
    computed={"encryption_configuration", "logging_configuration", "tracing_configuration"},
    defaults={"publish": False, "type": "STANDARD"},
    json={"definition": same_json},
    renews={"revision_id": _PUBLISHED, "state_machine_version_arn": _PUBLISHED},
    tagging=TagOperations(
        service="stepfunctions",
        parameter="resourceArn",
        tags="tags",
        keys="tagKeys",
        pair=CAMEL_PAIR,
    ).tagging(),
    naming=Naming(),
)

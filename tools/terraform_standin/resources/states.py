"""AWS Step Functions state machines."""

from __future__ import annotations

import re
import time
from typing import Any

from tools.terraform_standin.account import Account
from tools.terraform_standin.declaration import ANY_CHANGE, Call, Limit, Naming, Resource
from tools.terraform_standin.errors import InvalidConfigurationError, RefusedError
from tools.terraform_standin.tagging import CAMEL_PAIR, TagOperations
from tools.terraform_standin.values import State, has_unknown

#: The arguments that an update sends only if they changed.
_OPTIONAL = ("encryption_configuration", "logging_configuration", "tracing_configuration")
#: How long the provider waits until a deleted machine is gone, unless `timeouts` says so.
_DELETE_SECONDS, _POLL_SECONDS = 300.0, 0.2
_UNITS = {"h": 3600, "m": 60, "s": 1}


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
    client = call.client("stepfunctions")
    found = client.describe_state_machine(stateMachineArn=call["id"])
    if found.get("status") == "DELETING":
        return None
    client.list_state_machine_versions(stateMachineArn=call["id"])
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
    # The definition and the role always, the others if they changed.
    kept = {name for name in _OPTIONAL if not call.changes(name)}
    request = _request(call, "UpdateStateMachine", {"name", "type", *kept})
    if "logging_configuration" in kept:
        request.pop("loggingConfiguration", None)
    call.client("stepfunctions").update_state_machine(stateMachineArn=call["id"], **request)
    return None


def _delete(call: Call) -> None:
    client = call.client("stepfunctions")
    client.delete_state_machine(stateMachineArn=call["id"])
    deadline = time.monotonic() + _delete_seconds(call)
    while _exists(client, call["id"]):
        if time.monotonic() > deadline:
            raise RefusedError("timeout while waiting for the state machine to be deleted: executions still run")
        time.sleep(_POLL_SECONDS)


def _delete_seconds(call: Call) -> float:
    given = (call["timeouts"] or {}).get("delete")
    if given is None:
        return _DELETE_SECONDS
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)([hms])", given))


def _exists(client: Any, arn: str) -> bool:
    """Return whether a state machine is there: one that is being deleted stays until its executions have ended."""
    try:
        client.describe_state_machine(stateMachineArn=arn)
    except client.exceptions.StateMachineDoesNotExist:
        return False
    return True


def _validate(account: Account, prior: State | None, planned: State) -> None:
    """Have Step Functions look at a definition, as soon as it is known."""
    definition = planned["definition"]
    if not definition or has_unknown(definition) or (prior is not None and prior["definition"] == definition):
        return
    answer = account.client("stepfunctions", planned["region"]).validate_state_machine_definition(
        definition=definition, type=planned["type"]
    )
    if answer["result"] != "OK":
        found = "; ".join(f"{item['code']}: {item['message']}" for item in answer["diagnostics"])
        raise InvalidConfigurationError(f"invalid state machine definition: {found}")


STATE_MACHINE = Resource(
    type="aws_sfn_state_machine",
    limits={
        "definition": Limit(0, 1_048_576),
        "encryption_configuration.kms_data_key_reuse_period_seconds": Limit(60, 900),
        "name": Limit(1, 80, "[0-9A-Za-z_-]+"),
        "name_prefix": Limit(1, 54, "[0-9A-Za-z_-]+"),
    },
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
    replaces={"type"},
    computed={"encryption_configuration", "logging_configuration", "tracing_configuration"},
    defaults={"publish": False, "type": "STANDARD"},
    check_plan=_validate,
    renews_if=("publish", {"revision_id": ANY_CHANGE, "state_machine_version_arn": ANY_CHANGE}),
    tagging=TagOperations(
        service="stepfunctions",
        parameter="resourceArn",
        tags="tags",
        keys="tagKeys",
        pair=CAMEL_PAIR,
    ).tagging(),
    naming=Naming(),
)

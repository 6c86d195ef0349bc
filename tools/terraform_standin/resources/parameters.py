"""Systems Manager parameters."""

from __future__ import annotations

from tools.terraform_standin.declaration import Call, Resource
from tools.terraform_standin.tagging import TagOperations
from tools.terraform_standin.values import State

_VALUES = ("value", "insecure_value", "value_wo")
_RENEWING = frozenset({*_VALUES, "value_wo_version", "description"})


def _put(call: Call, *, overwrite: bool) -> State:
    request = call.request("ssm", "PutParameter", omit={"arn", "overwrite", "value_wo_version", *_VALUES})
    value = next(call[name] for name in _VALUES if call[name] is not None)
    call.client("ssm").put_parameter(**request, Value=value, Overwrite=overwrite)
    return {"id": call["name"]}


def _create(call: Call) -> State:
    return _put(call, overwrite=bool(call["overwrite"]))


def _read(call: Call) -> State | None:
    client, name = call.client("ssm"), call["id"]
    parameter = client.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    value = parameter.pop("Value")
    described = client.describe_parameters(ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [name]}])[
        "Parameters"
    ]
    more = described[0] if described else {}
    holder = "insecure_value" if call["insecure_value"] is not None else "value"
    return (
        call.attributes(more)
        | call.attributes(parameter)
        | {
            "id": name,
            "arn": parameter["ARN"],
            holder: value,
            "has_value_wo": call["value_wo"] is not None,
        }
    )


def _update(call: Call) -> State | None:
    return _put(call, overwrite=True)


def _delete(call: Call) -> None:
    call.client("ssm").delete_parameter(Name=call["name"])


PARAMETER = Resource(
    type="aws_ssm_parameter",
    create=_create,
    read=_read,
    update=_update,
    delete=_delete,
    replaces={"name", "data_type"},
    # `insecure_value` and `value` give the value, whichever of them was set.
    computed={"arn", "data_type", "insecure_value", "key_id", "tier", "value"},
    renews={"version": _RENEWING},
    exactly_one=_VALUES,
    tagging=TagOperations(
        service="ssm",
        parameter="ResourceId",
        attribute="name",
        answer=("TagList",),
        write="add_tags_to_resource",
        remove="remove_tags_from_resource",
        extra=(("ResourceType", "Parameter"),),
    ).tagging(),
)

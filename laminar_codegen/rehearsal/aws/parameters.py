"""The parameters of Systems Manager: what a rehearsal uses of it. Importing moto's takes a second, for EC2's tables.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import functools
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from laminar_codegen.rehearsal.aws.own_services import Answer, Asked, Operation, Operations, ServiceError, answer_json

__all__ = ["ParametersApi"]

Json = Mapping[str, Any]

#: Parameters that AWS has itself are moto's: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters.html
_PUBLIC = "/aws/"
_KIND = "Parameter"
_SECRET = "SecureString"  # noqa: S105 - a type of parameters
_DESCRIBED = ("AllowedPattern", "DataType", "Description", "KeyId", "Tier")


@attrs.define
class _Parameter:
    name: str
    arn: str
    type: str
    value: str
    about: dict[str, Any]
    tags: dict[str, str]
    version: int = 1
    modified: float = attrs.field(factory=time.time)

    def show(self, *, decrypts: bool = True) -> dict[str, Any]:
        """As in GetParameter. Nothing is encrypted here: without decryption a secret looks as if it were."""
        hidden = self.type == _SECRET and not decrypts
        return {
            "Name": self.name,
            "ARN": self.arn,
            "Type": self.type,
            "Value": f"encrypted by {self.about['KeyId']}: {uuid.uuid5(uuid.NAMESPACE_OID, self.value)}"
            if hidden
            else self.value,
            "Version": self.version,
            "DataType": self.about["DataType"],
            "LastModifiedDate": self.modified,
        }

    def describe(self) -> dict[str, Any]:
        """As in DescribeParameters."""
        return {**{key: value for key, value in self.show().items() if key != "Value"}, "Policies": [], **self.about}


_Kept = dict[str, _Parameter]
_Operation = Callable[["ParametersApi", _Kept, Json, str], Any]


class ParametersApi(Operations):
    """The operations on parameters. All others are moto's."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._lock = threading.Lock()
        self.operations: Mapping[str, Operation] = {
            name: functools.partial(self._answer, operation) for name, operation in _OPERATIONS.items()
        }

    def forget(self) -> None:
        """Forget all parameters."""
        with self._lock:
            self._kept.clear()

    def _answer(self, operation: _Operation, asked: Asked) -> Answer | None:
        place = (asked.signature.account, asked.signature.region)
        given = asked.parameters
        names = [given.get("Name"), *given.get("Names", ()), given.get("Path")]
        if any(name and name.startswith(_PUBLIC) for name in names) or given.get("ResourceType", _KIND) != _KIND:
            return None
        with self._lock:
            kept = self._kept.setdefault(place, {})
            prefix = f"arn:aws:ssm:{place[1]}:{place[0]}:parameter/"
            return answer_json(operation(self, kept, given, prefix) or {})

    def _put(self, kept: _Kept, given: Json, prefix: str) -> Json:
        name, before = given["Name"], kept.get(given["Name"])
        if before is not None and not given.get("Overwrite"):
            problem = "The parameter already exists. To overwrite this value, set the overwrite option to true."
            raise ServiceError("ParameterAlreadyExists", problem)
        about = {"DataType": "text", "Tier": "Standard", **({} if before is None else before.about)}
        about |= {key: given[key] for key in _DESCRIBED if given.get(key) is not None}
        kind = given.get("Type") or ("String" if before is None else before.type)
        if kind == _SECRET:
            about.setdefault("KeyId", "alias/aws/ssm")
        kept[name] = _Parameter(
            name,
            prefix + name.removeprefix("/"),
            kind,
            given["Value"],
            about,
            {tag["Key"]: tag["Value"] for tag in given.get("Tags") or ()} if before is None else before.tags,
            1 if before is None else before.version + 1,
        )
        return {"Version": kept[name].version, "Tier": about["Tier"]}

    def _get(self, kept: _Kept, given: Json, _: str) -> Json:
        return {"Parameter": _require(kept, given["Name"]).show(decrypts=bool(given.get("WithDecryption")))}

    def _get_many(self, kept: _Kept, given: Json, _: str) -> Json:
        found, decrypts = {name: _find(kept, name) for name in given["Names"]}, bool(given.get("WithDecryption"))
        return {
            "Parameters": [item.show(decrypts=decrypts) for item in found.values() if item is not None],
            "InvalidParameters": [name for name, item in found.items() if item is None],
        }

    def _get_by_path(self, kept: _Kept, given: Json, _: str) -> Json:
        path = given["Path"].rstrip("/") + "/"
        below = (item for name, item in sorted(kept.items()) if name.startswith(path))
        found = [item for item in below if given.get("Recursive") or "/" not in item.name.removeprefix(path)]
        return {"Parameters": [item.show(decrypts=bool(given.get("WithDecryption"))) for item in found]}

    def _delete(self, kept: _Kept, given: Json, _: str) -> None:
        kept.pop(_require(kept, given["Name"]).name)

    def _delete_many(self, kept: _Kept, given: Json, _: str) -> Json:
        deleted = [name for name in given["Names"] if kept.pop(name, None) is not None]
        return {
            "DeletedParameters": deleted,
            "InvalidParameters": [name for name in given["Names"] if name not in deleted],
        }

    def _describe(self, kept: _Kept, given: Json, _: str) -> Json:
        return {"Parameters": [item.describe() for item in _matching(kept, given)]}

    def _tag(self, kept: _Kept, given: Json, _: str) -> None:
        _require(kept, given["ResourceId"]).tags.update({tag["Key"]: tag["Value"] for tag in given["Tags"]})

    def _untag(self, kept: _Kept, given: Json, _: str) -> None:
        for key in given["TagKeys"]:
            _require(kept, given["ResourceId"]).tags.pop(key, None)

    def _tags(self, kept: _Kept, given: Json, _: str) -> Json:
        tags = _require(kept, given["ResourceId"]).tags
        return {"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _find(kept: _Kept, name: str) -> _Parameter | None:
    """Return a parameter by its name or ARN, None if there is none."""
    return kept.get(name) or next((item for item in kept.values() if item.arn == name), None)


def _require(kept: _Kept, name: str) -> _Parameter:
    found = _find(kept, name)
    if found is None:
        raise ServiceError("ParameterNotFound", f"Parameter {name} not found.")
    return found


def _matching(kept: _Kept, given: Json) -> Iterator[_Parameter]:
    """Yield the parameters that filters leave, which are by name here, exactly or by its beginning."""
    filters = [
        (item["Key"], item.get("Option", "Equals"), item["Values"]) for item in given.get("ParameterFilters", ())
    ]
    filters += [(item["Key"], "Equals", item["Values"]) for item in given.get("Filters", ())]
    for key, option, _ in filters:
        if key != "Name" or option not in ("Equals", "BeginsWith"):
            raise ServiceError("InvalidFilterKey", f"The embedded AWS has no filter {key} {option}")
    for item in kept.values():
        if all(
            item.name in values if option == "Equals" else item.name.startswith(tuple(values))
            for _, option, values in filters
        ):
            yield item


_OPERATIONS: Mapping[str, _Operation] = {
    "PutParameter": ParametersApi._put,  # noqa: SLF001 - of this module
    "GetParameter": ParametersApi._get,  # noqa: SLF001
    "GetParameters": ParametersApi._get_many,  # noqa: SLF001
    "GetParametersByPath": ParametersApi._get_by_path,  # noqa: SLF001
    "DeleteParameter": ParametersApi._delete,  # noqa: SLF001
    "DeleteParameters": ParametersApi._delete_many,  # noqa: SLF001
    "DescribeParameters": ParametersApi._describe,  # noqa: SLF001
    "AddTagsToResource": ParametersApi._tag,  # noqa: SLF001
    "RemoveTagsFromResource": ParametersApi._untag,  # noqa: SLF001
    "ListTagsForResource": ParametersApi._tags,  # noqa: SLF001
}

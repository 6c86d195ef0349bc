"""Resumes from a layer: what of an execution is deleted first."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from laminar_runtime.deployed.deployment import Deployment
from laminar_runtime.exceptions import AccessDeniedError, FlowError, NotFoundError, StillRunningError
from laminar_runtime.storage.graphs import spell_graph

_DIAMOND = {"Load": [], "Left": ["Load"], "Right": ["Load"], "Join": ["Left", "Right"]}


class GoneError(Exception): ...


class Account:
    """An account with one execution, and the objects of its datastore."""

    def __init__(self, status: str = "FAILED", *, denies: bool = False) -> None:
        self.status, self.denies = status, denies
        self.started: list[str] = []
        self.objects: dict[str, bytes] = {}
        self.deleted: list[str] = []
        self.exceptions = SimpleNamespace(ExecutionDoesNotExist=GoneError)

    def __call__(self, _: str) -> Account:
        return self

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803 - the API's name
        if "@resume-" in executionArn:
            raise GoneError
        return {"status": self.status, "executionArn": executionArn, "input": '{"parameters": {"x": 1}}'}

    def start_execution(self, name: str, **_: Any) -> None:
        self.started.append(name)

    def get_execution_history(self, **_: Any) -> dict[str, Any]:
        return {"events": []}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - the API's names
        from botocore.exceptions import ClientError

        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        content = self.objects[Key]
        return {"Body": SimpleNamespace(read=lambda: content)}

    def get_paginator(self, _: str) -> Account:
        return self

    def paginate(self, Bucket: str, Prefix: str, Delimiter: str = "") -> list[dict[str, Any]]:  # noqa: N803 - the API's names
        found = sorted(key for key in self.objects if key.startswith(Prefix))
        if not Delimiter:
            return [{"Contents": [{"Key": key} for key in found]}]
        folders = {key.removeprefix(Prefix).partition("/")[0] for key in found if "/" in key.removeprefix(Prefix)}
        return [{"CommonPrefixes": [{"Prefix": f"{Prefix}{folder}/"} for folder in sorted(folders)]}]

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 - the API's names
        keys = [one["Key"] for one in Delete["Objects"]]
        if self.denies:
            return {"Errors": [{"Key": keys[0], "Code": "AccessDenied", "Message": "no"}]}
        for key in keys:
            del self.objects[key]
        self.deleted += keys
        return {}


def _note(account: Account, flow: str, graph: dict[str, list[str]]) -> None:
    """Note the graph of an execution, a record and a commit for each layer, and the marks of joins."""
    notes = f"flows/{flow}/.cache/e1"
    account.objects[f"{notes}/.graph.json"] = spell_graph({name: {"after": after} for name, after in graph.items()})
    for name in ("Parameters", *graph):
        account.objects[f"{notes}/{name}/.record.json"] = b""
        account.objects[f"{notes}/{name}/.splits/0.json"] = b""
        account.objects[f"{notes}/.failures/{name}/0.1.json"] = b""
    account.objects[f"{notes}/.joins/Join/from/Left"] = b""
    account.objects[f"flows/{flow}/artifacts/aa.pickle"] = b""
    account.objects[f"flows/{flow}/.cache/e10/Left/.record.json"] = b""


def _deployment(account: Account, *flows: str) -> Deployment:
    arn = "arn:aws:states:eu-west-1:123456789012:stateMachine:report"
    found = Deployment("report", arn, "s3://bucket/flows", flows)
    found.__dict__["clients"] = account
    return found


def _records(account: Account) -> list[str]:
    """Return the layers that lost their records, in the order in which they did."""
    return [key.split("/")[4] for key in account.deleted if key.endswith(".record.json")]


def test_a_layer_and_all_after_it_lose_their_records() -> None:
    """The last ones first, with their splits and failures, and the marks of joins; nothing else."""
    account = Account()
    _note(account, "Report", _DIAMOND)
    execution = _deployment(account).execution("e1")
    assert execution.resume(from_layer="Left") == execution
    assert _records(account) == ["Join", "Left"]
    kept = {key.removeprefix("flows/Report/") for key in account.objects}
    assert kept == {
        ".cache/e1/.graph.json",
        *(f".cache/e1/{name}/.record.json" for name in ("Parameters", "Load", "Right")),
        *(f".cache/e1/{name}/.splits/0.json" for name in ("Parameters", "Load", "Right")),
        *(f".cache/e1/.failures/{name}/0.1.json" for name in ("Parameters", "Load", "Right")),
        ".cache/e10/Left/.record.json",
        "artifacts/aa.pickle",
    }
    assert account.started == ["e1@resume-1"]


def test_in_a_chain_all_later_flows_lose_theirs() -> None:
    """Their parameters are those that the linker makes again."""
    account = Account("SUCCEEDED")
    _note(account, "One", {"Load": [], "Train": ["Load"]})
    _note(account, "Two", {"Load": [], "Print": ["Load"]})
    execution = _deployment(account, "One", "Two", "Three").execution("e1")
    with pytest.raises(FlowError, match=r"several flows have a layer of this name. Name one: 'One.Load' or"):
        execution.resume(from_layer="Load")
    execution.resume(from_layer="Train")
    assert _records(account) == ["Load", "Print", "Train"]
    account.deleted.clear()
    _note(account, "Two", {"Load": [], "Print": ["Load"]})
    execution.resume(from_layer="Two.Load")
    assert _records(account) == ["Print", "Load"]
    assert "flows/One/.cache/e1/Load/.record.json" in account.objects


@pytest.mark.parametrize("status", ["RUNNING", "PENDING_REDRIVE"])
def test_an_execution_that_runs_keeps_its_records(status: str) -> None:
    """Its tasks would read layers that are gone."""
    account = Account(status)
    _note(account, "Report", _DIAMOND)
    with pytest.raises(StillRunningError, match=r"it still runs\. Stop it, or wait for its end"):
        _deployment(account).execution("e1").resume(from_layer="Left")
    assert (account.deleted, account.started) == ([], [])


def test_a_layer_that_there_is_not() -> None:
    """The layers that there are, are named; without a note on the graph it takes the code."""
    account = Account()
    with pytest.raises(NotFoundError, match="no layer has begun, or an earlier release ran it"):
        _deployment(account).execution("e1").resume(from_layer="Left")
    _note(account, "Report", _DIAMOND)
    with pytest.raises(NotFoundError, match=r"it has no such layer\. Its layers: Report\.Join, Report\.Left"):
        _deployment(account).execution("e1").resume(from_layer="Parameters")
    assert (account.deleted, account.started) == ([], [])


def test_who_may_not_delete_starts_nothing() -> None:
    """The action that is missing is named."""
    account = Account(denies=True)
    _note(account, "Report", _DIAMOND)
    with pytest.raises(AccessDeniedError, match="Allow s3:DeleteObject") as error:
        _deployment(account).execution("e1").resume(from_layer="Left")
    assert error.value.action == "s3:DeleteObject"
    assert account.started == []

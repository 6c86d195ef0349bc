"""Lists of very many executions: the newest first, read a page at a time, with as few requests as pages."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest

from laminar_runtime.command.deployed_target import DeployedTarget
from laminar_runtime.command.finding import find
from laminar_runtime.identifiers import new_execution_id
from laminar_runtime.storage.layout import cache_prefix
from tests.support.sizes import size
from tests.unit.runtime.command.conftest import Laminar

MANY = size(20_000, full=100_000)


class Client:
    """Step Functions with many executions, the newest first."""

    def __init__(self, count: int) -> None:
        self.count, self.pages, self.described = count, 0, 0

    def list_executions(self, *, maxResults: int, nextToken: str = "0", **_: Any) -> dict[str, Any]:  # noqa: N803
        self.pages += 1
        begin = int(nextToken)
        end = min(begin + maxResults, self.count)
        return {
            "executions": [self._item(number) for number in range(begin, end)],
            **({"nextToken": str(end)} if end < self.count else {}),
        }

    def _item(self, number: int) -> dict[str, Any]:
        start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) - dt.timedelta(seconds=number)
        name = f"e{number}@resume-1" if number == 1 else f"e{number}"
        return {"name": name, "executionArn": name, "status": "SUCCEEDED", "startDate": start, "stopDate": start}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        self.described += 1
        started = {"e0": '{"started_by": "schedule"}', "e2": "{}", "e3": '{"started_by": ["x"]}'}
        return {"name": executionArn, "input": started.get(executionArn, "[]")}


def target_of(client: Client) -> DeployedTarget:
    """Return a target whose deployment has a client of its own."""
    deployment = SimpleNamespace(name="nightly", state_machine_arn="arn", client=lambda: client, flow=None)
    return DeployedTarget(deployment)  # type: ignore[arg-type]


def test_many_deployed_executions() -> None:
    """A page is read when its first execution is asked for."""
    client = Client(MANY)
    rows = target_of(client).rows(starters=False)
    assert [next(rows).id for _ in range(1001)][-1] == "e1000"
    assert client.pages == 2
    assert sum(1 for _ in rows) == MANY - 1001
    assert (client.pages, client.described) == (MANY // 1000, 0)


def test_few_of_many() -> None:
    """As many as are printed are asked what started them; a resume says it by its name."""
    client = Client(MANY)
    rows = target_of(client).rows(starters=True)
    first = [next(rows) for _ in range(4)]
    assert [row.started_by for row in first] == ["schedule", "resume", "", ""]
    assert [row.id for row in first] == ["e0", "e1", "e2", "e3"]
    assert (client.pages, client.described) == (1, 3)


def test_many_local_executions(laminar: Laminar, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ids are in memory; records are read of what is printed only."""
    del laminar
    target: Any = find("flow.py")
    names = [new_execution_id() for _ in range(MANY)]
    transport, read = target.flow.datastore.transport, []
    monkeypatch.setattr(type(transport), "names", lambda _, prefix: names if prefix == cache_prefix("Report") else [])
    own = type(transport).get

    def get(self: Any, key: str) -> bytes:
        read.append(key)
        return own(self, key)

    monkeypatch.setattr(type(transport), "get", get)
    monkeypatch.setattr(target, "row", lambda name: name)
    rows = target.rows(starters=True)
    assert [next(rows) for _ in range(3)] == names[:-4:-1]
    assert read == []

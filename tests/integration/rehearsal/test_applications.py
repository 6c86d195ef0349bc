"""The applications among the examples start the digits example, which its document deployed, and ask for its result."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from laminar_codegen.pipeline import compile_flow
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.image import lay_out

EXAMPLES = Path(__file__).parents[3] / "examples"
#: A line of the example, and that of a smaller grid.
SMALLER = (
    "penalty=[0.1, 1.0, 10.0, 100.0], gamma=[0.0001, 0.0005, 0.002, 0.01]",
    "penalty=[10.0], gamma=[0.0005]",
)


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    """The digits example, deployed."""
    folder = tmp_path_factory.mktemp("digits")
    text = (EXAMPLES / "digits" / "flow.py").read_text(encoding="utf-8")
    assert SMALLER[0] in text
    (folder / "flow.py").write_text(text.replace(*SMALLER), encoding="utf-8")
    (folder / "image").mkdir()
    workspace = Workspace(directory=lay_out(folder / "flow.py", folder / "image"))
    with EmbeddedAws(workspace=workspace) as started, pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        deploy(compile_flow(str(folder / "flow.py")), started)
        yield started


def _poll(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Ask until an execution has ended."""
    until = time.monotonic() + 120
    while (answer := ask())["status"] == "RUNNING":
        assert time.monotonic() < until
        time.sleep(0.5)
    return answer


def test_a_function_of_aws_lambda(aws: EmbeddedAws) -> None:
    """It starts an execution once, and says how far it is."""
    handle = _load(EXAMPLES / "function" / "function.py").handle
    first = handle({"start": "monday"}, None)
    assert first["id"] == "monday"
    assert handle({"start": "monday"}, None)["id"] == "monday"
    answer = _poll(lambda: handle({"show": "monday"}, None))
    assert answer["status"] == "SUCCEEDED"
    assert answer["accuracy"] > 0.9


def test_a_web_application(aws: EmbeddedAws) -> None:
    """It answers what the execution that another application started came to, and errors by their kinds."""
    pytest.importorskip("fastapi")
    pytest.importorskip("httpx")
    import asyncio

    import httpx

    application = _load(EXAMPLES / "web_application" / "application.py").application

    async def use() -> None:
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://laminar") as client:
            started = await client.put("/executions/monday")
            assert (started.status_code, started.json()["id"]) == (202, "monday")
            for _ in range(240):
                answer = (await client.get("/executions/monday")).json()
                if answer["status"] != "RUNNING":
                    break
                await asyncio.sleep(0.5)
            assert (answer["status"], answer["accuracy"] > 0.9) == ("SUCCEEDED", True)
            unknown = await client.get("/executions/sunday")
            assert (unknown.status_code, "does not exist" in unknown.json()["error"].lower()) == (404, True)
            wrong = await client.put("/executions/a%20b")
            assert (wrong.status_code, "a b" in wrong.json()["error"]) == (400, True)
            await client.put("/executions/tuesday")
            assert (await client.delete("/executions/tuesday")).status_code == 202
            stopped = (await client.get("/executions/tuesday")).json()
            assert (stopped["status"], bool(stopped["failures"])) == ("ABORTED", True)

    asyncio.run(asyncio.wait_for(use(), 120))

"""The client of deployed flows: each of its methods, on a flow that its document deployed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from laminar_codegen.command.main import main
from laminar_codegen.frontend.loader import load
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.planning.past_durations import measure
from laminar_codegen.planning.past_starts import start_times
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.deploy import deploy
from laminar_codegen.rehearsal.image import lay_out
from laminar_runtime import deployed
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.deployed import DeployedExecution, Deployment, aio
from laminar_runtime.exceptions import (
    AbortedError,
    AccessDeniedError,
    DatastoreError,
    DeploymentError,
    ExecutionFailedError,
    FlowError,
    NotFoundError,
    StartedBeforeError,
    StillRunningError,
    WaitTimeoutError,
)
from laminar_runtime.report.collect import collect_report
from laminar_runtime.report.page import render_page

FLOW = """
import time
from laminar_runtime import Flow, Layer, Parameters
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container, ForEach, Parameter


class Numbers(Flow): ...


@Numbers.register(container=Container(memory=1024, tags={"team": "data", "stage": "test"}))
class Load(Layer):
    def __call__(self, parameters: Parameters) -> None:
        print("loads", parameters.count, flush=True)
        if parameters.how == "sleep":
            time.sleep(parameters.seconds)
        self.shard(rows=range(parameters.count))
        self.kind = type(parameters.how).__name__


@Numbers.register(foreach=ForEach(parameters=[Parameter(Load, "rows")]))
class Square(Layer):
    def __call__(self, load: Load, parameters: Parameters) -> None:
        print("squares", load.rows)
        if parameters.how == "fail" and load.rows == 1:
            raise ValueError(f"no square of {load.rows}")
        self.square = load.rows**2


@Numbers.register(executor=executors.AWS.Lambda())
class Sum(Layer):
    def __call__(self, square: Square) -> None:
        self.total, self.when, self.of = sum(square.square), {"day": [2026, 1, 1]}, complex(1, 2)


if flow := Numbers():
    flow()
"""


@attrs.define
class Bench:
    """The flow, deployed."""

    aws: EmbeddedAws
    deployment: Deployment
    folder: Path

    def jobs_of(self, execution: DeployedExecution) -> list[dict[str, Any]]:
        """Return the descriptions of the jobs of an execution."""
        batch = self.aws.client("batch")
        queue = batch.describe_job_queues()["jobQueues"][0]["jobQueueName"]
        pages = [batch.list_jobs(jobQueue=queue, filters=[{"name": "JOB_NAME", "values": ["Numbers-*"]}])]
        ids = [job["jobId"] for page in pages for job in page["jobSummaryList"]]
        found = batch.describe_jobs(jobs=ids)["jobs"] if ids else []
        return [job for job in found if job["tags"]["laminar:execution"] == execution.id]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Deploy the flow by its document."""
    folder = tmp_path_factory.mktemp("numbers")
    (folder / "flow.py").write_text(FLOW)
    (folder / "image").mkdir()
    workspace = Workspace(directory=lay_out(folder / "flow.py", folder / "image"))
    with (
        EmbeddedAws(workspace=workspace, enforces=True) as aws,
        pytest.MonkeyPatch.context() as monkeypatch,
    ):
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        yield Bench(aws, deploy(compile_flow(str(folder / "flow.py")), aws), folder)


@pytest.fixture(scope="module")
def done(bench: Bench) -> DeployedExecution:
    """An execution that succeeded."""
    given = {"count": 3, "how": ""}
    execution = deployed.find("Numbers").start(given, id="done", tags={"team": "risk", "customer": "7"})
    return execution.wait(timeout=60, poll=0.05)


@pytest.fixture(scope="module")
def failed(bench: Bench) -> DeployedExecution:
    """An execution of which one split failed."""
    execution = bench.deployment.start({"count": 3, "how": "fail"}, id="failed")
    with pytest.raises(ExecutionFailedError, match=r"layer 'Square' \(split 1 of 0 to 2\).*ValueError: no square of 1"):
        execution.wait(timeout=60)
    return execution


def test_a_deployment_is_found_by_its_name_and_its_arn(bench: Bench) -> None:
    """The same deployment, whatever it is found by."""
    arn = bench.deployment.state_machine_arn
    assert deployed.find("Numbers") == deployed.find(arn) == bench.deployment
    outputs = {"state_machine_arn": {"value": arn, "type": "string", "sensitive": False}}
    assert deployed.from_terraform(outputs) == bench.deployment
    (bench.folder / "outputs.json").write_text(json.dumps({"flow": outputs["state_machine_arn"]}))
    assert deployed.from_terraform(bench.folder / "outputs.json", output="flow") == bench.deployment
    with pytest.raises(
        DeploymentError, match=r"Terraform has no output 'x' with an ARN. Its outputs: state_machine_arn"
    ):
        deployed.from_terraform(outputs, output="x")
    with pytest.raises(NotFoundError, match="/laminar/nothing does not exist"):
        deployed.find(arn.replace("Numbers", "nothing"))
    with pytest.raises(FlowError, match=r"is not the ARN of a state machine; deployed\.execution"):
        deployed.find(bench.deployment.execution_arn("e1"))


def test_an_execution_is_found_by_its_arn(done: DeployedExecution) -> None:
    """That of its start, and that of a resume."""
    assert deployed.execution(done.arn) == done
    assert deployed.execution(f"{done.arn}@resume-2") == done
    assert deployed.execution(done.arn).status() == "SUCCEEDED"
    with pytest.raises(NotFoundError, match="execution none of 'Numbers'"):
        done.deployment.execution("none").status()
    with pytest.raises(FlowError, match="is not the ARN of an execution"):
        deployed.execution(done.deployment.state_machine_arn)


def test_tags_become_tags_of_jobs(bench: Bench, done: DeployedExecution) -> None:
    """Those of the execution replace those of a container; what a job is, it says itself."""
    found = {job["tags"]["laminar:layer"]: job["tags"] for job in bench.jobs_of(done)}
    own = {"laminar:flow": "Numbers", "laminar:execution": "done", "team": "risk", "customer": "7"}
    assert found == {
        "Load": {**own, "laminar:layer": "Load", "stage": "test"},
        "Square": {**own, "laminar:layer": "Square"},
    }
    assert json.loads(done.describe()["input"])["started_by"] == "application"


def test_an_id_is_started_once(done: DeployedExecution) -> None:
    """Also after its end; with other parameters it is refused."""
    assert done.deployment.start({"count": 3, "how": ""}, id="done") == done
    with pytest.raises(StartedBeforeError):
        done.deployment.start({"count": 4, "how": ""}, id="done")


def test_times_of_all_attempts(done: DeployedExecution, failed: DeployedExecution) -> None:
    """Each child of an array job, each function, with what it ran on, from its submission to its end."""
    timings = done.timings()
    assert (timings.flow, timings.execution, timings.status) == ("Numbers", "done", "SUCCEEDED")
    assert [(one.layer, one.index, one.where, one.outcome) for one in timings.attempts] == [
        ("Load", None, "batch", "succeeded"),
        *(("Square", index, "batch", "succeeded") for index in range(3)),
        ("Sum", None, "lambda", "succeeded"),
    ]
    for one in timings.attempts:
        assert timings.created is not None
        assert timings.stopped is not None
        assert one.created is not None
        assert one.started is not None
        assert one.stopped is not None
        assert timings.created <= one.created <= one.started <= one.stopped <= timings.stopped + 1000
    load, *_, total = timings.attempts
    assert (load.platform, load.architecture, load.vcpus, load.memory_mib) == ("FARGATE", "X86_64", 1.0, 2048)
    assert (total.platform, total.memory_mib, total.group) == ("LAMBDA", 1500, "/aws/lambda/Numbers-run_sum")
    assert load.stream
    assert load.link == ""  # the console of AWS knows nothing of it
    assert timings.notes == ()
    assert {one.index: one.outcome for one in failed.timings().of("Square")} == {
        0: "succeeded",
        1: "failed",
        2: "succeeded",
    }


def test_what_an_execution_cost(done: DeployedExecution) -> None:
    """Its transitions, and the time that its containers ran."""
    cost = done.cost()
    assert cost.transitions == 7
    assert cost.orchestration == pytest.approx(7 * 0.000025)
    assert [(one.layer, one.attempts, one.unknown) for one in cost.layers] == [
        ("Load", 1, 0),
        ("Square", 3, 0),
        ("Sum", 1, 0),
    ]
    assert 0 < cost.compute < 0.01


def test_a_profile_of_deployed_executions(
    bench: Bench, done: DeployedExecution, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Durations of layers and splits; starts are left out, as they are not those of AWS. The flow compiles with it."""
    file = str(bench.folder / "flow.py")
    assert main(["measure", "--deployment", "Numbers", "--execution", done.id, file]) == 0
    printed = capsys.readouterr()
    assert "the starts of jobs are left out: 127.0.0.1 is not AWS" in printed.err
    profile = json.loads(printed.out)
    layers = profile["flows"]["Numbers"]
    assert {*layers} == {"Load", "Square", "Sum"}
    assert layers["Square"]["splits"]["count"] == 3
    assert all(0 <= layer["seconds"] < 60 for layer in layers.values())
    assert profile["starts"] == []
    (tmp_path / "profile.json").write_text(printed.out)
    assert main([file, "--pack", "auto", "--profile", str(tmp_path / "profile.json"), "--emit", "asl"]) == 0
    assert '"split_seconds"' in capsys.readouterr().out


def test_starts_of_deployed_executions(bench: Bench, done: DeployedExecution) -> None:
    """One for the job of a layer, one for an array job, and one for a function, by what AWS says of them."""
    flow = load(str(bench.folder / "flow.py")).flow
    flow.configuration.scheduler = AWS.StepFunctions(deployment="Numbers")
    found = measure(flow, [done.id], bench.deployment)
    assert found.notes == ()
    assert [start.target for start in found.starts] == ["FARGATE", "FARGATE", "LAMBDA"]
    assert all(0 <= start.seconds < 60 for start in found.starts)
    batch, function = start_times(found.starts)
    assert (batch.target, batch.jobs, function.target, function.jobs) == ("FARGATE", 2, "LAMBDA", 1)
    assert batch.image
    assert "@" not in batch.image


def test_the_page_of_an_execution(done: DeployedExecution) -> None:
    """Without the flow's code: layers with their states, artifacts without unpickling them, and the cost."""
    report = collect_report(done)
    assert {layer.name: (layer.depends, layer.state, layer.splits) for layer in report.layers} == {
        "Load": ((), "succeeded", 1),
        "Square": (("Load",), "succeeded", 3),
        "Sum": (("Square",), "succeeded", 1),
    }
    assert report.notes == ()
    found = {f"{one.layer}.{one.attribute}": one for one in report.artifacts}
    assert found["Sum.total"].preview == {"kind": "text", "text": "5"}
    assert found["Load.rows"].count == found["Square.square"].count == 3
    assert (found["Sum.of"].preview, found["Sum.of"].dtype) == (None, "builtins.complex")
    assert report.cost is not None
    assert report.cost.transitions == 7
    assert report.link == ""
    assert 0 < (found["Sum.total"].size or 0) < 100
    assert render_page(report).startswith("<!doctype html>")


def test_the_page_of_an_execution_that_failed(failed: DeployedExecution) -> None:
    """It names the layer, the split and the reason, and the command that resumes it."""
    report = collect_report(failed)
    states = {layer.name: layer.state for layer in report.layers}
    assert (states["Load"], states["Square"]) == ("succeeded", "failed")
    (failure,) = report.failures.shown
    assert (failure.layer, failure.index, failure.reason) == ("Square", 1, "ValueError: no square of 1")
    assert "in Square.__call__" in failure.frame or "__call__" in failure.traceback
    assert report.resume == "laminar resume Numbers failed"
    assert "ValueError: no square of 1" in render_page(report)
    assert {one.attribute for one in report.artifacts if one.layer == "Square"} == {"square"}


def test_a_resume_from_a_layer(bench: Bench) -> None:
    """It and what follows it run again, and what it depends on does not."""
    execution = bench.deployment.start({"count": 2, "how": ""}, id="again").wait(timeout=60)
    before = {one.layer for one in execution.timings().attempts}
    with pytest.raises(
        NotFoundError, match=r"it has no such layer. Its layers: Numbers.Load, Numbers.Square, Numbers.Sum"
    ):
        execution.resume(from_layer="Cube")
    execution.resume(from_layer="Square").wait(timeout=60)
    assert before == {"Load", "Square", "Sum"}
    assert [*execution.logs("Square", 1)] == ["squares 1", "squares 1"]
    # The task of a layer that finished ends at once.
    assert [*execution.logs("Load")] == ["loads 2"]
    assert execution.status() == "SUCCEEDED"
    assert json.loads(execution.describe()["input"])["started_by"] == "resume"


def test_a_resume_from_a_layer_of_an_execution_that_runs(bench: Bench) -> None:
    """It is refused: its tasks would record what they do. After its stop it goes on."""
    execution = bench.deployment.start({"count": 1, "how": "sleep", "seconds": 60}, id="sleeps")
    with pytest.raises(WaitTimeoutError, match=r"did not end within 0\.2 seconds; it still runs"):
        execution.wait(timeout=0.2, poll=0.1)
    with pytest.raises(StillRunningError):
        execution.resume(from_layer="Load")
    execution.stop("not needed")
    with pytest.raises(AbortedError, match="ended ABORTED"):
        execution.wait(timeout=60)
    assert execution.status() == "ABORTED"


def test_lines_are_followed(bench: Bench) -> None:
    """Until the layer has ended, and those that come late, too."""
    execution = bench.deployment.start({"count": 2, "how": "sleep", "seconds": 1}, id="followed")
    assert [*execution.logs("Load", follow=True)] == ["loads 2"]


@pytest.mark.parametrize(
    ("layer", "index", "error"),
    [
        ("Nothing", 0, "there is no output of Nothing[0] in execution done"),
        ("Square", 9, "there is no Square[9] in execution done of 'Numbers': its splits are Square[0] to Square[2]"),
    ],
)
@pytest.mark.parametrize("follow", [True, False])
def test_lines_of_what_is_not_there(
    done: DeployedExecution, layer: str, index: int, error: str, *, follow: bool
) -> None:
    """No lines would look like a task that printed nothing."""
    with pytest.raises(NotFoundError, match=re.escape(error)):
        [*done.logs(layer, index, follow=follow)]


def test_results_of_what_is_not_there(bench: Bench) -> None:
    """No results would look like an execution that has just begun, with the flow's code and without it."""
    coded = deployed.find("Numbers", flow=load(str(bench.folder / "flow.py")).flow)
    for deployment in (bench.deployment, coded):
        with pytest.raises(NotFoundError, match="execution nope of 'Numbers'"):
            deployment.execution("nope").results()
    with pytest.raises(NotFoundError, match="execution nope of 'Numbers'"):
        _ = bench.deployment.execution("nope").layer("Load").rows


def test_with_the_code_values_are_of_any_type(bench: Bench) -> None:
    """Who has the flow's code starts it with any values, and gets any."""
    flow = load(str(bench.folder / "flow.py")).flow
    bound = deployed.find("Numbers", flow=flow)
    execution = bound.start({"count": 2, "how": {1, 2}}, id="coded").wait(timeout=60)
    assert execution.flow_name == "Numbers"
    assert execution.layer("Load").kind == "set"
    assert execution.results()["Sum.total"] == 1
    assert execution.failures().count == 0
    with pytest.raises(StartedBeforeError):
        bound.start({"count": 2, "how": {1}}, id="coded")
    with pytest.raises(StartedBeforeError):
        bench.deployment.start({"count": 2, "how": "a"}, id="coded")


def test_results_without_the_code(done: DeployedExecution) -> None:
    """Plain values are read by their names; what takes a class is refused, and runs nothing."""
    results = done.results()
    assert (results["Sum.total"], results["Sum.when"]) == (5, {"day": [2026, 1, 1]})
    assert [*results["Square.square"]] == [0, 1, 4]
    assert done.layer("Sum").total == 5
    with pytest.raises(DatastoreError, match=r"builtins\.complex, which takes the flow's code"):
        _ = results["Sum.of"]


def test_in_asyncio(bench: Bench, done: DeployedExecution, failed: DeployedExecution) -> None:
    """The same, with await: waits run side by side in one thread, and a handle is awaited as it is."""

    async def use() -> None:
        found = await aio.find("Numbers")
        first = await found.start({"count": 2, "how": ""}, id="first", tags={"a": "b"})
        second = await found.start({"count": 2, "how": ""}, id="second")
        await asyncio.gather(first, second.wait(timeout=60, poll=0.05))
        assert [await first.status(), await second.status()] == ["SUCCEEDED", "SUCCEEDED"]
        assert await first.result("Sum.total") == 1
        with pytest.raises(NotFoundError, match=r"execution first of 'Numbers' has no result 'Sum\.x', or not yet"):
            await first.result("Sum.x")
        assert [line async for line in first.logs("Square", 1)] == ["squares 1"]
        assert (await first.timings()).attempts
        assert (await first.cost()).transitions == 7
        with pytest.raises(ExecutionFailedError, match="no square of 1"):
            await found.execution("failed")
        assert (await found.execution("failed").failures()).count == 1
        with pytest.raises(WaitTimeoutError):
            await (await found.start({"count": 1, "how": "sleep", "seconds": 60}, id="stop")).wait(timeout=0.1)
        await found.execution("stop").stop("not needed")
        with pytest.raises(AbortedError):
            await found.execution("stop").wait(timeout=60)
        assert await done is done

    asyncio.run(use())


def test_what_a_notebook_shows(done: DeployedExecution, failed: DeployedExecution) -> None:
    """The status, and why it failed; all of it escaped."""
    assert "<td>SUCCEEDED</td>" in done._repr_html_()
    assert "ValueError: no square of 1" in failed._repr_html_()
    assert "s3://rehearsal/laminar" in done.deployment._repr_html_()
    hostile = Deployment("<script>", done.deployment.state_machine_arn, "s3://bucket/<b>")
    assert "&lt;script&gt;" in hostile._repr_html_()
    shown = hostile.execution("none")._repr_html_()
    assert "<script>" not in shown
    assert "does not exist" in shown.lower()


def test_a_role_that_may_not(bench: Bench, done: DeployedExecution, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has the action that is missing."""
    role = bench.aws.client("iam").create_role(RoleName="nobody", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    for name, value in bench.aws.environment_of(role).items():
        monkeypatch.setenv(name, value)
    fresh = Deployment("Numbers", done.deployment.state_machine_arn, done.deployment.datastore_root)
    actions = []
    for call in (fresh.start, fresh.execution("done").status, lambda: deployed.find("Numbers")):
        with pytest.raises(AccessDeniedError) as error:
            call()
        actions.append(error.value.action)
    assert actions == ["states:StartExecution", "states:DescribeExecution", "ssm:GetParameter"]

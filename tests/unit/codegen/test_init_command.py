"""The command ``laminar-codegen init``: the files of a new repository, of each kind."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
import yaml

from laminar_codegen.command import shipped
from laminar_codegen.command.init import class_of, render
from laminar_codegen.command.main import main

ROOT = Path(__file__).parents[3]
KINDS = [*itertools.product(["github", "gitlab", "none"], ["batch", "lambda"])]


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def files_of(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize(("pipeline", "layers"), KINDS)
def test_files(pipeline: str, layers: str) -> None:
    """No name of the template is left, and each kind has its pipeline and its flow, and those of no other."""
    files = render("sales-report", pipeline, layers)
    for path, text in files.items():
        assert not [mark for mark in ("sample", "Sample", "LAMINAR_VERSION") if mark in text + path], path
    assert (".github/workflows/deploy.yml" in files) == (pipeline == "github")
    assert (".gitlab-ci.yml" in files) == (pipeline == "gitlab")
    assert ("executors.AWS.Lambda" in files["main.py"]) == (layers == "lambda")
    assert "class SalesReport(Flow)" in files["main.py"]
    assert all(text.endswith("\n") and not text.endswith("\n\n") for text in files.values())


def test_flows_differ_in_their_executor_only() -> None:
    """Both flows are the same, but for where their layers run."""
    batch, on_lambda = (render("x", "none", layers)["main.py"].splitlines() for layers in ("batch", "lambda"))
    assert [line for line in batch if line not in on_lambda] == ["flow = X()"]
    assert [line for line in on_lambda if line not in batch] == [
        "from laminar_runtime.configurations import executors",
        "flow = X(executor=executors.AWS.Lambda(timeout=300))",
    ]


def test_waivers_are_those_of_the_repository() -> None:
    """What Checkov does not object to here, it does not object to there."""
    assert (shipped.folder("template") / "common" / ".checkov.yaml").read_bytes() == (
        ROOT / ".checkov.yaml"
    ).read_bytes()


@pytest.mark.parametrize("layers", ["batch", "lambda"])
def test_a_repository_is_compiled(layers: str) -> None:
    """It has its modules and its compiled flow, and both are up to date."""
    assert main(["init", "sales-report", "--layers", layers]) == 0
    assert not [path for path in files_of(Path("sales-report")) if path.endswith(".pyc")]
    assert [entry.name for entry in Path().iterdir()] == ["sales-report"]
    os.chdir("sales-report")
    assert main(["main.py", "--emit", "hcl", "--output", "terraform/flow", "--check"]) == 0
    assert main(["modules", "--output", "terraform/modules", "--check"]) == 0


@pytest.mark.parametrize("kind", ["file", "folder", "empty folder"])
def test_nothing_is_overwritten(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is there stays as it is."""
    there = Path("sales-report")
    if kind == "file":
        there.write_text("mine\n")
    else:
        there.mkdir()
    if kind == "folder":
        (there / "main.py").write_text("mine\n")
    before = files_of(Path())
    assert main(["init", "sales-report"]) == 2
    assert "sales-report exists, and init overwrites nothing" in capsys.readouterr().err
    assert files_of(Path()) == before


@pytest.mark.parametrize(
    "name", ["", "Sales", "sales_report", "x-", "a--b", "1st", "class", "../x", "sales/report", "a" * 24, "é"]
)
def test_names(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A name must do for resources of AWS, for a folder and for a class."""
    with pytest.raises(SystemExit, match="2"):
        main(["init", name])
    assert "argument NAME: must be at most 23 lower-case letters" in capsys.readouterr().err
    assert not [*Path().iterdir()]


def test_a_failure_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the disk is full, or the user stops it, there is no half of a repository."""
    monkeypatch.setattr(Path, "write_text", _full)
    assert main(["init", "sales-report"]) == 2
    assert not [*Path().iterdir()]


def _full(*_: object, **__: object) -> int:
    raise OSError(28, "No space left on device")


def test_class_names() -> None:
    assert [class_of(name) for name in ("x", "sales-report", "a-2nd-try")] == ["X", "SalesReport", "A2ndTry"]


def test_jobs_of_gitlab() -> None:
    """Each job has a stage that is there, and needs jobs that are there."""
    pipeline = yaml.safe_load(render("x", "gitlab", "batch")[".gitlab-ci.yml"])
    jobs = {name: job for name, job in pipeline.items() if name not in {"stages", "variables"} and name[0] != "."}
    assert {job["stage"] for job in jobs.values()} == {*pipeline["stages"]}
    assert {need for job in jobs.values() for need in job.get("needs", ())} <= {*jobs}

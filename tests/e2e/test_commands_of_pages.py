"""The commands of pages that need a deployed flow, run as they stand there: on an embedded AWS, by real Terraform.

One account serves all pages: the platform that the README of a new repository applies gives the other pages their
bucket, queue and repository. `tests/support/command_lines.py` lists the lines; the tutorial has a test of its own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from laminar_codegen.rehearsal.image import lay_out
from tests.support.command_lines import NOT_RUN, ROOT, RUN_BY, lines_of
from tests.support.terraform_harness import terraform_executable
from tools.acceptance.account import embed

PAGES = RUN_BY["tests/e2e/test_commands_of_pages.py"]
#: The programs of others that are not needed or not there, and ours, wherever this environment has them.
SHELL = """
set -eu
docker() { :; }; mail() { cat; }
laminar() { python -m laminar_runtime.command.main "$@"; }
laminar-codegen() { python -m laminar_codegen "$@"; }
"""
NIGHTLY = '''
import time
from pathlib import Path

from laminar_runtime import Flow, Layer, Parameters, each
from laminar_runtime.configurations.layers import Container, ForEach, Parameter

HERE = Path(__file__).resolve().parent
CONTAINER = Container(command="python flow.py")


class Nightly(Flow):
    """Train models on the day before."""


@Nightly.register
class Inputs(Parameters):
    day: str = "2026-01-30"


@Nightly.register(container=CONTAINER)
class Cut(Layer):
    def __call__(self, inputs: Inputs) -> None:
        self.shard(part=[0, 1, 2, 3] if inputs.day == "2026-01-31" else [0])


@Nightly.register(container=CONTAINER, foreach=ForEach([Parameter(Cut, "part")]))
class Train(Layer):
    def __call__(self, cut: Cut) -> None:
        print("training", cut.part, flush=True)
        while cut.part == 3 and (HERE / "hangs").exists():
            time.sleep(0.1)
        if cut.part == 3 and (HERE / "broken").exists():
            raise RuntimeError("part 3 is broken")
        self.score = 0.8 + cut.part / 20


@Nightly.register(container=CONTAINER)
class Best(Layer):
    def __call__(self, train: Train) -> None:
        self.accuracy = max(each(train, lambda train: train.score))


if flow := Nightly():
    flow()
'''


@attrs.frozen
class Commands:
    """An account, and the lines of pages that ran in it.

    Args:
        folder: Where the pages' folders are.
        environment: The variables of the commands.
    """

    folder: Path
    environment: dict[str, str]
    done: set[tuple[str, str]] = attrs.field(factory=set)

    def run(self, page: str, *lines: str, at: str = ".", code: int = 0, **variables: str) -> str:
        """Run lines of a page in one shell, and return what they print.

        Args:
            page: The page.
            lines: Its lines; those of `NOT_RUN` have no effect.
            at: The folder, below that of the pages.
            code: The exit code of the last one.
            variables: More variables of the environment.
        """
        shown = {line for _, line in lines_of((ROOT / page).read_text("utf-8"))}
        assert [line for line in lines if line not in shown] == []
        ran = self.shell("\n".join(lines), at, **variables)
        assert ran.returncode == code, ran.stdout
        self.done.update((page, line) for line in lines if line not in NOT_RUN)
        return ran.stdout

    def shell(self, script: str, at: str = ".", **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a script in a folder."""
        (self.folder / at).mkdir(parents=True, exist_ok=True)
        return subprocess.run(
            ["bash", "-c", SHELL + script],
            cwd=self.folder / at,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """An account with the platform of a new repository, and no flow."""
    folder = tmp_path_factory.mktemp("pages")
    image = tmp_path_factory.mktemp("image")
    words = [sys.executable, "-m", "laminar_codegen", "init", "sample-flow", "--with", "none"]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    project = folder / "sample-flow"
    (project / "flow.py").write_text(NIGHTLY, encoding="utf-8")
    with embed(tmp_path_factory.mktemp("account"), lay_out(project / "main.py", image)) as account:
        variables = project / "terraform" / "environments" / "dev.tfvars"
        network = [f"{name} = {json.dumps(value)}" for name, value in account.network.items()]
        variables.write_text("\n".join(['environment = "dev"', *network]) + "\n", encoding="utf-8")
        path = os.pathsep.join([str(Path(sys.executable).parent), str(Path(terraform_executable()).parent), os.defpath])
        environment = {
            **account.environment,
            "PATH": path,
            "PYTHONPATH": str(ROOT),
            "TF_CLI_ARGS": "-no-color",
            "TF_CLI_ARGS_apply": "-no-color -auto-approve -input=false",
        }
        made = Commands(folder, environment)
        page = "template/common/README.md"
        made.run(page, *_starting(page, "terraform -chdir=terraform/platform", ">"), at="sample-flow")
        given = json.loads(
            made.shell("terraform -chdir=terraform/platform output -json flow_variables", project.name).stdout
        )
        image_name = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/flow:1"
        for name, value in {**given, "image": image_name}.items():
            environment[f"TF_VAR_{name}"] = value if isinstance(value, str) else json.dumps(value)
        yield made


def _starting(page: str, start: str, without: str = "\n") -> list[str]:
    """Return the listed lines of a page that begin with a text, and do not have another one."""
    return [line for line in PAGES[page] if line.startswith(start) and without not in line]


def _write_blocks(page: str, folder: Path) -> None:
    """Write the files that a page shows in blocks of Python."""
    folder.mkdir(parents=True, exist_ok=True)
    for block, name in re.findall(
        r"^```python\n(# (\w+\.py)\n.*?)^```$", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL
    ):
        (folder / name).write_text(block, encoding="utf-8")


def test_a_new_repository(commands: Commands) -> None:
    """The commands of its README after the tests and the rehearsal, which tests/integration/codegen runs."""
    page = "template/common/README.md"
    at = "sample-flow"
    commands.shell(
        "git init -q . && git -c user.name=a -c user.email=a@example.com commit -q --allow-empty -m first", at
    )
    commands.run(page, *_starting(page, "laminar-codegen "), at=at)
    output, image, init, apply = [
        line for line in PAGES[page] if line.startswith("image=") or "output -json" in line or "terraform/flow " in line
    ][:4]
    (docker,) = [line for line in NOT_RUN if line.startswith("docker") and "$image" in line and "platform" in line]
    assert "Apply complete!" in commands.run(page, output, image, docker, init, apply, at=at)
    assert "['hello Ada', 'hello Grace']" in commands.run(page, *_starting(page, "laminar "), at=at)


def test_readme(commands: Commands) -> None:
    _write_blocks("README.md", commands.folder / "readme")
    commands.shell("laminar-codegen main.py > main.tf.json", "readme")
    assert "Apply complete!" in commands.run("README.md", *PAGES["README.md"], at="readme")


def test_deploy_a_flow_and_send_its_policies(commands: Commands) -> None:
    _write_blocks("docs/how-to/deploy.md", commands.folder / "deploy")
    commands.shell("laminar-codegen main.py > main.tf.json", "deploy")
    page = "docs/how-to/deploy.md"
    assert "Apply complete!" in commands.run(page, *PAGES[page], at="deploy")
    policies = json.loads(
        commands.run("docs/how-to/use-existing-roles.md", "terraform output -json policies", at="deploy")
    )
    assert {"state_machine", "task", "execution"} <= {*policies}
    outputs = json.loads(commands.run("docs/how-to/use-a-deployed-flow.md", "terraform output -json", at="deploy"))
    assert outputs["state_machine_arn"]["value"].endswith(":Report")


BACKEND = """
terraform {
  backend "s3" {
    bucket                      = "team-states"
    region                      = "eu-west-1"
    use_path_style              = true
    skip_credentials_validation = true
    skip_metadata_api_check     = true
    skip_region_validation      = true
    skip_requesting_account_id  = true
  }
}
"""


@pytest.fixture
def report(commands: Commands) -> str:
    """A compiled flow with a variable, whose state is to be kept in a bucket."""
    folder = commands.folder / "report"
    if not folder.exists():
        _write_blocks("docs/how-to/environments.md", folder)
        made = commands.shell(
            "laminar-codegen report.py > main.tf.json\n"
            "python -c \"import boto3; boto3.client('s3').create_bucket(Bucket='team-states', "
            "CreateBucketConfiguration={'LocationConstraint': 'eu-west-1'})\"",
            folder.name,
        )
        assert made.returncode == 0, made.stdout
        (folder / "backend.tf").write_text(BACKEND, encoding="utf-8")
        for name in ("dev", "prod"):
            (folder / f"{name}.tfbackend").write_text(f'key = "report/{name}.tfstate"\n', encoding="utf-8")
            (folder / f"{name}.tfvars").write_text(f'name = "report-{name}"\n', encoding="utf-8")
    shutil.rmtree(folder / ".terraform", ignore_errors=True)  # which has the backend of the test before
    return folder.name


def test_an_account_for_each_environment(commands: Commands, report: str) -> None:
    page = "docs/how-to/environments.md"
    assert "Apply complete!" in commands.run(page, *PAGES[page], at=report)


def test_environments_by_files_and_by_workspaces(commands: Commands, report: str) -> None:
    page = "docs/how-to/manage-deployments.md"
    init, by_file, new, by_workspace, listing, showing = PAGES[page]
    assert "Apply complete!" in commands.run(page, init, by_file, at=report)
    assert "aws_sfn_state_machine.flow" in commands.run(page, listing, at=report)
    assert json.loads(commands.run(page, showing, at=report))["values"]["outputs"]
    commands.shell("sed -i s/report-dev/report-file/ dev.tfvars && terraform apply -var-file=dev.tfvars", report)
    assert "Apply complete!" in commands.run(page, new, by_workspace, at=report)


@pytest.fixture(scope="module")
def nightly(commands: Commands) -> Path:
    """The flow of several pages, deployed by the page of the module ``platform``; the folder in which its tasks run."""
    page = "terraform_modules/platform/README.md"
    (commands.folder / "platform").symlink_to("sample-flow/terraform/platform")
    (commands.folder / "flow").mkdir()
    (commands.folder / "flow.py").write_text(NIGHTLY, encoding="utf-8")
    output, image, compile_it, apply = PAGES[page]
    (docker,) = [line for line in NOT_RUN if line.startswith("docker build --tag")]
    printed = commands.run(page, output, image, docker, compile_it, apply, TF_VAR_name="nightly")
    assert "Apply complete!" in printed
    return commands.folder / "sample-flow"


def test_a_flow_of_the_module(commands: Commands) -> None:
    """The page of the module `flow`: the folder that it makes calls the module."""
    page = "terraform_modules/flow/README.md"
    (commands.folder / "teams" / "nightly").mkdir(parents=True)
    shutil.copytree(ROOT / "terraform_modules", commands.folder / "terraform_modules")
    (commands.folder / "teams" / "nightly" / "flow.py").write_text(NIGHTLY, encoding="utf-8")
    commands.run(page, *PAGES[page], at="teams/nightly")
    made = commands.folder / "teams" / "nightly" / "deployments" / "report"
    assert '"../../terraform_modules/flow"' in "".join(file.read_text() for file in made.iterdir())


def test_operate_and_destroy(commands: Commands, nightly: Path) -> None:
    """An execution is started, stopped three times and resumed; it fails, and succeeds in the end."""
    page, destroy = "docs/how-to/operate.md", "docs/how-to/destroy.md"
    start, status, of_split, of_failed, failed, stop, resume, wait, results, stop_late, mail = PAGES[page]
    running, stop_before = PAGES[destroy]
    resume_only = "laminar resume nightly 2026-01-31"
    (nightly / "hangs").touch()
    commands.run(page, start)
    assert "RUNNING" in commands.run(page, status, code=4)
    assert "2026-01-31" in commands.run(destroy, running)
    commands.run(page, stop)
    assert "ABORTED" in commands.run(page, status, code=1)
    for again in ((page, stop_late), (destroy, stop_before)):
        assert commands.shell(resume_only).returncode == 0
        commands.run(*again)
        assert "ABORTED" in commands.run(page, status, code=1)
    (nightly / "hangs").unlink()
    (nightly / "broken").touch()
    assert "part 3 is broken" in commands.run(page, resume, code=1)
    assert "training 3" in commands.run(page, of_split)
    assert "training 3" in commands.run(page, of_failed)
    assert "training 3" in commands.run(page, mail)
    assert "2026-01-31" in commands.run(page, failed)
    (nightly / "broken").unlink()
    commands.run(page, resume)
    commands.run(page, wait)
    assert "0.95" in commands.run(page, results)


def test_see_an_execution(commands: Commands, nightly: Path) -> None:
    """A page of each kind of execution: on this machine, of a deployment, of a rehearsal."""
    page = "docs/how-to/see-an-execution.md"
    newest, named, deployed, kept, rehearse = PAGES[page]
    assert commands.shell("laminar run flow.py --id nightly-2026-01-31").returncode == 0
    commands.run(page, newest, named)
    assert (
        commands.shell("laminar start nightly --id for-the-page && laminar wait nightly for-the-page").returncode == 0
    )
    commands.run(page, deployed)
    commands.run(page, rehearse)
    pages = {path.name: path.read_text("utf-8") for path in commands.folder.glob("*.html")}
    assert {"nightly.html", "rehearsal.html"} < {*pages}
    assert [name for name, text in pages.items() if not text.startswith("<!doctype html>")] == []
    words = [sys.executable, "-m", "laminar_codegen", "rehearse", "--keep", "flow.py", "--var", "name=nightly"]
    with subprocess.Popen(
        words,
        cwd=commands.folder,
        env=commands.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert any(line == "  }\n" for line in process.stderr)
        commands.run(page, kept)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 0


def test_every_line_was_run(commands: Commands, request: pytest.FixtureRequest) -> None:
    """What the table of lines says that this file runs, it ran."""
    own = {name for name in globals() if name.startswith("test_")}
    if own - {item.name for item in request.session.items}:
        pytest.skip("only some of the tests of this file run")
    assert {(page, line) for page, lines in PAGES.items() for line in lines} - commands.done == set()

"""Run real Terraform in a test: no network, the stand-in AWS provider, an embedded AWS.

    mirror = install(tmp_path / "mirror")
    terraform = Terraform(directory, mirror, fake_aws(endpoint))
    terraform.init()
    terraform.apply(name="report")
    assert terraform.plan(name="report").empty

Nothing of the user's is read or written: no `~/.terraformrc`, no plugin cache, no checkpoint
service.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, field, frozen

from tools.terraform_standin.attaching import serve_provider
from tools.terraform_standin.installing import ATTACHED, CONFIGURATION, OLDEST

_ROOT = Path(__file__).resolve().parents[2]
_PLAN_FILE = "harness.tfplan"
_EXIT_CHANGES = 2


class TerraformError(Exception):
    """Terraform refused or failed; the text is its standard error."""


@frozen
class Change:
    """The actions of a plan on one resource: `("create",)`, `("update",)`, `("delete", "create")`..."""

    address: str
    actions: tuple[str, ...]


@frozen
class Plan:
    """A plan: `empty` is Terraform's own answer, `document` the output of `show -json`, or nothing if it is empty."""

    changes: tuple[Change, ...]
    empty: bool
    document: Mapping[str, Any] = field(repr=False, eq=False)


def fake_aws(endpoint: str, region: str = "eu-west-1") -> dict[str, str]:
    """Return the environment in which all clients talk to the embedded AWS at `endpoint`."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


#: The release of the AWS provider that tests run against. CONTRIBUTING.md says when it is another.
RELEASE = os.environ.get("LAMINAR_AWS_PROVIDER", OLDEST)


def serving_provider(environment: Mapping[str, str], release: str = RELEASE) -> AbstractContextManager[dict[str, str]]:
    """Start one provider process of the release of the tests, for all commands of Terraform meanwhile."""
    return serve_provider(environment, release)


def terraform_executable() -> str:
    """Return the path of Terraform. Without it a test is skipped, or fails in CI."""
    found = shutil.which("terraform")
    if found is None:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up("terraform is not on the PATH")
    return found


@frozen
class Terraform:
    """One working directory, with the environment that its commands get."""

    directory: Path
    configuration: Path
    environment: Mapping[str, str]
    executable: str = field(factory=terraform_executable)

    def init(self) -> None:
        """Install the provider from the mirror, which Terraform does not do with one that is served."""
        environment = {name: value for name, value in self.environment.items() if name != ATTACHED}
        evolve(self, environment=environment)._run("init", "-input=false")

    def validate(self) -> dict[str, Any]:
        """Return the output of `terraform validate -json`: `valid` and `diagnostics`."""
        ran = self._start("validate", "-json")
        answer: dict[str, Any] = json.loads(ran.stdout)
        return answer

    def format_difference(self) -> str:
        """Return the differences that `terraform fmt` would make in the files; empty if they are formatted."""
        ran = self._start("fmt", "-check", "-diff")
        return ran.stdout + ran.stderr

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression, evaluated in the folder's configuration."""
        # In base64, since the console prints texts in different ways.
        ran = self._start("console", given=f"base64encode(jsonencode({expression}))\n")
        if ran.returncode != 0:
            raise TerraformError(ran.stderr)
        return json.loads(base64.b64decode(ran.stdout.strip().strip('"')))

    def plan(self, **variables: object) -> Plan:
        """Plan, without changing anything."""
        ran = self._start("plan", "-input=false", "-detailed-exitcode", f"-out={_PLAN_FILE}", *_values(variables))
        if ran.returncode not in (0, _EXIT_CHANGES):
            raise TerraformError(ran.stderr)
        if ran.returncode == 0:
            return Plan((), empty=True, document={})
        document = json.loads(self._run("show", "-json", _PLAN_FILE))
        changes = tuple(
            Change(change["address"], tuple(change["change"]["actions"]))
            for change in document.get("resource_changes", ())
            if change["change"]["actions"] not in (["no-op"], ["read"])
        )
        return Plan(changes, empty=False, document=document)

    def apply(self, **variables: object) -> None:
        """Plan and apply."""
        self._run("apply", "-input=false", "-auto-approve", *_values(variables))

    def apply_plan(self) -> None:
        """Apply what `plan` planned last, and nothing else."""
        self._run("apply", "-input=false", _PLAN_FILE)

    def destroy(self, **variables: object) -> None:
        """Delete everything that is in the state."""
        self._run("destroy", "-input=false", "-auto-approve", *_values(variables))

    def output(self) -> dict[str, Any]:
        """Return the values of the outputs."""
        outputs = json.loads(self._run("output", "-json"))
        return {name: output["value"] for name, output in outputs.items()}

    def state(self) -> list[str]:
        """Return the addresses of the resources in the state."""
        return self._run("state", "list").split()

    def import_resource(self, address: str, identity: str) -> None:
        """Take an existing object into the state."""
        self._run("import", "-input=false", address, identity)

    def _run(self, *arguments: str) -> str:
        ran = self._start(*arguments)
        if ran.returncode != 0:
            raise TerraformError(ran.stderr)
        return ran.stdout

    def _start(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.executable, *arguments],
            cwd=self.directory,
            env=self._environment(),
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.configuration.parent),
            CONFIGURATION: str(self.configuration),
            "TF_IN_AUTOMATION": "1",
            "TF_CLI_ARGS": "-no-color",
            "CHECKPOINT_DISABLE": "1",
            **self.environment,
        }


def _values(variables: Mapping[str, object]) -> list[str]:
    return [
        f"-var={name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in variables.items()
    ]

"""The workflows of the hosted CI call what there is, and the hook on commits refuses long subjects only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CI = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0]["hooks"]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def commands(job: dict[str, Any]) -> list[str]:
    """Return the commands of a job; where one names a kind of dependencies, one for each kind."""
    kinds = [entry["kind"] for entry in job.get("strategy", {}).get("matrix", {}).get("versions", [])]
    given = [step["run"] for step in job["steps"] if "run" in step]
    return [text.replace("${{ matrix.versions.kind }}", kind) for text in given for kind in kinds or [""]]


def test_targets_exist() -> None:
    """Each `make` of the workflow is of a target of the Makefile."""
    called = {
        target
        for job in CI["jobs"].values()
        for command in commands(job)
        for target in re.findall(r"^make (.+)$", command, flags=re.MULTILINE)
    }
    assert called == {"test", "oldest", "newest", "moto-oldest", "moto-newest"}
    targets = {name for line in re.findall(r"^([a-z][\w -]*):", MAKEFILE, flags=re.MULTILINE) for name in line.split()}
    assert called <= targets


def test_full_sizes_are_run_at_night() -> None:
    """The variable that gives the tests their full sizes is set in runs that a schedule starts, and in no others."""
    assert CI["jobs"]["test"]["env"] == {"LAMINAR_NIGHTLY": "${{ github.event_name == 'schedule' && '1' || '' }}"}


def test_matrix_has_the_supported_versions() -> None:
    """The classifiers name no version of Python that the workflow does not test."""
    classifiers = re.findall(
        r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text("utf-8")
    )
    assert set(classifiers) <= set(CI["jobs"]["test"]["strategy"]["matrix"]["python"])
    assert CI["jobs"]["dependencies"]["strategy"]["matrix"]["versions"][0]["python"] == min(classifiers)


def test_permissions_are_least() -> None:
    """The workflow may read the code and nothing else, and leaves no credentials in the clone."""
    assert CI["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in CI["jobs"].values())
    steps = [step for job in CI["jobs"].values() for step in job["steps"]]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) == len(CI["jobs"])
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize(
    ("message", "refused"),
    [
        ("x" * 72, False),
        ("x" * 73, True),
        ("Short\n\n" + "a long line of the body " * 5, False),
        ("fixup! " + "x" * 72, False),
        ("x" * 73 + "\n\nA body.", True),
    ],
)
def test_long_subjects_are_refused(message: str, refused: bool) -> None:  # noqa: FBT001
    """The hook finds a subject of more than 72 characters, searching as pre-commit's pygrep does."""
    (hook,) = [hook for hook in HOOKS if hook["id"] == "subject"]
    assert (hook["language"], hook["args"], hook["stages"]) == ("pygrep", ["--multiline"], ["commit-msg"])
    assert bool(re.search(hook["entry"], message, flags=re.MULTILINE | re.DOTALL)) == refused


def test_hooks_run_what_the_environment_has() -> None:
    """The hooks of this repository run tools that pyproject.toml installs."""
    dependencies = (ROOT / "pyproject.toml").read_text("utf-8")
    tools = {hook["entry"].split()[0] for hook in HOOKS if hook["language"] == "system"}
    packages = {"lint-imports": "import-linter"}
    for tool in tools:
        name = tool.removeprefix(".venv/bin/")
        assert f'"{packages.get(name, name)}>=' in dependencies

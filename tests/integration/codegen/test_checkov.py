"""Checkov has no objection to the modules and the generated documents; `.checkov.yaml` says what is waived, and why."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.render.split_document import FILES
from tests.support.golden import CASES, GOLDEN, document_of, text_of

ROOT = Path(__file__).parents[3]
MODULES = ROOT / "terraform_modules"


def executable(root: Path = ROOT) -> str:
    """Return where Checkov is: in a virtual environment of its own, for it wants another boto3 and another hcl2."""
    own = root / ".checkov-venv" / "bin" / "checkov"
    found = str(own) if own.is_file() else shutil.which("checkov")
    if found is None:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up("there is no checkov: make .checkov-venv/installed")
    return found


def scan(folder: Path, framework: str) -> dict[str, Any]:
    """Return what Checkov says of a folder; its settings are those of the repository."""
    command = [
        *(executable(), "--directory", str(folder), "--framework", framework, "--output", "json"),
        *("--config-file", str(ROOT / ".checkov.yaml"), "--skip-download", "--download-external-modules", "false"),
    ]
    # Its parser is a module named as ours, hcl2: ours must not be found.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode in (0, 1), ran.stderr
    assert ran.stdout, ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout)
    # Without anything to check the answer is of another form, and the exit code is 0.
    assert "results" in answer, answer
    return answer


def objections(answer: dict[str, Any]) -> list[str]:
    """Return the checks that failed, with their place."""
    return sorted(
        f"{check['check_id']} {check['file_path']} {check['resource']}: {check['check_name']}"
        for check in answer["results"]["failed_checks"]
    )


def assert_clean(answer: dict[str, Any]) -> None:
    """Everything was read, something was checked, and nothing objected to."""
    assert objections(answer) == []
    assert answer["results"]["parsing_errors"] == []
    assert answer["summary"]["failed"] == 0
    assert answer["summary"]["parsing_errors"] == 0
    assert answer["summary"]["passed"] > 0


def passed(answer: dict[str, Any]) -> set[str]:
    """Return the files in which a check passed, from the folder that was scanned."""
    return {check["file_path"].lstrip("/") for check in answer["results"]["passed_checks"]}


def test_modules() -> None:
    """Checkov has no objection to the modules and their examples, and has looked at each."""
    answer = scan(MODULES, "terraform")
    assert_clean(answer)
    assert {Path(file).parts[0] for file in passed(answer)} >= {"batch", "datastore", "flow", "network"}


def arguments(case: str) -> set[tuple[str, str]]:
    """Return the arguments that a document sets, by the types of the resources: what Checkov looks at."""
    blocks = document_of(case)["resource"].items()
    return {(kind, argument) for kind, labels in blocks for body in labels.values() for argument in body}


def cases_with_all_arguments() -> list[str]:
    """Return golden cases that set all arguments between them, the largest first; in the night all cases."""
    if os.environ.get("LAMINAR_NIGHTLY") == "1":
        return list(CASES)
    found: list[str] = []
    seen: set[tuple[str, str]] = set()
    for case in sorted(CASES, key=lambda case: (-len(arguments(case)), case)):
        if new := arguments(case) - seen:
            found.append(case)
            seen |= new
    return found


def test_generated_documents(tmp_path: Path) -> None:
    """Checkov has no objection to documents that have all that is emitted, and has looked at each."""
    cases = cases_with_all_arguments()
    for case in cases:
        (tmp_path / case).mkdir()
        (tmp_path / case / "main.tf.json").write_text(text_of(case), encoding="utf-8")
    answer = scan(tmp_path, "terraform_json")
    assert_clean(answer)
    assert cases
    assert passed(answer) >= {f"{case}/main.tf.json" for case in cases}


def test_generated_modules(tmp_path: Path) -> None:
    """Checkov has no objection to what ``--output`` writes, in either syntax, and reads the versions of both."""
    # A path: Checkov wants the hash of a commit from all other sources, which is the team's to choose.
    source = "../../modules/flow"
    shutil.copytree(MODULES / "flow", tmp_path / "modules" / "flow")
    for case in ("lambda", "scheduled"):
        for syntax in FILES:
            folder = str(tmp_path / case / syntax)
            command = [sys.executable, "-B", "-m", "laminar_codegen", str(GOLDEN / case / "flow.py")]
            subprocess.run([*command, "--emit", syntax, "--output", folder], check=True, capture_output=True)
            calling = [*command, "--emit", syntax, "--output", f"{folder}-calling", "--module", source]
            subprocess.run(calling, check=True, capture_output=True)
    for framework, syntax, main in (("terraform", "hcl", "main.tf"), ("terraform_json", "terraform", "main.tf.json")):
        answer = scan(tmp_path, framework)
        assert_clean(answer)
        folders = [f"{case}/{syntax}{form}" for case in ("lambda", "scheduled") for form in ("", "-calling")]
        # Beside the call there are job definitions only, and in JSON Checkov does not read what jsonencode gives.
        unread = {"scheduled/terraform-calling"}
        assert passed(answer) >= {f"{folder}/{main}" for folder in folders if folder not in unread}


def test_an_objection(tmp_path: Path) -> None:
    """The check can fail: a bucket that can be made public is objected to."""
    copy = shutil.copytree(MODULES / "datastore", tmp_path / "datastore")
    text = (copy / "main.tf").read_text(encoding="utf-8")
    strict = "block_public_acls       = true"
    assert strict in text
    (copy / "main.tf").write_text(text.replace(strict, strict.replace("true", "false")), encoding="utf-8")
    assert "CKV_AWS_53" in " ".join(objections(scan(copy, "terraform")))


def test_an_objection_to_a_document(tmp_path: Path) -> None:
    """The check can fail: a document whose logs take no key is objected to."""
    document = document_of("one_layer")
    del document["resource"]["aws_cloudwatch_log_group"]["state_machine"]["kms_key_id"]
    (tmp_path / "main.tf.json").write_text(json.dumps(document, indent=2), encoding="utf-8")
    assert "CKV_AWS_158" in " ".join(objections(scan(tmp_path, "terraform_json")))


def test_waivers_have_reasons() -> None:
    """Each waiver has a comment above it."""
    lines = (ROOT / ".checkov.yaml").read_text(encoding="utf-8").splitlines()
    waived = [number for number, line in enumerate(lines) if line.strip().startswith("- CKV")]
    assert waived
    assert [lines[number] for number in waived if not lines[number - 1].strip().startswith("#")] == []
    inline = [
        line
        for file in MODULES.rglob("*.tf")
        for line in file.read_text(encoding="utf-8").splitlines()
        if "checkov:skip" in line
    ]
    assert [line for line in inline if len(line.partition("checkov:skip=")[2].partition(":")[2].split()) < 5] == []


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_no_checkov(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]) -> None:
    """Without Checkov a test is skipped, in CI it fails."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="there is no checkov"):
        executable(tmp_path)

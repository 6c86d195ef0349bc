"""A rehearsal holds roles to the policies of the document: each statement that is taken out is missed.

The flows have the statements of all roles. One run of a flow says which actions were used; a statement that no run uses
stands in `NOT_OBSERVABLE`, with the reason. Of the others some are taken out one by one, in the nightly size
(``LAMINAR_NIGHTLY=1``) all of them, of all golden flows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.golden import CASES, INPUTS, document_of

NIGHTLY = os.environ.get("LAMINAR_NIGHTLY") == "1"
#: Flows that are left out, and why.
NOT_RUN = {
    "containers": "a command of it is no program here",
    "escapes": "its commands are no programs",
    "digits": "each of its runs takes half a minute, and its roles are those of grid",
}
FLOWS = tuple(case for case in CASES if case not in NOT_RUN) if NIGHTLY else ("hooks", "lambda", "scheduled", "volumes")
#: Statements that a rehearsal of a flow that succeeds does not use, and why.
NOT_OBSERVABLE: Mapping[tuple[str, str], str] = {
    ("state_machine", "StopJobs"): "jobs are ended when another fails: test_ending_jobs_needs_permission",
    ("state_machine", "FindJobs"): "jobs of a pipeline are ended when it fails",
    ("state_machine", "LookAtExecutions"): "the same",
    ("state_machine", "StartForTriggers"): "no event happens",
    **{
        ("state_machine", sid): "nothing fails: test_notifications"
        for sid in ("ReadExecutions", "ListFailures", "ReadFailures", "FindFailedJobs", "ReportToEventBus")
    },
    ("state_machine", "ReportToTopics"): "the same",
    ("state_machine", "EncryptReports"): "the same",
    ("notify", "StartReports"): "the same",
    ("state_machine", "SendTraces"): "nothing is traced here",
    ("state_machine", "EncryptExecutions"): "only with a key",
    ("state_machine", "EncryptLogs"): "only with a key",
    ("state_machine", "UseDatastoreKey"): "only with a key",
    ("task", "UseDatastoreKey"): "only with a key",
    ("planner", "UseDatastoreKey"): "only with a key",
    ("function", "UseDatastoreKey"): "only with a key",
    ("planner", "DecryptEnvironment"): "only with a key",
    ("function", "DecryptEnvironment"): "only with a key",
    ("planner", "SendTraces"): "nothing is traced here",
    ("function", "SendTraces"): "nothing is traced here",
    ("planner", "WriteLogs"): "without it a function has no log, and no error",
    ("function", "WriteLogs"): "without it a function has no log, and no error",
    ("task", "TellWhatIsMissing"): "only while an object is missing: a record of another attempt, say",
    ("loader", "TellWhatIsMissing"): "the same",
    ("trainer", "TellWhatIsMissing"): "the same",
    ("trainer", "UseDatastoreKey"): "only with a key",
    ("planner", "TellWhatIsMissing"): "the same",
    ("function", "TellWhatIsMissing"): "the same",
    ("planner", "KeepCodeFromNetwork"): "it denies what the code of these functions does not do",
    ("function", "KeepCodeFromNetwork"): "the same",
    ("schedule", "DecryptSchedule"): "only with a key",
    ("loader", "UseDatastoreKey"): "only with a key",
    ("reporter", "UseDatastoreKey"): "only with a key",
    ("reporter", "DecryptEnvironment"): "only with a key",
    ("reporter", "SendTraces"): "nothing is traced here",
    ("reporter", "WriteLogs"): "without it a function has no log, and no error",
    ("schedule", "EncryptFailures"): "only with a key",
}
#: Statements of which an action is not used: images are pulled otherwise, no execution is stopped for another, and some
#: tasks read nothing.
PARTLY_USED = frozenset(
    {
        ("execution", "PullImages"),
        ("loader", "ReadAndWriteArtifacts"),
        ("trainer", "ReadAndWriteArtifacts"),
        ("state_machine", "WatchParts"),
        ("task", "ReadAndWriteArtifacts"),
    }
)
#: Those that are taken out each time.
CHOSEN = {
    ("hooks", "state_machine", "SubmitJobs"),
    ("hooks", "state_machine", "TagJobs"),
    ("hooks", "state_machine", "AwaitJobs"),
    ("hooks", "state_machine", "InvokePlanner"),
    ("hooks", "task", "ReadAndWriteArtifacts"),
    ("hooks", "execution", "WriteLogs"),
    ("scheduled", "schedule", "StartExecutions"),
    ("scheduled", "schedule", "KeepFailures"),
    ("lambda", "function", "ReadAndWriteArtifacts"),
    ("volumes", "task", "MountToReadAccessPoints"),
}


def rehearse(case: str, *more: str, document: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Rehearse a golden flow, or another document of it."""
    words = [
        sys.executable,
        "-m",
        "laminar_codegen",
        "rehearse",
        "--quiet",
        *more,
        *(word for name, value in INPUTS.get(case, {}).items() for word in ("--param", f"{name}={json.dumps(value)}")),
        str(CASES[case] / "flow.py"),
    ]
    if document is not None:
        words += ["--document", str(document)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@cache
def statements(case: str) -> frozenset[tuple[str, str]]:
    """Return the statements of a flow's document that are there without a key: role and Sid."""
    found: Mapping[str, Any] = document_of(case)["locals"]["statements"]
    return frozenset((role, statement["Sid"]) for role, listed in found.items() for statement in listed)


def observable() -> list[tuple[str, str, str]]:
    """Return the statements that are taken out: flow, role and Sid."""
    found = [(case, role, sid) for case in FLOWS for role, sid in sorted(statements(case))]
    return [one for one in found if one[1:] not in NOT_OBSERVABLE and (NIGHTLY or one in CHOSEN)]


@pytest.mark.parametrize("case", FLOWS)
def test_what_is_granted_is_used(case: str) -> None:
    """All actions that a document grants are used in a rehearsal, or it is known why not."""
    ended = rehearse(case, "--unused")
    assert ended.returncode == 0, ended.stderr
    assert "denied" not in ended.stderr
    lines = [line for line in ended.stderr.splitlines() if ": not used: " in line]
    names = {label.replace("_", "-"): label for label, _ in statements(case)}
    pairs = [line[line.rindex("(") + 1 : line.rindex(")")].split("/") for line in lines]
    found = {(names[policy], sid) for policy, sid in pairs}
    assert found <= NOT_OBSERVABLE.keys() | PARTLY_USED, lines


@pytest.mark.parametrize(("case", "role", "sid"), observable())
def test_each_statement_is_missed(case: str, role: str, sid: str, tmp_path: Path) -> None:
    """Without a statement the rehearsal fails, and names the role and what it may not do."""
    document = document_of(case)
    listed = document["locals"]["statements"][role]
    (gone,) = (statement for statement in listed if statement["Sid"] == sid)
    listed.remove(gone)
    if not listed:
        # A policy without statements is refused, whatever was in it.
        listed.append({"Sid": "Nothing", "Effect": "Allow", "Action": ["sts:GetCallerIdentity"], "Resource": ["*"]})
    file = tmp_path / "main.tf.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    ended = rehearse(case, document=file)
    assert ended.returncode == 1, ended.stderr
    assert ended.stdout == ""
    assert f"{role.replace('_', '-')} may not " in ended.stderr
    assert any(f"may not {action} on" in ended.stderr for action in gone["Action"]), ended.stderr

"""The option ``--event`` of a rehearsal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from laminar_codegen.command.main import main
from tests.support.golden import GOLDEN

FLOW = GOLDEN / "triggers" / "flow.py"
UPLOAD = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "detail": {"bucket": {"name": "uploads"}, "object": {"key": "in/a.csv", "sequencer": "0062"}},
}


def test_the_command_sends_an_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It runs what the event starts in what stands in the document, by the roles of the document."""
    monkeypatch.chdir(tmp_path)
    assert main([str(FLOW)]) == 0
    document = json.loads(capsys.readouterr().out)
    folder = tmp_path / "infrastructure"
    folder.mkdir()
    (tmp_path / "event.json").write_text(json.dumps(UPLOAD))

    def rehearse(event: str = "event.json") -> int:
        (folder / "main.tf.json").write_text(json.dumps(document))
        return main(["rehearse", "--quiet", "--event", event, "--document", str(folder), str(FLOW)])

    assert rehearse() == 0
    assert "Take.what = {'bucket': 'uploads'" in capsys.readouterr().out
    document["locals"]["statements"]["events"][0]["Action"] = ["states:StopExecution"]
    assert rehearse() == 1
    assert "may not states:StartExecution" in capsys.readouterr().err
    document["locals"]["statements"]["events"][0]["Action"] = ["states:StartExecution"]
    document["variable"]["object_created_enabled"]["default"] = False
    assert rehearse() == 1
    assert "no rule matches the event" in capsys.readouterr().err
    (tmp_path / "wrong.json").write_text("[]")
    assert rehearse("wrong.json") == 1
    assert "the event must be an object with the texts source and detail-type" in capsys.readouterr().err

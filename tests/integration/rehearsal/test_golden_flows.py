"""The flows of tests/golden whose arguments tests/unit/test_fields_are_proved.py lists are rehearsed."""

from __future__ import annotations

import json

import pytest

from laminar_codegen.command.main import main
from tests.support.golden import CASES, EXECUTED, INPUTS

#: What an environment gives, besides what a rehearsal makes up.
VARIABLES = {"reported": ["--var", "on_call_topic=arn:aws:sns:us-east-1:123456789012:on-call"]}


@pytest.mark.parametrize("case", EXECUTED)
def test_it_is_rehearsed(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The execution of its document succeeds, by the roles of the document."""
    given = [
        word for name, value in INPUTS.get(case, {}).items() for word in ("--param", f"{name}={json.dumps(value)}")
    ]
    words = ["rehearse", "--quiet", *VARIABLES.get(case, []), *given, str(CASES[case] / "flow.py")]
    assert main(words) == 0
    printed = capsys.readouterr()
    assert "SUCCEEDED" in printed.out
    assert "denied" not in printed.err

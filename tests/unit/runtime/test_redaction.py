"""The values of secrets do not appear in texts about errors, however they came into them."""

from __future__ import annotations

import json

import pytest

from laminar_runtime import container_command
from laminar_runtime.configurations.containers import Container, local_variables
from laminar_runtime.exceptions import TaskError
from laminar_runtime.failures import redaction, reports, tracebacks
from laminar_runtime.failures.record import Failure
from laminar_runtime.failures.redaction import SECRETS, one_line, redact, shorten

PASSWORD = 'it\'s \\ a "pass\nword" é'


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give this process a secret, as a container of AWS Batch has it."""
    monkeypatch.setenv(SECRETS, "OTHER,PASSWORD")
    monkeypatch.setenv("PASSWORD", PASSWORD)


def raised(error: Exception) -> Exception:
    """Return an error with a traceback."""
    try:
        raise error
    except type(error) as caught:
        return caught


@pytest.mark.parametrize(
    "text",
    [
        PASSWORD,
        str(KeyError(PASSWORD)),
        repr([PASSWORD]),
        repr({"key": PASSWORD.encode()}),
        json.dumps({"key": PASSWORD}),
        json.dumps({"key": PASSWORD}, ensure_ascii=False),
        "https://user:it%27s%20%5C%20a%20%22pass%0Aword%22%20%C3%A9@host",
        'the last line of its output: word" é',
    ],
)
def test_each_spelling(text: str) -> None:
    """Errors show values as Python, JSON and URLs write them; output has their lines."""
    shown = redact(text)
    assert "***" in shown
    assert not any(part in shown for part in ("it's", "pass", 'word"', "word%"))


def test_the_texts_of_an_error() -> None:
    """Reason, message, traceback and causes have none."""
    error = raised(KeyError(PASSWORD))
    error.__cause__ = raised(ValueError(f"cannot log in with {PASSWORD!r}"))
    error.add_note(f"the password was {PASSWORD}")
    report = reports.Report.of(error)
    assert report.reason == "KeyError: '***'"
    assert not any(
        "pass" in text for text in (report.reason, report.message, report.traceback.partition("password was")[2])
    )
    assert "cannot log in with '***'" in report.traceback


@pytest.mark.parametrize("before", range(16_380, 16_386))
def test_a_secret_at_the_cut(before: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text is shortened after that, so that no half of a secret is left."""
    monkeypatch.setenv("PASSWORD", "correct horse")
    shown = shorten("x" * before + "correct horse" + "y" * 40_000)
    assert "correct" not in shown
    assert "c" not in shown.partition("\n")[0]
    assert "corr" not in one_line("x" * 996 + "correct horse")
    failure = Failure(
        flow="F", execution="e", layer="L", reason="x", message="x" * 4_090 + "correct horse" + "y" * 8_000
    )
    assert b"corr" not in failure.to_json()


def test_values_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret of Secrets Manager may be an object, of which a program uses one text."""
    monkeypatch.setenv("PASSWORD", json.dumps({"db": {"users": ["operator"], "port": 1234567}, "key": "abc\ndefghijk"}))
    assert redact("operator failed with defghijk at 1234567") == "*** failed with *** at ***"


def test_words_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short value would be replaced wherever it is a word. What is no secret stays."""
    monkeypatch.setenv("PASSWORD", "error")
    monkeypatch.setenv("STAGE", "production")
    assert redact("an error of production") == "an error of production"


def test_what_a_process_adds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that runs tasks itself knows the secrets of their layers."""
    monkeypatch.setenv("REASONS_TOKEN", "battery staple")
    assert redact("battery staple") == "battery staple"
    redaction.hide(["REASONS_TOKEN"])
    assert redact("battery staple") == "***"


def test_credentials_of_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are secrets without a name of the user."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    assert redact("signed with wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY") == "signed with ***"
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")  # as moto's documentation has it
    assert redact("laminar_runtime.testing") == "laminar_runtime.testing"


def test_a_task_on_this_machine_knows_the_names() -> None:
    """They are in one variable, before the flow's file is read."""
    container = Container(secrets={"TOKEN": "ssm:token", "KEY": "ssm:key"})
    assert local_variables(container, {"TOKEN": "x"}) == {"TOKEN": "x", SECRETS: "KEY,TOKEN"}


def test_the_last_line_of_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the reason of a process that ended without an error report."""
    monkeypatch.setenv("PASSWORD", "correct horse")
    monkeypatch.setattr(container_command, "_run_and_print", lambda *_: (3, "with correct horse", False))
    assert container_command.run({}).last == "with ***"


def test_the_output_of_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed of an error has none either."""
    monkeypatch.setenv("PASSWORD", "correct horse")
    assert "correct" not in tracebacks.text(raised(ValueError("correct horse"))).partition("raised(")[0]
    place = {"flow": "F", "execution": "e1", "layer": "L", "index": 0, "splits": 1, "attempt": 1}
    error = raised(OSError("correct horse"))
    assert "correct" not in str(TaskError(reports.reason_of(error), **place, error_class="OSError"))  # type: ignore[arg-type]

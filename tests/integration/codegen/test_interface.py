"""How Terraform is driven from Python, by an executable that notes its calls, and fails where a test wants it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.api import TerraformFailedError, compile_plain, create
from laminar_codegen.command.main import main
from laminar_codegen.problems import NotWrittenError
from laminar_codegen.render.split_document import FILES
from laminar_runtime import Flow, Layer
from tests.support.commands import CALLS

SCRIPT = """\
#!/bin/sh
command=$1
shift
if [ "$command" = version ]; then echo '{{"terraform_version": "1.11.4"}}'; exit; fi
if [ "$command" = output ]; then echo '{{"deployment": {{"value": "of-the-state"}}}}'; exit; fi
echo "$command $*" >> {log}
for word; do case $word in -var-file=*) cp "${{word#-var-file=}}" {log}.values;; esac; done
echo "$command is printed"
echo "$command warns" >&2
{extra}
"""


class Report(Flow): ...


@Report.register
class A(Layer):
    def __call__(self) -> None: ...


@pytest.fixture
def ir() -> dict[str, Any]:
    return compile_plain(Report())


@pytest.fixture
def terraform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Give a function that puts an executable on the PATH, which does something more, and says where its log is."""

    def install(extra: str = "") -> Path:
        executable, log = tmp_path / "bin" / "terraform", tmp_path / "log"
        executable.parent.mkdir()
        executable.write_text(SCRIPT.format(log=log, extra=extra), encoding="utf-8")
        executable.chmod(0o755)
        (tmp_path / "tmp").mkdir()
        monkeypatch.setenv("PATH", f"{executable.parent}{os.pathsep}{os.defpath}")
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
        return log

    return install


def calls(log: Path) -> list[str]:
    """Return the commands that were called."""
    return [line.split()[0] for line in log.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("apply", [False, True])
def test_it_is_applied_only_when_asked(
    apply: bool,  # noqa: FBT001 - a case
    ir: dict[str, Any],
    terraform: Callable[..., Path],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Terraform initialises, shows a plan, and applies just that one if it is asked to; what it says is passed on."""
    log = terraform()
    made = create(ir, tmp_path / "out", variables={"name": "x"}, apply=apply)
    assert made == ("of-the-state" if apply else None)
    expected = ["init", "plan", *(["apply"] if apply else [])]
    assert calls(log) == expected
    printed = capfd.readouterr()
    assert printed.out == "".join(f"{command} is printed\n" for command in expected)
    assert printed.err == "".join(f"{command} warns\n" for command in expected)
    lines = log.read_text(encoding="utf-8").splitlines()
    plan = next(word.removeprefix("-out=") for word in lines[1].split() if word.startswith("-out="))
    assert lines[2:] == ([f"apply -input=false -no-color {plan}"] if apply else [])
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("failing", ["init", "plan", "apply"])
def test_a_command_that_fails(
    failing: str,
    ir: dict[str, Any],
    terraform: Callable[..., Path],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What Terraform said of its failure reaches the caller, what it said before is printed, and nothing follows."""
    log = terraform(f'if [ "$command" = {failing} ]; then echo "Error: it is wrong" >&2; exit 1; fi')
    with pytest.raises(TerraformFailedError, match=rf"^terraform {failing} failed in .*/out:\n.*\nError: it is wrong$"):
        create(ir, tmp_path / "out", variables={"name": "x"}, apply=True)
    assert calls(log)[-1] == failing
    assert capfd.readouterr().out.endswith(f"{failing} is printed\n")
    assert {file.name for file in (tmp_path / "out").iterdir()} == set(FILES["terraform"])
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_command_that_is_killed(ir: dict[str, Any], terraform: Callable[..., Path], tmp_path: Path) -> None:
    """The error for a Terraform that a signal ended, for example where memory is short, names the signal."""
    terraform("kill -9 $$")
    with pytest.raises(TerraformFailedError, match=r"^terraform init was ended by signal 9 in "):
        create(ir, tmp_path / "out", variables={}, apply=True)


@pytest.mark.parametrize(
    "text", ["${var.x}", "%{ if true }", '"\\\n\r\t', "-out=x", "\u2028\U0001f469", "a" * 9999, ""]
)
def test_variables_are_passed_as_they_are(
    text: str, ir: dict[str, Any], terraform: Callable[..., Path], tmp_path: Path
) -> None:
    """Values stand in a file of plain JSON, which is no template, and in no command line."""
    log = terraform()
    values = {"name": text, "tags": {text: text}, "role": None}
    create(ir, tmp_path / "out", variables=values, apply=False)
    assert json.loads(Path(f"{log}.values").read_text(encoding="utf-8")) == values
    assert not text or text not in log.read_text(encoding="utf-8")


@pytest.mark.parametrize("value", [Path("x"), {1, 2}, float("nan"), b"x"])
def test_variables_that_cannot_be_passed(
    value: object, ir: dict[str, Any], terraform: Callable[..., Path], tmp_path: Path
) -> None:
    """A value that is not JSON is an error with its variable's name, before anything is written."""
    terraform()
    with pytest.raises(
        TerraformFailedError, match=r"the variable 'name' .* is not a JSON value: .*: give plain JSON values"
    ):
        create(ir, tmp_path / "out", variables={"name": value}, apply=True)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_the_module_in_hcl(ir: dict[str, Any], terraform: Callable[..., Path], tmp_path: Path) -> None:
    """A module that the command wrote as HCL stays as it is: Terraform would read the JSON besides, and refuse both."""
    log = terraform()
    file = tmp_path / "flow.py"
    file.write_text(CALLS, encoding="utf-8")
    assert main([str(file), "--emit", "hcl", "--output", str(tmp_path / "out")]) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(NotWrittenError, match=r"out/main\.tf is left from a compile to the other syntax"):
        create(ir, tmp_path / "out", variables={}, apply=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert not log.exists()


def test_a_folder_that_cannot_be_written(ir: dict[str, Any], terraform: Callable[..., Path], tmp_path: Path) -> None:
    """Where the document cannot be written Terraform is not called."""
    log = terraform()
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    with pytest.raises(NotWrittenError, match=r"cannot use the folder .*: Not a directory"):
        create(ir, tmp_path / "out", variables={}, apply=True)
    assert not log.exists()


def test_an_executable_that_is_none(ir: dict[str, Any], terraform: Callable[..., Path], tmp_path: Path) -> None:
    """What is no program is an error before anything is written."""
    terraform()
    (tmp_path / "bin" / "terraform").write_bytes(b"\x7fnone")
    with pytest.raises(TerraformFailedError, match=r"cannot run terraform: .*Exec format error"):
        create(ir, tmp_path / "out", variables={}, apply=True)
    assert not (tmp_path / "out").exists()


def test_no_place_for_a_plan(ir: dict[str, Any], terraform: Callable[..., Path], tmp_path: Path) -> None:
    """Where a plan cannot be kept nothing is applied."""
    log = terraform()
    (tmp_path / "tmp").rmdir()
    with pytest.raises(TerraformFailedError, match=r"cannot run terraform: .*No such file or directory"):
        create(ir, tmp_path / "out", variables={}, apply=True)
    assert not log.exists()


CREATE = """
import json, signal, sys
from pathlib import Path
from laminar_codegen.api import create
# A process in the background may have been started with this signal ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
create(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]), variables={}, apply=True)
"""


def test_an_interrupt_lets_terraform_end(ir: dict[str, Any], terraform: Callable[..., Path], tmp_path: Path) -> None:
    """Stopped while it applies, the process waits until Terraform has written its state, and says so only once."""
    ended = tmp_path / "log.ended"
    finish = f"trap 'echo interrupted >> {ended}; sleep 0.5; echo state >> {ended}; exit 1' INT"
    terraform(f'if [ "$command" = apply ]; then {finish}; echo begun; while :; do sleep 0.1; done; fi')
    given = tmp_path / "ir.json"
    given.write_text(json.dumps(ir), encoding="utf-8")
    command = [sys.executable, "-c", CREATE, str(given), str(tmp_path / "out")]
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        lines = iter(process.stdout or ())
        assert b"begun\n" in lines
        process.send_signal(signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode != 0
    assert b"KeyboardInterrupt" in errors
    assert ended.read_text(encoding="utf-8") == "interrupted\nstate\n"
    assert list((tmp_path / "tmp").iterdir()) == []


def test_what_it_says_is_printed_at_once(ir: dict[str, Any], terraform: Callable[..., Path], tmp_path: Path) -> None:
    """What a long apply says is seen before it ends."""
    terraform(f'if [ "$command" = apply ]; then echo begun; while [ ! -e {tmp_path}/seen ]; do sleep 0.1; done; fi')
    given = tmp_path / "ir.json"
    given.write_text(json.dumps(ir), encoding="utf-8")
    command = [sys.executable, "-c", CREATE, str(given), str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert b"begun\n" in iter(process.stdout or ())
        assert process.poll() is None
        (tmp_path / "seen").write_text("", encoding="utf-8")
        assert process.wait(60) == 0

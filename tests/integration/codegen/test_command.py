"""The command: what it takes, what it ends with, and where it writes what."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from laminar_runtime import __version__
from tests.support.commands import FLOW, codegen


@pytest.mark.parametrize(
    "arguments", [[], ["--emit", "yaml", "flow.py"], ["--fast", "flow.py"], ["flow.py", "more.py"], ["--emit"]]
)
def test_wrong_usage_ends_with_2(arguments: list[str], tmp_path: Path) -> None:
    """The command without arguments prints its usage to standard error, and compiles nothing."""
    ended = codegen(*arguments, cwd=tmp_path)
    assert (ended.code, ended.output) == (2, b"")
    assert ended.errors.startswith("usage: laminar-codegen")
    assert "Traceback" not in ended.errors


def test_help_names_the_exit_codes(tmp_path: Path) -> None:
    """--help is no error, and it says how the command is used and what its exit codes mean."""
    ended = codegen("--help", cwd=tmp_path)
    assert (ended.code, ended.errors) == (0, "")
    assert b"laminar-codegen flow.py > main.tf.json" in ended.output
    assert b"exit codes: 0 success; 1 the flow is invalid" in ended.output


@pytest.mark.parametrize("command", ["compile", "check", "measure", "rehearse"])
def test_help_of_the_commands(command: str, tmp_path: Path) -> None:
    """Each prints its own exit codes, and none of another's."""
    ended = codegen(command, "--help", cwd=tmp_path)
    assert (ended.code, ended.errors) == (0, "")
    printed = b" ".join(ended.output.split())
    assert b"exit codes: 0 " in printed
    assert printed.endswith(b"3 internal error, please report it; 130 stopped by the user")
    assert (b"--check found" in printed) == (command == "compile")


def test_a_file_that_is_named_like_a_choice_is_a_file(tmp_path: Path) -> None:
    """A path that exists is a path, also if what follows its colon could be the name of a flow."""
    (tmp_path / "a:flow").write_text("")
    ended = codegen("a:flow", cwd=tmp_path)
    assert (ended.code, ended.errors.splitlines()[0]) == (1, "a:flow: LAM001 it is not a Python file")


def test_the_document_is_the_default(tmp_path: Path) -> None:
    """Without --emit the command prints the Terraform document, which ends in a line break."""
    (tmp_path / "flow.py").write_text(FLOW.format(flow="Report"))
    plain, asked = codegen("flow.py", cwd=tmp_path), codegen("--emit", "terraform", "flow.py", cwd=tmp_path)
    assert plain == asked
    assert plain.output.endswith(b"}\n")
    assert json.loads(plain.output)["variable"]["name"]["default"] == "Report"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\xff\xfe\x00", "LAM00"),
        (b"value = 1\x00\n", "LAM00"),
        (b"# coding: nothing-known\n", "LAM002"),
        (b"exec('1 +')\n", "LAM002"),
        (b"class E(Exception):\n    def __str__(self): return 'a\\nb'\nraise E\n", "LAM003 reading the file raised E"),
        (b"def f(): f()\nf()\n", "LAM003 reading the file raised RecursionError"),
        (b"from laminar_runtime import Flow\n@Flow.register\nclass A: ...\n", "LAM003"),
    ],
)
def test_whatever_the_file_does_is_reported_as_a_problem(text: bytes, message: str, tmp_path: Path) -> None:
    """A file that cannot be read for whatever reason is the flow's fault, reported without a traceback."""
    (tmp_path / "flow.py").write_bytes(text)
    ended = codegen("flow.py", cwd=tmp_path)
    assert (ended.code, ended.output) == (1, b"")
    assert message in ended.errors
    assert "None" not in ended.errors
    assert "Traceback" not in ended.errors


def test_the_user_may_stop_it(tmp_path: Path) -> None:
    """An interrupt, also one while the flow's file is read, ends the command with 130 and without a traceback."""
    (tmp_path / "flow.py").write_text("raise KeyboardInterrupt\n")
    ended = codegen("flow.py", cwd=tmp_path)
    assert (ended.code, ended.output, ended.errors) == (130, b"", "laminar-codegen: stopped\n")


@pytest.mark.parametrize(
    ("lacking", "words", "extra"),
    [("attrs", [], "codegen"), ("attrs", ["check"], "codegen"), ("moto", ["rehearse"], "local")],
)
def test_an_extra_that_is_not_installed(lacking: str, words: list[str], extra: str, tmp_path: Path) -> None:
    """The error names the package to install, and is no bug of ours."""
    (tmp_path / "flow.py").write_text(FLOW.format(flow="Report"))
    script = (
        f"import sys; sys.modules[{lacking!r}] = None\nfrom laminar_codegen.command.main import main\nsys.exit(main())"
    )
    command = [sys.executable, "-c", script, *words, "flow.py"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("laminar-codegen: ")
    assert ended.stderr.endswith(f": pip install 'laminar-terraform[{extra}]'\n")


#: What only some flows need: those with typed parameters, triggers, exact joins, a profile, settings, the module,
#: volumes, networks or a planner of their own, and those whose executions take turns.
SELDOM = (
    "calendar",
    "cattrs",
    "datetime",
    "laminar_codegen.checks.settings",
    "laminar_codegen.lower_states.input_check",
    "laminar_codegen.lower_states.turns",
    "laminar_codegen.lower_terraform.input_schema",
    "laminar_codegen.lower_terraform.module_call",
    "laminar_codegen.planning.durations_file",
    "laminar_codegen.planning.exact_joins",
    "laminar_codegen.planning.modular_decomposition",
    "laminar_codegen.planning.path_cover",
    "laminar_codegen.policies.network",
    "laminar_codegen.targets.batch.planner_jobs",
    "laminar_codegen.targets.batch.volume_checks",
    "laminar_codegen.targets.planners",
    "laminar_codegen.triggers.event_start",
    "laminar_codegen.triggers.patterns",
    "laminar_codegen.triggers.start_input",
    "laminar_codegen.triggers.timed_start",
    "laminar_runtime.configurations.mounts",
    "laminar_runtime.configurations.planners",
    "laminar_runtime.configurations.volumes",
    "laminar_runtime.inputs.conversion",
    "laminar_runtime.inputs.shapes",
)


ALL_OF_THEM = """
from laminar_runtime import Parameters
from laminar_runtime.configurations import executors, hooks, planners
from laminar_runtime.configurations.layers import Container
from laminar_runtime.configurations.networks import Network
from laminar_runtime.configurations.schedulers import AWS
from laminar_runtime.configurations.triggers import Event, Schedule
from laminar_runtime.configurations.volumes import EFS

@Report.register
class Inputs(Parameters):
    day: str

@Report.register(container=Container(volumes=[EFS("fs-0123456789abcdef0", mount="/mnt/data")]))
class B(Layer):
    @hooks.entry
    def is_needed(self): return True
    def __call__(self): ...

@Report.register(executor=executors.AWS.Lambda(network=Network(["subnet-0a1b2c3d"], ["sg-0a1b2c3d"])))
class C(Layer):
    def __call__(self): ...

@Report.register
class D(Layer):
    def __call__(self, b: B): ...

@Report.register
class E(Layer):
    def __call__(self, b: B, c: C): ...

day = {"day": "2026-01-31"}
triggers = [Event({"source": ["shop"]}, parameters=day), Schedule("at(2026-12-24T18:00:00)", parameters=day)]
flow = Report(
    scheduler=AWS.StepFunctions(
        joins="exact",
        module="./flow",
        overlap="skip",
        planner=planners.AWS.Batch(),
        profile="profile.json",
        tracing=False,
        triggers=triggers,
    )
)
"""


@pytest.mark.parametrize(("more", "loaded"), [("", ()), (ALL_OF_THEM, SELDOM)])
def test_a_compile_loads_what_the_flow_needs(more: str, loaded: tuple[str, ...], tmp_path: Path) -> None:
    """The modules of features that a flow does not use are not loaded."""
    (tmp_path / "flow.py").write_text(FLOW.format(flow="Report") + more)
    (tmp_path / "profile.json").write_text('{"Report": {"B": 2.0}}')
    script = f"""
import sys
from laminar_codegen.command.main import main
assert main(["flow.py"]) == 0
print(*(name for name in {SELDOM} if name in sys.modules), file=sys.stderr)
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr.split()) == (0, [*loaded])


def test_a_command_that_is_not_installed(tmp_path: Path) -> None:
    """Where no package brings an entry point for a command, the extra that does is named."""
    # A finder of modules that knows no installed package, as where no metadata is.
    script = """
import importlib.machinery, sys
from laminar_codegen.command.main import main
class Finder:
    find_spec = importlib.machinery.PathFinder.find_spec
sys.meta_path[:] = [finder for finder in sys.meta_path if not hasattr(finder, "find_distributions")] + [Finder()]
sys.exit(main(["rehearse", "flow.py"]))
"""
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    hint = "pip install 'laminar-terraform[local]'"
    assert ended.stderr == f"laminar-codegen: the command 'rehearse' is not installed: {hint}\n"


def test_a_reader_may_stop_reading(tmp_path: Path) -> None:
    """A closed pipe, as of ``| head``, is no bug: the command ends without a word."""
    (tmp_path / "flow.py").write_text(FLOW.format(flow="Report"))
    command = [sys.executable, "-m", "laminar_codegen", "flow.py"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(writing)
    assert (done.returncode, done.stderr) == (2, b"")


def test_help_names_all_commands(tmp_path: Path) -> None:
    """The help of the whole command shows each command, and its exit codes."""
    ended = codegen("--help", cwd=tmp_path)
    assert (ended.code, ended.errors) == (0, "")
    for command in ("compile", "check", "measure", "rehearse"):
        assert f"\n    {command} ".encode() in ended.output


def test_version(tmp_path: Path) -> None:
    ended = codegen("--version", cwd=tmp_path)
    assert (ended.code, ended.output) == (0, f"laminar-codegen {__version__}\n".encode())


@pytest.mark.parametrize(("word", "command"), [("chek", "check"), ("rehears", "rehearse"), ("profil", "measure")])
def test_a_misspelt_command_is_suggested(word: str, command: str, tmp_path: Path) -> None:
    ended = codegen(word, "flow.py", cwd=tmp_path)
    assert (ended.code, ended.output) == (2, b"")
    assert ended.errors == f"laminar-codegen: unknown command '{word}', did you mean '{command}'?\n"


def test_a_module_that_is_named_nearly_like_a_command_is_a_flow(tmp_path: Path) -> None:
    (tmp_path / "checks.py").write_text(FLOW.format(flow="Report"))
    assert codegen("checks", cwd=tmp_path).code == 0


def test_compile_is_the_default(tmp_path: Path) -> None:
    """With and without its name the command prints the same."""
    (tmp_path / "flow.py").write_text(FLOW.format(flow="Report"))
    named, unnamed = codegen("compile", "flow.py", cwd=tmp_path), codegen("flow.py", cwd=tmp_path)
    assert named.code == unnamed.code == 0
    assert named.output == unnamed.output


def test_a_flow_that_is_named_like_a_command(tmp_path: Path) -> None:
    """It is reached by its path, or behind the name of the command."""
    (tmp_path / "check.py").write_text(FLOW.format(flow="Report"))
    assert codegen("./check.py", cwd=tmp_path).output == codegen("compile", "check.py", cwd=tmp_path).output != b""


def test_the_former_name_of_measure(tmp_path: Path) -> None:
    """It works, with a note."""
    ended = codegen("profile", "--help", cwd=tmp_path)
    assert (ended.code, ended.errors) == (0, "laminar-codegen: 'profile' is now 'measure'\n")
    assert ended.output == codegen("measure", "--help", cwd=tmp_path).output

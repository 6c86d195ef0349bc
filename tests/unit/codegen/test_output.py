"""``--output`` writes a module, whole or not at all; ``--check`` prints how the files that are there differ."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
import yaml

from laminar_codegen.command import main
from laminar_codegen.ir.terraform import MARK, Document
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.problems import NotWrittenError
from laminar_codegen.render.split_document import FILES, render_module
from laminar_codegen.render.write_folder import compare_module, write_module
from tests.support.commands import FLOW, Ended, codegen

ROOT = Path(__file__).parents[3]
SYNTAXES = sorted(FILES)


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    file = tmp_path / "flow.py"
    file.write_text(FLOW.format(flow="Report"), encoding="utf-8")
    return file


@pytest.fixture
def document(flow: Path) -> Document:
    return compile_flow(str(flow)).document


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files in a folder, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def command(*arguments: object) -> int:
    """Run the command in this process."""
    return main.main([str(argument) for argument in arguments])


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_module_is_written(
    syntax: str, flow: Path, document: Document, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The folder is made and holds the module; the files are listed on standard error, and nothing on the other."""
    folder = tmp_path / "made" / "by it"
    assert command(flow, "--emit", syntax, "--output", folder) == 0
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err == f"wrote {', '.join(str(folder / name) for name in FILES[syntax])}\n"
    assert contents(folder) == {name: text.encode() for name, text in render_module(document, syntax).items()}
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o644}


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_versions_are_hcl(syntax: str, document: Document) -> None:
    """Which Terraform and which providers are needed stands in HCL, where scanners read it."""
    text = render_module(document, syntax)["versions.tf"]
    assert 'required_version = ">= 1.9"' in text
    assert 'source  = "hashicorp/aws"' in text


def test_a_module_is_replaced(flow: Path, tmp_path: Path) -> None:
    """What was compiled before is replaced, with the mode that the files have, and what else is there is left alone."""
    folder = tmp_path / "out"
    assert command(flow, "--output", folder) == 0
    (folder / "main.tf.json").chmod(0o600)
    (folder / "backend.tf").write_text("terraform {}\n", encoding="utf-8")
    flow.write_text(FLOW.format(flow="Other"), encoding="utf-8")
    assert command(flow, "--output", folder) == 0
    found = contents(folder)
    assert found.pop("backend.tf") == b"terraform {}\n"
    assert set(found) == set(FILES["terraform"])
    assert all(b"flow Other, compiled" in text for text in found.values())
    assert (folder / "main.tf.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_check_of_what_is_equal(syntax: str, flow: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A folder that holds what the flow compiles to passes, without a word."""
    folder = tmp_path / "out"
    assert command(flow, "--emit", syntax, "--output", folder) == 0
    capfd.readouterr()
    assert command(flow, "--emit", syntax, "--output", folder, "--check") == 0
    assert capfd.readouterr() == ("", "")


def test_check_of_what_differs(flow: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What differs is shown as a diff, from what is there to what should be, and nothing is written."""
    folder = tmp_path / "out"
    assert command(flow, "--emit", "hcl", "--output", folder) == 0
    changed = folder / "variables.tf"
    changed.write_text(changed.read_text(encoding="utf-8").replace('"Report"', '"Mine"'), encoding="utf-8")
    (folder / "outputs.tf").unlink()
    before = contents(folder)
    capfd.readouterr()
    assert command(flow, "--emit", "hcl", "--output", folder, "--check") == 1
    printed = capfd.readouterr()
    assert f"--- {changed}\n+++ {changed} (compiled)\n" in printed.out
    assert '-  default     = "Mine"\n+  default     = "Report"\n' in printed.out
    assert f"--- /dev/null\n+++ {folder / 'outputs.tf'} (compiled)\n" in printed.out
    assert "main.tf" not in printed.out
    assert printed.err == f"{folder} differs from what the flow compiles to: compile it again without --check\n"
    assert contents(folder) == before


def test_check_of_a_folder_that_is_not_there(flow: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A folder that is not there differs in all files, and is not made."""
    assert command(flow, "--output", tmp_path / "out", "--check") == 1
    assert capfd.readouterr().out.count("--- /dev/null\n") == len(FILES["terraform"])
    assert not (tmp_path / "out").exists()


@pytest.mark.integration
@pytest.mark.parametrize("changed", [b"\xff\xfe", b"", b"a\r\nb"])
def test_check_of_any_bytes(changed: bytes, flow: Path, tmp_path: Path) -> None:
    """A file of whatever bytes differs, and the diff is text."""
    assert command(flow, "--output", tmp_path / "out") == 0
    (tmp_path / "out" / "versions.tf").write_bytes(changed)
    ended = codegen("flow.py", "--output", "out", "--check", cwd=tmp_path)
    assert ended.code == 1
    assert "+++ out/versions.tf (compiled)\n" in ended.output.decode()


@pytest.mark.integration
def test_the_other_syntax_is_named(flow: Path, tmp_path: Path) -> None:
    """Files of ours in the other syntax are named, in either way, and left: Terraform would read both."""
    assert command(flow, "--output", tmp_path / "out") == 0
    (tmp_path / "out" / "outputs.tf.json").write_text("{}\n", encoding="utf-8")
    ended = codegen("flow.py", "--emit", "hcl", "--output", "out", cwd=tmp_path)
    notes = "".join(
        f"out/{name} is left from a compile to the other syntax: remove it, because Terraform reads both\n"
        for name in ("main.tf.json", "variables.tf.json")
    )
    assert (ended.code, ended.output) == (0, b"")
    assert ended.errors.endswith(f"out/versions.tf\n{notes}")
    ended = codegen("flow.py", "--emit", "hcl", "--output", "out", "--check", cwd=tmp_path)
    assert (ended.code, ended.output.decode()) == (1, notes)
    assert set(contents(tmp_path / "out")) == {*FILES["terraform"], *FILES["hcl"]}


@pytest.mark.integration
def test_what_others_wrote_is_not_replaced(flow: Path, tmp_path: Path) -> None:
    """A file of one of our names that somebody else wrote is named, and nothing is written."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "versions.tf").write_text("terraform {}\n", encoding="utf-8")
    ended = codegen("flow.py", "--output", "out", cwd=tmp_path)
    assert (ended.code, ended.output) == (2, b"")
    assert ended.errors == (
        "laminar-codegen: not written by laminar-codegen: out/versions.tf: rename it, or choose another folder\n"
    )
    assert contents(tmp_path / "out") == {"versions.tf": b"terraform {}\n"}


@pytest.mark.integration
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--check"], "--check needs --output DIR"),
        (["--emit", "asl", "--output", "out"], "--output takes --emit terraform or hcl, not asl"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str, flow: Path, tmp_path: Path) -> None:
    """Options that do not go together are wrong usage."""
    ended = codegen("flow.py", *arguments, cwd=tmp_path)
    assert (ended.code, ended.output) == (2, b"")
    assert message in ended.errors
    assert not (tmp_path / "out").exists()


def _file_in_its_place(folder: Path) -> None:
    folder.write_text("mine", encoding="utf-8")


def _file_above(folder: Path) -> None:
    folder.parent.write_text("mine", encoding="utf-8")


def _folder_in_place_of_a_file(folder: Path) -> None:
    (folder / "outputs.tf.json").mkdir(parents=True)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (_file_in_its_place, "cannot use the folder a/out: Not a directory"),
        (_file_above, "cannot use the folder a/out: Not a directory (a)"),
        (_folder_in_place_of_a_file, "cannot use the folder a/out: Is a directory (a/out/outputs.tf.json)"),
    ],
)
def test_a_folder_that_is_none(prepare: Callable[[Path], None], message: str, flow: Path, tmp_path: Path) -> None:
    """The error for what cannot be written into is one line, and leaves it as it is."""
    if prepare is not _file_above:
        (tmp_path / "a").mkdir()
    prepare(tmp_path / "a" / "out")
    before = contents(tmp_path)
    ended = codegen("flow.py", "--output", "a/out", cwd=tmp_path)
    assert (ended.code, ended.output, ended.errors) == (2, b"", f"laminar-codegen: {message}\n")
    assert contents(tmp_path) == before


def _pipe_in_place_of_a_file(folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / "outputs.tf.json")


def _link_to_nothing(name: str) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(folder.parent / "elsewhere")

    return prepare


@pytest.mark.integration
@pytest.mark.parametrize(
    ("prepare", "written", "checked"),
    [
        (_pipe_in_place_of_a_file, "not written by laminar-codegen: a/out/outputs.tf.json", "is not a regular file"),
        (_link_to_nothing("main.tf.json"), "not written by laminar-codegen: a/out/main.tf.json", "a link to nothing"),
        (_link_to_nothing("laminar-unfinished.tf"), "a/out/laminar-unfinished.tf", "a link to nothing"),
        (_link_to_nothing("."), "a/out is a symbolic link to nothing", "a link to nothing"),
    ],
)
def test_links_to_nothing_and_pipes(
    prepare: Callable[[Path], None], written: str, checked: str, flow: Path, tmp_path: Path
) -> None:
    """Nothing is written through a link, nothing waits for a pipe: one line names it, and all is left as it is."""
    (tmp_path / "a").mkdir()
    prepare(tmp_path / "a" / "out")
    for options, message in (([], written), (["--check"], checked.replace("a link", "symbolic link"))):
        ended = codegen("flow.py", "--output", "a/out", *options, cwd=tmp_path)
        assert (ended.code, ended.output, ended.errors.count("\n")) == (2, b"", 1)
        assert message in ended.errors
    assert not (tmp_path / "a" / "elsewhere").exists()


@pytest.mark.integration
@pytest.mark.parametrize("prepare", [_file_in_its_place, _folder_in_place_of_a_file])
def test_check_of_what_cannot_be_read(prepare: Callable[[Path], None], flow: Path, tmp_path: Path) -> None:
    """A folder that cannot be read is another exit code than one that differs, and no diff."""
    (tmp_path / "a").mkdir()
    prepare(tmp_path / "a" / "out")
    ended = codegen("flow.py", "--output", "a/out", "--check", cwd=tmp_path)
    assert (ended.code, ended.output) == (2, b"")
    assert ended.errors.startswith("laminar-codegen: cannot use the folder a/out: ")
    assert ended.errors.count("\n") == 1


@pytest.mark.integration
@pytest.mark.skipif(not Path("/proc/sys/kernel").is_dir(), reason="there is no folder that nobody can write to")
@pytest.mark.parametrize("folder", ["/proc/sys/kernel", "/proc/sys/kernel/laminar"])
def test_a_folder_that_cannot_be_written_to(folder: str, flow: Path, tmp_path: Path) -> None:
    """The error for a folder in which nobody, not even root, can make a file is one line."""
    ended = codegen("flow.py", "--output", folder, cwd=tmp_path)
    assert (ended.code, ended.output) == (2, b"")
    assert ended.errors.startswith(f"laminar-codegen: cannot use the folder {folder}: ")
    assert ended.errors.count("\n") == 1


def limited(size: int, *arguments: str, cwd: Path) -> Ended:
    """Run the command where no file can be larger than some bytes, as on a disk that is full."""
    done = subprocess.run(
        [sys.executable, "-B", "-m", "laminar_codegen", *arguments],
        cwd=cwd,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        capture_output=True,
        check=False,
        timeout=120,
    )
    return Ended(done.returncode, done.stdout, done.stderr.decode())


@pytest.mark.integration
def test_a_full_disk(flow: Path, tmp_path: Path) -> None:
    """Where the space ends between two files none of them is replaced, and nothing is left behind."""
    ended = limited(4096, "flow.py", "--output", "new/out", cwd=tmp_path)
    assert (ended.code, ended.output) == (2, b"")
    assert ended.errors == "laminar-codegen: cannot use the folder new/out: File too large\n"
    assert not (tmp_path / "new").exists()
    assert command(flow, "--output", tmp_path / "out") == 0
    before = contents(tmp_path / "out")
    smallest = min(map(len, before.values()))
    assert smallest < 4096 < max(map(len, before.values()))
    flow.write_text(FLOW.format(flow="Other"), encoding="utf-8")
    assert limited(4096, "flow.py", "--output", "out", cwd=tmp_path).code == 2
    assert contents(tmp_path / "out") == before


class Disk:
    """Renames files until it fails, or the process ends.

    Args:
        good: How many renames succeed.
        bad: How many of those that follow fail.
        dies: Whether the process ends in place of failing.
    """

    def __init__(self, good: int, bad: int = 1, *, dies: bool = False) -> None:
        self.good, self.bad, self.dies, self.count = good, bad, dies, 0

    def rename(self, source: Path, target: Path) -> None:
        self.count += 1
        if self.good < self.count <= self.good + self.bad:
            if self.dies:
                os._exit(9)
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(target))
        source.replace(target)


OLD = {"main.tf": f"# {MARK}: old\n", "outputs.tf": f"# {MARK}: old\n"}
NEW = {"main.tf": f"# {MARK}: new\n", "variables.tf": f"# {MARK}: new\n", "outputs.tf": f"# {MARK}: newer\n"}


def encoded(files: Mapping[str, str]) -> dict[str, bytes]:
    return {name: text.encode() for name, text in files.items()}


@pytest.mark.parametrize("step", range(len(NEW) + 1))
@pytest.mark.parametrize("there", [False, True])
def test_a_rename_that_fails(step: int, there: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    """Whichever rename fails, all files are the old ones, or there is no folder; if none does all are the new ones."""
    folder = tmp_path / "a" / "out"
    if there:
        write_module(folder, OLD)
        (folder / "backend.tf").write_text("terraform {}\n", encoding="utf-8")
    before = contents(tmp_path)
    disk = Disk(step)
    renames = len(NEW) if there else 1
    if step >= renames:
        write_module(folder, NEW, disk.rename)
        kept = {"backend.tf": b"terraform {}\n"} if there else {}
        assert (contents(folder), disk.count) == (encoded(NEW) | kept, renames)
    else:
        with pytest.raises(NotWrittenError, match="Input/output error"):
            write_module(folder, NEW, disk.rename)
        assert contents(tmp_path) == before
        assert folder.parent.exists() is there


def test_what_cannot_be_put_back_is_reported(tmp_path: Path) -> None:
    """If the old files cannot be put back either, what makes Terraform refuse the folder stays."""
    write_module(tmp_path, OLD)
    with pytest.raises(NotWrittenError):
        write_module(tmp_path, NEW, Disk(1, bad=9).rename)
    assert b"required_version" in contents(tmp_path)["laminar-unfinished.tf"]
    write_module(tmp_path, NEW)
    assert contents(tmp_path) == encoded(NEW)


@pytest.mark.integration
@pytest.mark.parametrize("step", range(len(NEW)))
def test_a_process_that_is_killed(step: int, tmp_path: Path) -> None:
    """A run that is killed between two renames leaves what Terraform refuses; the next one leaves nothing of it."""
    write_module(tmp_path, OLD)
    killed = get_context("spawn").Process(target=write_module, args=(tmp_path, NEW, Disk(step, dies=True).rename))
    killed.start()
    killed.join(60)
    assert killed.exitcode == 9
    assert b"required_version" in contents(tmp_path)["laminar-unfinished.tf"]
    assert "--- " + str(tmp_path / "laminar-unfinished.tf") in compare_module(tmp_path, NEW)
    write_module(tmp_path, NEW)
    assert contents(tmp_path) == encoded(NEW)
    assert compare_module(tmp_path, NEW) == ""


def test_two_runs_at_once(tmp_path: Path) -> None:
    """A run waits for another one that writes into the same folder: the files are all of one of them."""
    write_module(tmp_path, OLD)
    started, go_on = threading.Event(), threading.Event()

    def slow(source: Path, target: Path) -> None:
        started.set()
        assert go_on.wait(60)
        source.replace(target)

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(write_module, tmp_path, OLD, slow)
        assert started.wait(60)
        second = threads.submit(write_module, tmp_path, NEW)
        with pytest.raises(TimeoutError):
            second.result(0.2)
        go_on.set()
        first.result(60)
        second.result(60)
    assert contents(tmp_path) == encoded(NEW)


@pytest.mark.integration
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("arguments", [[], ["--emit", "plan"], ["--output", "none", "--check"]])
def test_standard_output_on_a_full_disk(arguments: list[str], flow: Path, tmp_path: Path) -> None:
    """The error for a document that cannot be written is one line, and the shell that redirects it sees the failure."""
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-B", "-m", "laminar_codegen", "flow.py", *arguments]
        done = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False, timeout=120)
    assert done.returncode == 2
    assert done.stderr.decode() == "laminar-codegen: cannot write the output: No space left on device\n"


class Interrupted(str):
    """A text at which the user stops the command."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        raise KeyboardInterrupt


@pytest.mark.parametrize("there", [False, True])
def test_an_interrupt_leaves_nothing(there: bool, document: Document, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    """A command that is stopped while it writes leaves all as it was, the folder too that it made."""
    folder = tmp_path / "out"
    files = render_module(document, "hcl")
    if there:
        write_module(folder, files)
    before = contents(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        write_module(folder, {"main.tf": "other", "outputs.tf": Interrupted("text")})
    assert contents(tmp_path) == before
    assert folder.exists() is there


@pytest.mark.integration
def test_the_hook_for_pre_commit(flow: Path, tmp_path: Path) -> None:
    """What the repository offers to pre-commit fails with a diff until the module is written."""
    hook, _ = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    name, *options = hook["entry"].split()
    assert (name, hook["language"], hook["pass_filenames"]) == ("laminar-codegen", "python", False)
    arguments = ("flow.py", "--emit", "hcl", "--output", "out")
    stale = codegen(*options, *arguments, cwd=tmp_path)
    assert (stale.code, b"+++ out/main.tf (compiled)\n" in stale.output) == (1, True)
    assert codegen(*arguments, cwd=tmp_path).code == 0
    assert codegen(*options, *arguments, cwd=tmp_path) == Ended(0, b"", "")


@pytest.mark.integration
def test_the_hook_for_several_flows(flow: Path, tmp_path: Path) -> None:
    """It takes no arguments: the table in pyproject.toml has them."""
    _, hook = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    name, *options = hook["entry"].split()
    assert (name, hook["id"]) == ("laminar-codegen", "laminar-codegen-compile-all")
    (tmp_path / "pyproject.toml").write_text(f'[tool.laminar.flows]\n"{flow.name}" = "out"\n', encoding="utf-8")
    assert codegen(*options, cwd=tmp_path).code == 1
    assert codegen("compile-all", cwd=tmp_path).code == 0
    assert codegen(*options, cwd=tmp_path) == Ended(0, b"", "")

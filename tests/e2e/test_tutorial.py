"""The page from an empty folder to a deployed flow, done as it says: on an embedded AWS, by real Terraform."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.terraform_harness import terraform_executable

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial" / "deployed-flow.md"
#: What is not run, and why.
NOT_RUN = {
    "pip": "this environment has what it installs",
    "docker": "the folder stands in for the image",
    "aws": "it logs in to the registry, for docker",
}
#: Between the output of two commands: the exit code of the one before.
MARK = "-- ended with"
#: What precedes the commands. A command that fails shows what it printed to standard error, too.
SHELL = """
set -u
errors=$(mktemp)
trap 'rm -f $errors' EXIT
end() { [ "$1" = 0 ] || cat $errors; printf '%s %s\\n' '-- ended with' "$1"; }
pip() { cat > /dev/null; }; docker() { cat > /dev/null; }; aws() { :; }
laminar() { python -m laminar_runtime.command.main "$@"; }
laminar-codegen() { python -m laminar_codegen "$@"; }
pytest() { python -m pytest -p no:cacheprovider "$@"; }
"""
CHECKS = """
for root in platform flow; do
    { terraform -chdir=terraform/$root validate && terraform fmt -check -diff terraform/$root; } 2> $errors
    end $?
done
"""
_BLOCK = re.compile(r"^```(console|python)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


def write_script(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the shell script of a part of the page, and its commands with what the page shows of each."""
    lines, commands = [SHELL], []
    for language, block in _BLOCK.findall(text):
        if language == "python":
            lines.append(_replace_layer(block))
            continue
        for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = entry.partition("\n")
            if command.startswith("cat "):
                network = 's/"vpc-[^"]*"/"$TF_VAR_vpc_id"/; s/\\["subnet-[^]]*\\]/$TF_VAR_subnet_ids/'
                lines.append(f'printf %s {shlex.quote(shown)} | sed "{_quoted(network)}" > {command.split()[1]}')
                continue
            lines.append(f"{{ {command}\n}} < /dev/null 2> $errors\nend $?")
            commands.append((command, shown))
    return "\n".join(lines) + "\n", commands


def _quoted(text: str) -> str:
    """Return text for double quotes of a shell, in which variables count."""
    return text.replace('"', '\\"')


def _replace_layer(block: str) -> str:
    """Return the command that puts a layer into the file that the first line of the block names."""
    named = re.match(r"# (\w+\.py): (\w+)\n", block)
    assert named, block
    program = (
        "import pathlib, re, sys\n"
        "file, name, text = sys.argv[1:]\n"
        "file = pathlib.Path(file)\n"
        r"pattern = rf'@\w+\.register[^\n]*\nclass {name}\(.*?(?=\n\n\n)'"
        "\n"
        "changed, count = re.subn(pattern, lambda _: text, file.read_text(), flags=re.DOTALL)\n"
        "assert count == 1, file\n"
        "file.write_text(changed)"
    )
    return shlex.join(["python", "-c", program, named[1], named[2], block[named.end() :].rstrip()])


def wrong(commands: list[tuple[str, str]], printed: str) -> list[str]:
    """Return the commands that print something else than the page shows, or fail where it shows no failure."""
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    outputs = re.split(rf"^{MARK} (\d+)$\n?", printed, flags=re.MULTILINE)
    found = []
    for (command, shown), output, code in zip(commands, outputs[:-1:2], outputs[1::2], strict=True):
        fails = "failed" in shown and "passed" not in shown
        # An empty line of the page's `...` may stand for nothing.
        alike = not shown or doctest.OutputChecker().check_output(shown, output + "\n", options)
        if not alike or (code == "0") is fails:
            found.append(f"$ {command}\n(exit code {code})\n{output}\nand the page shows:\n{shown}")
    return found


def run(script: str, folder: Path, command: list[str]) -> str:
    """Run a script in a folder, and return all that it prints."""
    path = os.pathsep.join([str(Path(sys.executable).parent), str(Path(terraform_executable()).parent), os.defpath])
    environment = {
        **os.environ,
        "PATH": path,
        "PYTHONPATH": str(ROOT),
        "TF_CLI_ARGS": "-no-color",
        **{f"TF_CLI_ARGS_{name}": "-no-color -auto-approve -input=false" for name in ("apply", "destroy")},
    }
    words = [*command, "bash", "-c", script]
    ran = subprocess.run(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return ran.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Do the part of the page that needs no account."""
    folder = tmp_path_factory.mktemp("tutorial")
    script, commands = write_script(PAGE.read_text("utf-8").partition("\n## Deploy the platform\n")[0])
    assert wrong(commands, run(script, folder, [])) == []
    return folder / "guest-book"


def test_from_an_empty_folder_to_a_deployed_flow_and_back(project: Path) -> None:
    """Each command prints what the page shows: deployed, failed, read, changed, resumed, removed."""
    text = PAGE.read_text("utf-8").partition("\n## Deploy the platform\n")[2]
    deployed, _, removed = text.partition("\n## Remove it\n")
    first, commands = write_script(deployed)
    last, others = write_script(removed)
    commands += [("validate and fmt of terraform/platform", ""), ("validate and fmt of terraform/flow", ""), *others]
    account = [sys.executable, "-m", "tools.embedded_account", str(project)]
    assert wrong(commands, run(first + CHECKS + last, ROOT, account)) == []


def test_a_page_that_shows_something_else() -> None:
    """What a command does not print, and a failure that the page does not show, are found."""
    script, commands = write_script("```console\n$ echo one\ntwo\n$ false\n$ echo three\nthree\n```\n")
    found = wrong(commands, run(script, ROOT, []))
    assert [problem.splitlines()[0] for problem in found] == ["$ echo one", "$ false"]


def test_what_is_not_run_is_on_the_page() -> None:
    """No exemption is left over."""
    text = PAGE.read_text("utf-8")
    assert [name for name in NOT_RUN if f"$ {name} " not in text] == []

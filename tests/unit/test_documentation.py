"""The documentation is whole: its links lead somewhere, its blocks are of a known kind, README is short."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from laminar_codegen.command.exits import Exit

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "terraform_modules").rglob("README.md"),
        *(ROOT / "benchmarks").rglob("*.md"),
    ]
)
#: The pages whose blocks `tests/pages.py` runs.
RUN = {"README.md", "CONTRIBUTING.md"} | {
    str(page.relative_to(ROOT)) for page in PAGES if page.is_relative_to(ROOT / "docs")
}
#: The languages of code blocks that `tests/pages.py` runs or parses.
TRIED = {"console", "hcl", "json", "python", "yaml"}
#: Those that nothing here reads, and directives of the documentation's site.
OTHERS = {"{eval-rst}", "{include}", "{literalinclude}", "{toctree}", "dot", "mermaid", "rego", "text", ""}
#: The modules whose public names have an entry in the reference.
PUBLIC = [
    "laminar_runtime",
    "laminar_runtime.configurations.datastores",
    "laminar_runtime.configurations.executors",
    "laminar_runtime.configurations.flows",
    "laminar_runtime.configurations.hooks",
    "laminar_runtime.configurations.layers",
    "laminar_runtime.configurations.schedulers",
    "laminar_runtime.configurations.serde",
    "laminar_runtime.configurations.triggers",
    "laminar_runtime.exceptions",
    "laminar_codegen",
]
#: Public names that are no class or function with a docstring of its own: submodules, and the version.
WITHOUT_ENTRY = {"EXECUTION_ID", "SCHEDULED_TIME", "__version__", "annotation", "condition", "event"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_has_the_marks_of_a_merge(page: Path) -> None:
    marks = [
        line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith(("<<<<<<< ", ">>>>>>> "))
    ]
    assert marks == []


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link names a file or a folder of the repository, and a section of a page if it says one."""
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)):
        if re.match(r"https?:|mailto:", link):
            continue
        path, _, section = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        if section:
            titles = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), flags=re.MULTILINE)
            assert section in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, link


def unknown_names(text: str) -> list[str]:
    """Return what a text in Markdown names as ours and is not there: files by their path, and modules."""
    files = re.findall(r"`((?:laminar_runtime|laminar_codegen|tests|tools)/[\w/.-]+)`", text)
    modules = re.findall(r"`((?:laminar_runtime|laminar_codegen)(?:\.[a-z_]+)+)`", text)
    paths = {name: ROOT.joinpath(*name.split(".")) for name in modules}
    missing = [name for name, path in paths.items() if not (path.is_dir() or path.with_suffix(".py").is_file())]
    # A function or a class stands in the module before its name.
    of_modules = [
        name
        for name in missing
        if not hasattr(importlib.import_module(name.rpartition(".")[0]), name.rpartition(".")[2])
    ]
    return [*(name for name in files if not (ROOT / name).exists()), *of_modules]


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=name_of)
def test_files_and_modules_are_there(page: Path) -> None:
    """A page names no file and no module that was moved."""
    assert unknown_names(page.read_text("utf-8")) == []


def test_what_was_moved_is_found() -> None:
    text = "`laminar_runtime/gone.py`, `laminar_runtime.flow`, `laminar_runtime.flow.gone`, `tests/tiers.py`"
    assert unknown_names(text) == ["laminar_runtime/gone.py", "laminar_runtime.flow.gone"]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_code_blocks_are_of_a_known_language(page: Path) -> None:
    """A block of a misspelt language would be neither run nor coloured."""
    fences = re.findall(r"^```(.*)$", page.read_text("utf-8"), flags=re.MULTILINE)
    assert len(fences) % 2 == 0, "a code block has no end"
    assert {fence.partition(" ")[0] for fence in fences[::2]} <= TRIED | OTHERS


#: The blocks that `tests/pages.py` skips: what runs them, or why nothing does, stands before them on the page.
SKIPPED = {
    "docs/adr/0017-an-import-starts-nothing.md": "A fragment",
    "docs/how-to/use-a-deployed-flow.md": "tests/integration/rehearsal/test_readme.py",
}


def test_skipped_blocks_are_known() -> None:
    """No block is left out without a reason on the page, and an entry here."""
    comments = {
        name_of(page): re.findall(r"^% (.*)\n% skip: next$", page.read_text("utf-8"), re.MULTILINE) for page in PAGES
    }
    skips = {name_of(page): len(re.findall(r"skip: ", page.read_text("utf-8"))) for page in PAGES}
    assert {name for name, count in skips.items() if count and name in RUN} == set(SKIPPED)
    assert all(len(comments[name]) == skips[name] for name in SKIPPED)
    assert all(any(reason in comment for comment in comments[name]) for name, reason in SKIPPED.items())


def of_deployed_flows(text: str) -> list[str]:
    """Return the blocks of a page with Python that needs a deployed flow: they import something of ours."""
    blocks = re.findall(r"^```text\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [block for block in blocks if re.search(r"^from laminar_", block, flags=re.MULTILINE)]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_python_of_deployed_flows_is_valid(page: Path) -> None:
    """What cannot run without a deployment can be compiled, and imports what there is."""
    for block in of_deployed_flows(page.read_text("utf-8")):
        compile(block, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        exec("\n".join(re.findall(r"^from laminar_.*$", block, flags=re.MULTILINE)), {})  # noqa: S102


def test_readme_is_short() -> None:
    """A newcomer reads README in five minutes: what is more has a page in the documentation."""
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= 110


def test_readme_has_the_two_commands() -> None:
    """README's table of commands has the two that do all the set-up, and the Makefile has them."""
    commands = re.findall(r"^\| `make (\w+)` \|", (ROOT / "README.md").read_text("utf-8"), flags=re.MULTILINE)
    assert commands == ["demo", "test"]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert all(re.search(rf"^{command}:", makefile, flags=re.MULTILINE) for command in commands)


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names_are_in_the_reference(module: str) -> None:
    """Each public name of both packages has an entry in the reference, written out or with its module's members."""
    pages = "\n".join(page.read_text("utf-8") for page in (ROOT / "docs" / "reference" / "api").glob("*.md"))
    entries = set(re.findall(r"\.\. auto(?:class|function|exception|data):: ([\w.]+)", pages))
    members = re.findall(r"\.\. automodule:: ([\w.]+)\n   :members:([\w, ]*)\n", pages)
    documented = {entry.rpartition(".")[2] for entry in entries}
    for whole, listed in members:
        if whole == module:
            documented |= set(re.findall(r"\w+", listed)) or set(importlib.import_module(module).__all__)
    assert set(getattr(importlib.import_module(module), "__all__", [])) - WITHOUT_ENTRY - documented == set()


def test_exit_codes_are_those_of_the_command() -> None:
    """The page on the command gives each exit code the meaning that help texts have."""
    page = (ROOT / "docs" / "reference" / "command.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| (\d+) \| ([^|]+) \|", page, flags=re.MULTILINE))
    assert {int(code) for code in rows} == set(Exit)
    assert all(rows[str(code.value)].startswith(code.meaning) for code in Exit)

"""Compare the output of the compiler of a commit and of the compiler of the working tree for the same programs.

A change that only moves or renames code must not change one byte of what is deployed::

    python -m tools.compare_documents                       # with the commit before "The house"
    python -m tools.compare_documents --commit HEAD~3
    python -m tools.compare_documents --only 'golden/*' --messages

The programs are those of the commit: the flows of ``tests/golden``, valid and invalid ones, ``examples``, and flows
that `tools.generated_programs` writes. Both compilers run as ``python -m laminar_codegen`` in processes of their own,
by the interpreter that runs this file, so that modules inside the packages may move.

Three kinds of results are compared:

- *documents*: ``--emit asl``, ``terraform`` and ``hcl``, also with ``--module`` and ``--joins exact``. Each byte
  counts.
- *refusals*: of a program that does not compile, the exit code, standard output and the codes of the rules (LAM...).
- *messages*: the texts for people, which are ``--emit graph`` and ``plan`` and the wording of errors. They may change
  on purpose: they are counted, and shown with ``--messages``, but they are not failures.

Exit codes: 0 no document and no refusal differs, 1 some do (the difference is on standard output), 2 the comparison
cannot be made, for example because a valid program of the commit does not compile with the commit's own compiler.
"""

from __future__ import annotations

import argparse
import difflib
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

import attrs

__all__ = ["Case", "Compiled", "Difference", "compare", "main"]

ROOT = Path(__file__).resolve().parents[1]
#: The last commit before the issue "The house", which moved nearly all modules.
BEFORE_THE_HOUSE = "b7f01a7"

_MODULE = ("--module", "../modules/flow")
#: The ways to compile a program, each with its readers: people or Terraform.
_DOCUMENTS = (
    ("--emit", "asl"),
    ("--emit", "terraform"),
    ("--emit", "hcl"),
    ("--emit", "terraform", *_MODULE),
    ("--emit", "hcl", *_MODULE),
    ("--emit", "terraform", "--joins", "exact"),
)
_TEXTS = (("--emit", "graph"), ("--emit", "plan"))
#: Random flows are many, and a document holds the state machines: two ways are enough.
_FEW = (("--emit", "terraform"), ("--emit", "hcl", "--joins", "exact"))
_RULE = re.compile(r"\bLAM\d{3}\b")


class NoComparisonError(Exception):
    """The comparison cannot be made."""


@attrs.frozen
class Case:
    """A program, and how it is compiled.

    Args:
        program: The folder of the program, relative to the folder of all programs, such as ``golden/chain``.
        flow: The flow as the command takes it.
        options: The options of the command.
        expected: Whether the program compiles: ``valid``, ``invalid``, or ``unknown`` for random programs.
    """

    program: str
    flow: str
    options: tuple[str, ...]
    expected: Literal["valid", "invalid", "unknown"]

    def __str__(self) -> str:
        return " ".join(("laminar-codegen", f"{self.program}/{self.flow}", *self.options))


@attrs.frozen
class Compiled:
    """The end of a command.

    Args:
        code: Its exit code.
        output: The bytes on standard output.
        errors: The text on standard error.
    """

    code: int
    output: bytes
    errors: str


@attrs.frozen
class Difference:
    """A difference between the outputs of two compilers.

    Args:
        kind: ``document`` and ``refusal`` are failures, ``message`` is not.
        case: The program, and how it was compiled.
        text: A unified diff.
    """

    kind: Literal["document", "refusal", "message"]
    case: Case
    text: str


def compare(case: Case, before: Compiled, after: Compiled) -> Iterator[Difference]:
    """Compare the results of two compilers for one case.

    Args:
        case: The program, and how it was compiled.
        before: The result of the compiler of the commit.
        after: The result of the compiler of the working tree.

    Yields:
        The differences: none if both are the same.
    """
    text = case.options[:2] in _TEXTS
    outcomes = [_outcome(compiled) for compiled in (before, after)]
    if outcomes[0] != outcomes[1]:
        yield Difference("refusal", case, _diff(*outcomes))
    if before.output != after.output:
        shown = [compiled.output.decode(errors="backslashreplace") for compiled in (before, after)]
        yield Difference("message" if text else "document", case, _diff(*shown))
    if before.errors != after.errors:
        yield Difference("message", case, _diff(before.errors, after.errors))


def _outcome(compiled: Compiled) -> str:
    """Return the exit code and, of a refused program, the rules that it breaks."""
    rules = sorted(_RULE.findall(compiled.errors)) if compiled.code else []
    return "\n".join([f"exit code {compiled.code}", *rules, ""])


def _diff(before: str, after: str) -> str:
    one, other = before.splitlines(keepends=True), after.splitlines(keepends=True)
    found = difflib.unified_diff(one, other, "commit", "working tree")
    # A last line without a line break is shown as one, too.
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the compilers, and print the differences.

    Args:
        arguments: The arguments of the command; by default those of the process.

    Returns:
        The exit code, as the module's documentation has it.
    """
    options = _options(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="laminar-compare-") as name:
            return _run(options, Path(name))
    except NoComparisonError as error:
        print(f"compare_documents: {error}", file=sys.stderr)
        return 2


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.compare_documents",
        description="Compares what the compilers of a commit and of the working tree make of the same programs.",
    )
    parser.add_argument(
        "--commit", default=BEFORE_THE_HOUSE, help=f"the commit to compare with (default: {BEFORE_THE_HOUSE})"
    )
    parser.add_argument("--only", action="append", metavar="GLOB", help="only these programs, such as 'golden/c*'")
    parser.add_argument("--random", type=int, default=12, metavar="N", help="how many random flows (default: 12)")
    parser.add_argument("--messages", action="store_true", help="show what people read, too, where it differs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="compile N at once")
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace, folder: Path) -> int:
    started = time.monotonic()
    commit, programs = folder / "commit", folder / "programs"
    _check_out(options.commit, commit)
    _collect(commit, programs, options.random)
    cases = [case for case in _cases(programs) if _is_chosen(case, options.only)]
    if not cases:
        raise NoComparisonError(f"no program is named like {options.only}")
    for tree in (commit, ROOT):
        _check_import(tree, programs)
    with ThreadPoolExecutor(options.jobs) as pool:
        pairs = list(pool.map(lambda case: [_compile(tree, programs, case) for tree in (commit, ROOT)], cases))
    for case, (before, _) in zip(cases, pairs, strict=True):
        _check_own_result(case, before)
    found = [item for case, pair in zip(cases, pairs, strict=True) for item in compare(case, *pair)]
    failures = [item for item in found if item.kind != "message"]
    for item in found if options.messages else failures:
        print(f"{item.kind} of {item.case}\n{item.text}")
    refused = sum(before.code != 0 for before, _ in pairs)
    print(
        f"{len({case.program for case in cases})} programs compiled in {len(cases)} ways, {refused} of them refused, "
        f"in {time.monotonic() - started:.0f} s: {len(failures)} differences of documents and refusals, "
        f"{len(found) - len(failures)} of messages{'' if options.messages else ' (--messages shows them)'}"
    )
    return 1 if failures else 0


def _is_chosen(case: Case, only: Sequence[str] | None) -> bool:
    return only is None or any(fnmatch(case.program, pattern) for pattern in only)


def _check_out(commit: str, folder: Path) -> None:
    """Write the files of a commit into a folder."""
    done = subprocess.run(["git", "archive", "--format=tar", commit], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise NoComparisonError(f"git has no files of {commit}: {done.stderr.decode().strip()}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")


def _collect(commit: Path, folder: Path, count: int) -> None:
    """Put the programs of a commit, and generated ones, into a folder: both compilers see the same paths."""
    for name, source in (("golden", commit / "tests" / "golden"), ("examples", commit / "examples")):
        # The folders of the commit itself, because a program may read its neighbours.
        source.rename(_parent(folder / name))
    script = ROOT / "tools" / "generated_programs.py"
    command = [sys.executable, str(script), str(folder / "generated"), "--random", str(count)]
    done = subprocess.run(command, cwd=commit, env=_environment(commit), capture_output=True, check=False)
    if done.returncode:
        raise NoComparisonError(f"{script.name} fails with the commit's packages:\n{done.stderr.decode()}")


def _parent(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _cases(programs: Path) -> Iterator[Case]:
    for folder in sorted(path.parent for path in (programs / "golden" / "invalid").glob("*/problems.txt")):
        target = folder / "target.txt"
        flow = target.read_text(encoding="utf-8").strip() if target.exists() else "flow.py"
        yield Case(str(folder.relative_to(programs)), flow, ("--emit", "terraform"), "invalid")
    valid = [*(programs / "golden").glob("*/flow.py"), *(programs / "examples").glob("*/flow.py")]
    for file in [*sorted(valid), *sorted((programs / "generated" / "large").glob("*/flow.py"))]:
        program = str(file.parent.relative_to(programs))
        yield from (Case(program, file.name, options, "valid") for options in (*_DOCUMENTS, *_TEXTS))
    for file in sorted((programs / "generated" / "random").glob("*/flow.py")):
        program = str(file.parent.relative_to(programs))
        yield from (Case(program, file.name, options, "unknown") for options in _FEW)


def _environment(tree: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMINAR_"))}
    return {**kept, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1" if tree == ROOT else ""}


def _check_import(tree: Path, programs: Path) -> None:
    """Check that a process finds the packages of a tree, not the installed ones.

    Raises:
        NoComparisonError: If it does not. Without this, a compiler might be compared with itself.
    """
    command = [sys.executable, "-c", "import laminar_codegen, laminar_runtime as r; print(laminar_codegen.__file__)"]
    done = subprocess.run(command, cwd=programs, env=_environment(tree), capture_output=True, check=False, text=True)
    if not Path(done.stdout.strip()).is_relative_to(tree):
        raise NoComparisonError(f"Python takes laminar_codegen from {done.stdout or done.stderr}, not from {tree}")


def _compile(tree: Path, programs: Path, case: Case) -> Compiled:
    command = [sys.executable, "-m", "laminar_codegen", *case.options, case.flow]
    done = subprocess.run(
        command, cwd=programs / case.program, env=_environment(tree), capture_output=True, check=False
    )
    return Compiled(done.returncode, done.stdout, done.stderr.decode())


def _check_own_result(case: Case, before: Compiled) -> None:
    """Check that the commit's own compiler accepts its valid programs and refuses its invalid ones.

    Raises:
        NoComparisonError: If it does not: two failures for the same wrong reason would be equal.
    """
    valid = before.code == 0
    if case.expected != "unknown" and valid != (case.expected == "valid"):
        raise NoComparisonError(
            f"{case} ends with {before.code} at the commit, but the program is {case.expected}:\n{before.errors}"
        )


if __name__ == "__main__":
    sys.exit(main())

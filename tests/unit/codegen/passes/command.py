"""The cases of `laminar_codegen.command` and `laminar_codegen.api`. The input is a flow file."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from laminar_codegen import api
from laminar_codegen.command import exits, folder, main
from laminar_codegen.frontend.loader import Source
from laminar_codegen.ir.terraform import MARK, Document
from laminar_runtime import Flow
from tests.support.cases import cases_of
from tests.support.flow_snippets import folder_of, of_snippet, without_folder
from tests.support.shown import as_yaml, evaluator, options_in

_USAGE = re.compile(r"^usage: .*\n(?: .*\n)*", re.MULTILINE)

cases_of("command.exits")(evaluator(exits))


@contextlib.contextmanager
def _captured() -> Iterator[tuple[io.TextIOWrapper, io.StringIO]]:
    """Have what a command prints, as bytes or as text."""
    output, errors = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        yield output, errors


def run(text: str) -> str:
    """Run commands in the folder of a snippet.

    Args:
        text: The snippet, with ``run``: the words of each command. Its flow is called at the end of the file unless it
            makes one. Sizes of definitions change with each word in them: only with ``sizes`` they are printed.

    Returns:
        Each exit code, and what the command printed: lines of standard error begin with a mark. Left out is the usage,
        which each version of Python wraps in its own way.
    """
    options, text = options_in(text, "run", "sizes")
    ending = "\n\nif flow := F():\n    flow()\n" if "F.register" in text and "F(" not in text else ""
    shown = []
    with folder_of(text, ending=ending) as path:
        for words in options["run"]:
            with _captured() as (output, errors):
                code = _ended(shlex.split(words))
            output.seek(0)
            noted = "".join(f"! {line}\n" for line in _USAGE.sub("", errors.getvalue()).splitlines())
            shown.append(without_folder(f"exit {int(code)}\n{output.read()}{noted}", path))
    found = "".join(shown)
    return found if options.get("sizes") else re.sub(r"[0-9,]+( of [0-9,]+ bytes) \([0-9.]+ %\)", r"...\1", found)


def _ended(words: list[str]) -> int:
    try:
        return main.main(words)
    except SystemExit as error:
        return int(error.code or 0)


cases_of("command.check")(run)
cases_of("command.compile_command")(run)
cases_of("command.graph")(run)
cases_of("command.main")(run)


@cases_of("command.folder")
def compiled_into_folder(text: str) -> str:
    """Lines such as ``write hcl 1``: documents with that local value, written or compared -> what is printed."""
    shown = []
    with folder_of("", prelude=""):
        for line in text.splitlines():
            command, syntax, value = line.split()
            document = Document(
                comment=MARK, providers={}, variables=(), locals={"a": value}, data=(), resources=(), outputs=()
            )
            with _captured() as (output, errors):
                answer = getattr(folder, command)(document, syntax, Path("out"))
            output.seek(0)
            noted = "".join(f"! {line}\n" for line in errors.getvalue().splitlines())
            shown.append(f"{command} -> {answer}\n{output.read()}{noted}")
    return "".join(shown)


@cases_of("command.measure")
def measured(text: str) -> str:
    """A flow file that has run ``runs`` times -> what is measured of it, without the seconds."""
    options, text = options_in(text, "runs", "words")
    with folder_of(text) as path:
        for _ in range(options.get("runs", 0)):
            _run_flow(path)
        with _captured() as (output, errors):
            code = _ended(["measure", *shlex.split(options.get("words", "")), "flow.py"])
        output.seek(0)
        seconds = re.sub(r'"(seconds|p10|p90)": [0-9.]+', r'"\1": some', output.read())
        return without_folder(f"exit {int(code)}\n{seconds}{_USAGE.sub('', errors.getvalue())}", path)


def _run_flow(folder: Path) -> None:
    """Run the flow of a folder in this process."""
    sys.path.insert(0, str(folder))
    sys.modules.pop("flow", None)
    flow = importlib.import_module("flow").flow
    assert isinstance(flow, Flow)
    flow()
    sys.path.remove(str(folder))
    del sys.modules["flow"]


@cases_of("api")
@of_snippet
def plain(source: Source) -> str:
    """A flow -> it, compiled, as plain values: the plan, and what the document has."""
    found = api.compile_plain(source.flow)
    return as_yaml({**found, "document": sorted(found["document"])})

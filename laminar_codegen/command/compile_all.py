"""The command ``laminar-codegen compile-all``: compiles all flows that ``pyproject.toml`` lists, each into its folder.

Each flow is compiled in a process of its own, as two files may import different modules of one name. The processes are
forked from one that has loaded the compiler, and run beside each other.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import io
import multiprocessing
import os
import sys
import tomllib
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from laminar_codegen.command.exits import Exit, explain
from laminar_codegen.problems import NotWrittenError

__all__ = ["DESCRIPTION", "EXITS", "add_arguments", "read_table", "run"]

DESCRIPTION = """\
Compiles all flows that the table [tool.laminar.flows] of pyproject.toml lists, each into its folder:

  [tool.laminar.flows]
  "flows/report.py" = "terraform/report"
  "flows/train.py:Train" = { output = "terraform/train", emit = "hcl", profile = "flows/train.json" }

  laminar-codegen compile-all
  laminar-codegen compile-all --check

Paths are relative to the file. The options of a flow are those of 'laminar-codegen compile' without their hyphens.
"""

#: The exit codes, for the help.
EXITS = explain("--check found other files")

#: A folder and the words of a command in it; its exit code, and what it printed.
_Call = tuple[Path, list[str]]
_Result = tuple[int, str, str]

#: The options of ``laminar-codegen compile`` that a flow may have in the table.
_OPTIONS = ("output", "emit", "module", "module-version", "profile", "joins")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Args:
        parser: Its parser.
    """
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the files of a flow differ")
    parser.add_argument(
        "--file", type=Path, default=Path("pyproject.toml"), help="the file with the table (default: pyproject.toml)"
    )


def run(options: argparse.Namespace) -> int:
    """Compile all flows of the table, or compare their folders, and print what each has to say in the table's order.

    Args:
        options: The parsed arguments.

    Returns:
        The greatest exit code of a flow.

    Raises:
        NotWrittenError: If the table is missing or invalid, with all problems.
    """
    from laminar_codegen import pipeline  # noqa: F401 - for the processes, which are forked from this one
    from laminar_codegen.command import compile_command, folder  # noqa: F401 - the same
    from laminar_runtime.process.processors import available

    table = read_table(options.file)
    directory = options.file.absolute().parent
    more = ["--check"] if options.check else []
    calls = [(directory, ["compile", flow, *words, *more]) for flow, words in table.items()]
    worst = Exit.OK.value
    for code, output, errors in _results(calls, available()):
        sys.stdout.write(output)
        sys.stderr.write(errors)
        worst = max(worst, code)
    return worst


def _results(calls: Sequence[_Call], most: int) -> Iterator[_Result]:
    """Yield the result of each call in their order. Each has a process of its own, and so many run at a time."""
    running: collections.deque[tuple[_Call, BaseProcess, Connection]] = collections.deque()
    context = multiprocessing.get_context("fork")
    for call in calls:
        if len(running) == most:
            yield _result(*running.popleft())
        reader, writer = context.Pipe(duplex=False)
        process = context.Process(target=_compile, args=(call, writer), daemon=True)
        process.start()
        writer.close()
        running.append((call, process, reader))
    while running:
        yield _result(*running.popleft())


def _result(call: _Call, process: BaseProcess, reader: Connection) -> _Result:
    """Wait for the result of a process."""
    try:
        result: _Result = reader.recv()
    except EOFError:
        process.join()
        flow = call[1][1]
        code = process.exitcode
        return Exit.INTERNAL, "", f"laminar-codegen: the process that compiled {flow} ended with the code {code}\n"
    process.join()
    return result


def read_table(file: Path) -> dict[str, list[str]]:
    """Read the table of flows.

    Args:
        file: The file, such as ``pyproject.toml``.

    Returns:
        For each flow the words of its options.

    Raises:
        NotWrittenError: If it is missing or invalid, with all problems.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NotWrittenError(f"cannot read {file}: {error}") from None
    table = content.get("tool", {}).get("laminar", {}).get("flows")
    if not isinstance(table, dict) or not table:
        msg = f'{file} has no flows: add the table [tool.laminar.flows] with lines such as "flow.py" = "terraform/flow"'
        raise NotWrittenError(msg)
    flows = {flow: {"output": value} if isinstance(value, str) else value for flow, value in table.items()}
    problems = [problem for flow, value in flows.items() for problem in _problems(flow, value)]
    folders = [value["output"] for value in flows.values() if isinstance(value, dict) and "output" in value]
    shared = sorted({os.path.normpath(name) for name in folders if folders.count(name) > 1})
    problems += [f"  two flows have the folder {name!r}: give each a folder of its own" for name in shared]
    if problems:
        raise NotWrittenError("\n".join([f"the table [tool.laminar.flows] of {file} is invalid:", *problems]))
    return {
        flow: [word for name, text in value.items() for word in (f"--{name}", text)] for flow, value in flows.items()
    }


def _problems(flow: str, value: Any) -> Sequence[str]:
    if not isinstance(value, dict):
        return [f"  {flow!r} must be the name of a folder, or a table of options, not {value!r}"]
    known = ", ".join(_OPTIONS)
    found = [f"  {flow!r} has the unknown option {name!r}: there are {known}" for name in value if name not in _OPTIONS]
    found += [
        f"  {flow!r} has {name} = {text!r}, which must be a text"
        for name, text in value.items()
        if name in _OPTIONS and not isinstance(text, str)
    ]
    if "output" not in value:
        found.append(f"  {flow!r} has no output: name its folder")
    return found


def _compile(call: _Call, writer: Connection) -> None:
    """Compile a flow in this process, and send the exit code and what it printed."""
    from laminar_codegen.command.main import main

    directory, words = call
    os.chdir(directory)
    output, errors = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        try:
            code = main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
    output.seek(0)
    writer.send((code, output.read(), errors.getvalue()))

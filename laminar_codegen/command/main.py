"""The command ``laminar-codegen``: a tree of commands, of which ``compile`` is the default.

Output goes to standard output, and only when it is complete. Messages go to standard error. The exit codes are those of
`laminar_codegen.command.exits`.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from laminar_codegen.command.exits import Exit, explain
from laminar_runtime import __version__
from laminar_runtime.command import process
from laminar_runtime.exceptions import LaminarError

__all__ = ["main"]

#: The extra of the package that installs a module.
_EXTRAS = {"attrs": "codegen", "jsonata": "local", "moto": "local"}

#: Commands that are entry points of this group, with the extra that installs each. No module here imports them.
_GROUP = "laminar_codegen.commands"
_ENTRY_POINTS = {"rehearse": "local"}
_ENTRY_POINTS_HELP = {"rehearse": "run the compiled flow on this machine, on an embedded AWS"}

#: The commands, and the one that a flow without a command means.
_COMMANDS = {
    "compile": "compile a flow into a Terraform document (the default)",
    "check": "print all problems of a flow, or the size and cost of an execution; explain a rule",
    "graph": "draw a flow as Mermaid, DOT or SVG: its layers, and the barriers that its plan adds",
    "measure": "print the durations of the layers of a flow in past executions",
    "compile-all": "compile all flows that pyproject.toml lists",
    "init": "write a new repository: a flow with a test, its image, its Terraform and a pipeline",
    "modules": "write the Terraform modules of this package into a folder",
}
_DEFAULT = "compile"
#: Commands whose module has another name: `compile` is a built-in function, and names have no hyphens.
_MODULES = {"compile": "compile_command", "compile-all": "compile_all"}
#: Former names of commands.
_FORMER = {"profile": "measure"}

_DESCRIPTION = """\
Compiles a flow, written in Python, into Terraform for AWS Step Functions:

  laminar-codegen flow.py > main.tf.json && terraform init && terraform apply
  laminar-codegen check flow.py
  laminar-codegen rehearse --param 'day="2026-01-31"' flow.py

A flow without a command is compiled: 'laminar-codegen FLOW' is 'laminar-codegen compile FLOW'. Each command has a
--help of its own.
"""


def main(arguments: Sequence[str] | None = None) -> int:  # noqa: PLR0911 - one for each way to end
    """Run the command.

    Args:
        arguments: Its arguments; those of the process unless given.

    Returns:
        The exit code.
    """
    if arguments is None:
        _prepare_process()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(words)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            return _bug()
        print(f"laminar-codegen: {error}: pip install 'laminar-terraform[{extra}]'", file=sys.stderr)
        return Exit.USAGE
    except KeyboardInterrupt:
        print("laminar-codegen: stopped", file=sys.stderr)
        return Exit.STOPPED
    except BrokenPipeError:
        # The reader has ended, as in `| head`. Python must not write the rest when it ends.
        process.drop_output()
        return Exit.USAGE
    except OSError as error:
        # An error of the machine, such as a full disk or a read-only folder, in its own words.
        print(f"laminar-codegen: {process.reason(error)}", file=sys.stderr)
        process.drop_output()
        return Exit.USAGE
    except Exception:  # noqa: BLE001 - the last resort
        return _bug()


def _prepare_process() -> None:
    """Have a signal to end act like an interrupt: the command stops what it started and removes its files.

    A process that was started without a standard error has one that nobody sees.
    """
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) == signal.SIG_DFL:  # nohup ignores hangups
            signal.signal(number, _stop)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - until the process ends


def _run(words: list[str]) -> int:
    from laminar_codegen.problems import CompileError, NotWrittenError

    try:
        return _execute(words)
    except CompileError as error:
        print(error, file=sys.stderr)
        return Exit.INVALID
    except NotWrittenError as error:
        print(f"laminar-codegen: {error}", file=sys.stderr)
        return Exit.USAGE
    except LaminarError as error:
        print(f"laminar-codegen: {error}", file=sys.stderr)
        return Exit.INVALID


def _bug() -> int:
    traceback.print_exc()
    print("laminar-codegen: internal error, not caused by the flow: please report it", file=sys.stderr)
    return Exit.INTERNAL


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _execute(words: list[str]) -> int:
    name = words[0] if words else ""
    if name in _ENTRY_POINTS:
        return _run_entry_point(words)
    if name in _FORMER:
        print(f"laminar-codegen: '{name}' is now '{_FORMER[name]}'", file=sys.stderr)
        words = [_FORMER[name], *words[1:]]
    elif name not in _COMMANDS and name not in {"-h", "--help", "--version"}:
        _refuse_misspelt(name)
        words = [_DEFAULT, *words]
    chosen = words[0]
    if chosen == _DEFAULT:
        # A compile keeps its objects until its end: garbage collection would take a third of the time.
        gc.disable()
    try:
        parser, command = _tree(chosen)
        options = parser.parse_args(words)
        module = _module(chosen)
        return int(module.run(command, options) if chosen == _DEFAULT else module.run(options))
    finally:
        gc.enable()


def _tree(chosen: str) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """Return the whole parser, and that of the chosen command. Other commands are only in the help of the whole."""
    parser = argparse.ArgumentParser(
        prog="laminar-codegen",
        description=_DESCRIPTION,
        epilog=explain(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"laminar-codegen {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, summary in {**_COMMANDS, **_ENTRY_POINTS_HELP}.items():
        if name != chosen:
            if chosen not in _COMMANDS:
                commands.add_parser(name, help=summary, add_help=False)
            continue
        module = _module(name)
        own = commands.add_parser(
            name,
            prog=f"laminar-codegen {name}",
            help=summary,
            description=module.DESCRIPTION,
            epilog=module.EXITS,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(own)
    return parser, commands.choices.get(chosen, parser)


def _module(command: str) -> Any:
    return importlib.import_module(f"laminar_codegen.command.{_MODULES.get(command, command)}")


def _refuse_misspelt(name: str) -> None:
    """Refuse a word that is almost a command, and not a flow's file or module."""
    near = process.find_misspelt(name, (*_COMMANDS, *_ENTRY_POINTS, *_FORMER))
    if near is not None:
        meant = _FORMER.get(near, near)
        print(f"laminar-codegen: unknown command '{name}', did you mean '{meant}'?", file=sys.stderr)
        raise SystemExit(Exit.USAGE)


def _run_entry_point(words: list[str]) -> int:
    from importlib.metadata import entry_points  # slow to import, so only for such commands

    name = words[0]
    found = [*entry_points(group=_GROUP, name=name)]
    if not found:
        extra = _ENTRY_POINTS[name]
        print(
            f"laminar-codegen: the command '{name}' is not installed: pip install 'laminar-terraform[{extra}]'",
            file=sys.stderr,
        )
        return Exit.USAGE
    # What a command loads stays until its end. It may have garbage be collected from then on.
    gc.disable()
    try:
        command: Callable[[list[str]], int] = found[0].load()
        return command(words[1:])
    finally:
        gc.enable()

"""The command ``laminar``: a tree of commands.

Output goes to standard output. Progress and messages go to standard error. The exit codes are those of
`laminar_runtime.command.exits`.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence

from laminar_runtime import __version__
from laminar_runtime.command import process, table
from laminar_runtime.command.exits import Exit, code_of, explain
from laminar_runtime.exceptions import LaminarError
from laminar_runtime.process.endings import Ended, Interrupted

__all__ = ["main", "make_parser"]

#: The extra of the package that installs a module.
_EXTRAS = {"attrs": "codegen", "jsonata": "local", "moto": "local"}

_DESCRIPTION = """\
Runs flows, and operates their executions: on this machine, in a rehearsal, and on AWS.

  laminar run --param day=2026-01-31 flow.py      run a flow on this machine
  laminar start nightly --param day=2026-01-31    start the deployment 'nightly'
  laminar status nightly                          how far its newest execution is
  laminar logs nightly last 'Train[17]'           the output of one split

TARGET is a flow's file, the name of a deployment, or the ARN of a state machine or of an execution. A flow's file means
runs of this flow on this machine; --deployed means its deployment. Each command has a --help of its own.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Its arguments; those of the process unless given.

    Returns:
        The exit code.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(words)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        return _bug() if extra is None else _fail(f"{error}: pip install 'laminar-terraform[{extra}]'", Exit.USAGE)
    except BrokenPipeError:
        # The reader has ended, as in `| head`. Python must not write the rest when it ends.
        process.drop_output()
        return Exit.USAGE
    except OSError as error:
        process.drop_output()
        return _fail(process.reason(error), Exit.USAGE)
    except Exception:  # noqa: BLE001 - the last resort
        return _bug()


def _run(words: list[str]) -> int:
    try:
        return _execute(words)
    except LaminarError as error:
        return _fail(str(error), code_of(error))
    except (Interrupted, Ended) as ended:
        return int(ended.code or 0)  # a run that was stopped has said so
    except KeyboardInterrupt:
        return _fail("stopped", Exit.STOPPED)


def _fail(text: str, code: Exit) -> int:
    sys.stderr.write(f"laminar: {text}\n")
    return code


def _bug() -> int:
    traceback.print_exc()
    return _fail("internal error, not caused by the flow: please report it", Exit.INTERNAL)


def _execute(words: list[str]) -> int:
    name = words[0] if words else "--help"
    if name not in table.COMMANDS and (near := process.find_misspelt(name, table.COMMANDS)):
        return _fail(f"unknown command '{name}', did you mean '{near}'?", Exit.USAGE)
    if name not in table.COMMANDS:
        make_parser().parse_args(words or ["--help"])  # the help, the version, or an error
    parser = _fill(argparse.ArgumentParser(prog=f"laminar {name}"), name)
    # Options may stand between TARGET and ID.
    return int(table.load(name).run(parser.parse_intermixed_args(words[1:])))


def make_parser(*chosen: str) -> argparse.ArgumentParser:
    """Make the parser of the whole command. Of other commands than the chosen ones it has only the help.

    Args:
        *chosen: The commands.
    """
    parser = argparse.ArgumentParser(
        prog="laminar",
        description=_DESCRIPTION,
        epilog=explain(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"laminar {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", required=True)
    for name, summary in table.COMMANDS.items():
        if name not in chosen:
            commands.add_parser(name, help=summary, add_help=False)
            continue
        _fill(commands.add_parser(name, help=summary), name)
    return parser


def _fill(parser: argparse.ArgumentParser, name: str) -> argparse.ArgumentParser:
    """Give the parser of a command its help and its arguments."""
    module = table.load(name)
    parser.description, parser.epilog = module.DESCRIPTION, explain()
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    module.add_arguments(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())

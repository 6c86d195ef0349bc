"""The command ``laminar-codegen``.

Exit codes: 0 fine, 1 the flow is at fault (or its rehearsed execution failed), 2 wrong usage, 3 our bug, 130 stopped by
the user. What is asked for goes to standard output, and only when all of it is there; what is said of it goes to
standard error.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence

from laminar_codegen.problems import CompileError
from laminar_runtime.exceptions import LaminarError

__all__ = ["main"]

OK, AT_FAULT, USAGE, BUG = 0, 1, 2, 3

_DESCRIPTION = """\
Compiles a flow into a Terraform document, on standard output:

  laminar-codegen flow.py > main.tf.json && terraform init && terraform apply

'laminar-codegen check FLOW' tells all problems of a flow, or what an execution of it takes,
'laminar-codegen profile FLOW' how long its layers took, and
'laminar-codegen rehearse FLOW' runs the compiled flow here, on an embedded AWS. Each has a --help of its own.
"""

_EXITS = "exit codes: 0 fine, 1 the flow is at fault, 2 wrong usage, 3 a bug of ours"


def main(arguments: Sequence[str] | None = None) -> int:  # noqa: PLR0911 - one for each way to end
    """Run the command.

    Args:
        arguments: Its arguments; those of the process unless given.

    Returns:
        The exit code.
    """
    if arguments is None:
        # Told to end, the command ends as when interrupted: it stops what it started and removes what it laid out.
        signal.signal(signal.SIGTERM, _stop)
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _COMMANDS.get(words[0], _compile)(words) if words else _compile(words)
    except CompileError as error:
        print(error, file=sys.stderr)
        return AT_FAULT
    except LaminarError as error:
        print(f"laminar-codegen: {error}", file=sys.stderr)
        return AT_FAULT
    except KeyboardInterrupt:
        print("laminar-codegen: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Who reads has read enough, as in `| head`. Python must not write what is left when it ends.
        _drop_output()
        return AT_FAULT
    except OSError as error:
        # A full disk, a folder that cannot be written to: the machine's fault, with its own words.
        print(f"laminar-codegen: {error}", file=sys.stderr)
        _drop_output()
        return AT_FAULT
    except Exception:  # noqa: BLE001 - the last resort, told as what it is
        traceback.print_exc()
        print("laminar-codegen: this is a bug of laminar-codegen, not of the flow: please report it", file=sys.stderr)
        return BUG


def _drop_output() -> None:
    """Have what is left to write go nowhere: Python would try to write it when it ends, and fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _compile(words: list[str]) -> int:
    from laminar_codegen import pipeline, plan, render
    from laminar_codegen.options import add_scheduling, scheduling_of

    parser = argparse.ArgumentParser(
        prog="laminar-codegen",
        description=_DESCRIPTION,
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("flow", help="the flow's file, or FILE:FLOW if it has several")
    stages = ("terraform", "asl", "plan", "graph")
    parser.add_argument("--emit", choices=stages, default="terraform", help="what to print (default: terraform)")
    add_scheduling(parser)
    options = parser.parse_args(words)
    compilation = pipeline.compile_flow(options.flow, scheduling_of(options))
    match options.emit:
        case "graph":
            text = "".join(map(str, compilation.graphs))
        case "plan":
            text = "".join(plan.print_plan(unit.plan) for unit in compilation.units)
        case "asl":
            text = render.render_template(compilation.machines)
        case _:
            text = render.render_document(compilation.document)
    # Bytes, so that the document is the same whatever the locale.
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()
    return OK


def _check(words: list[str]) -> int:
    from laminar_codegen import commands

    return commands.check(words[1:])


def _profile(words: list[str]) -> int:
    from laminar_codegen import commands

    return commands.profile(words[1:])


def _rehearse(words: list[str]) -> int:
    from laminar_codegen.rehearsal import command

    return command.main(words[1:])


_COMMANDS: dict[str, Callable[[list[str]], int]] = {"check": _check, "profile": _profile, "rehearse": _rehearse}

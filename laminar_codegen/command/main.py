"""The command ``laminar-codegen``.

Exit codes: 0 fine, 1 the flow is at fault (or its rehearsed execution failed, or `--check` found other files), 2 wrong
usage, or a machine that does not let us: a folder that cannot be read or written, a full disk. 3 our bug, 130 stopped
by the user. What is asked for goes to standard output, and only when all of it is there; what is said of it goes to
standard error.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence

from laminar_runtime.exceptions import LaminarError

__all__ = ["main"]

AT_FAULT, USAGE, BUG = 1, 2, 3

#: What each extra of the package is for, by the first of its packages that is imported.
_EXTRAS = {"attrs": "codegen", "jsonata": "local", "moto": "local"}

#: Commands that are entry points of this group: nothing in here imports them. With the extra that installs each.
_GROUP = "laminar_codegen.commands"
_ENTRY_POINTS = {"rehearse": "local"}


def main(arguments: Sequence[str] | None = None) -> int:  # noqa: PLR0911 - one for each way to end
    """Run the command.

    Args:
        arguments: Its arguments; those of the process unless given.

    Returns:
        The exit code.
    """
    if arguments is None:
        # Told to end, the command ends as when interrupted: it stops what it started and removes what it laid out.
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            if signal.getsignal(number) == signal.SIG_DFL:  # under nohup a hangup is to be ignored
                signal.signal(number, _stop)
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(words)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            return _bug()
        print(f"laminar-codegen: {error}: pip install 'laminar-terraform[{extra}]'", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("laminar-codegen: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Who reads has read enough, as in `| head`. Python must not write what is left when it ends.
        _drop_output()
        return USAGE
    except OSError as error:
        # A full disk, a folder that cannot be written to: the machine's fault, with its own words.
        print(f"laminar-codegen: {_told(error)}", file=sys.stderr)
        _drop_output()
        return USAGE
    except Exception:  # noqa: BLE001 - the last resort, told as what it is
        return _bug()


def _run(words: list[str]) -> int:
    from laminar_codegen.problems import CompileError, NotWrittenError

    try:
        return _COMMANDS.get(words[0], _compile)(words) if words else _compile(words)
    except CompileError as error:
        print(error, file=sys.stderr)
        return AT_FAULT
    except NotWrittenError as error:
        print(f"laminar-codegen: {error}", file=sys.stderr)
        return USAGE
    except LaminarError as error:
        print(f"laminar-codegen: {error}", file=sys.stderr)
        return AT_FAULT


def _bug() -> int:
    traceback.print_exc()
    print("laminar-codegen: this is a bug of laminar-codegen, not of the flow: please report it", file=sys.stderr)
    return BUG


def _told(error: OSError) -> str:
    """What is said of an error of the machine: of a file by its name, of what has none by what it is."""
    full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
    return f"cannot write the output: {error.strerror}" if full and error.filename is None else str(error)


def _drop_output() -> None:
    """Have what is left to write go nowhere: Python would try to write it when it ends, and fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _compile(words: list[str]) -> int:
    # What is made here is in use until the end: to look again and again for what is not took a third of the time.
    gc.disable()
    try:
        from laminar_codegen.command import compile_command

        return compile_command.main(words)
    finally:
        gc.enable()


def _check(words: list[str]) -> int:
    from laminar_codegen.command import commands

    return commands.check(words[1:])


def _profile(words: list[str]) -> int:
    from laminar_codegen.command import commands

    return commands.profile(words[1:])


def _run_entry_point(words: list[str]) -> int:
    from importlib.metadata import entry_points  # slow: only for commands that are found by it

    name = words[0]
    found = [*entry_points(group=_GROUP, name=name)]
    if not found:
        extra = _ENTRY_POINTS[name]
        print(
            f"laminar-codegen: the command '{name}' is not installed: pip install 'laminar-terraform[{extra}]'",
            file=sys.stderr,
        )
        return USAGE
    command: Callable[[list[str]], int] = found[0].load()
    return command(words[1:])


_COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "check": _check,
    "profile": _profile,
    **dict.fromkeys(_ENTRY_POINTS, _run_entry_point),
}

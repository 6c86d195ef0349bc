"""The command ``laminar completion``: prints the completion of this command for a shell.

The words come from the parsers, so they are those of the help. argcomplete would start Python at each Tab, and must be
installed and registered; shtab completes no words behind a position. This needs neither.
"""

from __future__ import annotations

import argparse

from laminar_runtime.command import table
from laminar_runtime.command.exits import Exit

__all__ = ["DESCRIPTION", "add_arguments", "run", "words_of"]

DESCRIPTION = """\
Prints the completion of this command for a shell, for the file that the shell reads at its start:

  laminar completion bash >> ~/.bashrc
  laminar completion zsh >> ~/.zshrc
  laminar completion fish > ~/.config/fish/completions/laminar.fish
"""

_BASH = """\
_laminar() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="{commands}"
  else
    case "${{COMP_WORDS[1]}}" in
{cases}
    esac
    case "$word" in -*) ;; *) words="" ;; esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  [ ${{#COMPREPLY[@]}} -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
}}
complete -o filenames -F _laminar laminar
"""
_ZSH = "autoload -Uz compinit bashcompinit\n(( $+functions[compdef] )) || compinit\nbashcompinit\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Args:
        parser: Its parser.
    """
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell")


def run(options: argparse.Namespace) -> int:
    """Print the completion.

    Args:
        options: The parsed arguments.
    """
    words = words_of()
    print({"bash": _bash, "zsh": _zsh, "fish": _fish}[options.shell](words), end="")  # noqa: T201 - its result
    return Exit.OK


def words_of() -> dict[str, list[str]]:
    """Return the options of each command, and the choices of its first argument."""
    from laminar_runtime.command.main import make_parser

    parser = make_parser(*table.COMMANDS)
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))  # noqa: SLF001 - argparse has no public way
    found: dict[str, list[str]] = {}
    for name, own in commands.choices.items():
        actions = own._actions  # noqa: SLF001 - the same
        options = [word for action in actions for word in action.option_strings if word.startswith("--")]
        choices = [str(one) for action in actions if not action.option_strings for one in action.choices or ()]
        found[name] = [*choices, *options]
    return found


def _bash(words: dict[str, list[str]]) -> str:
    cases = "\n".join(f'      {name}) words="{" ".join(options)}" ;;' for name, options in words.items())
    return _BASH.format(commands=" ".join(words), cases=cases)


def _zsh(words: dict[str, list[str]]) -> str:
    return _ZSH + _bash(words)


def _fish(words: dict[str, list[str]]) -> str:
    lines = ["complete -c laminar -n '__fish_use_subcommand' -f"]
    for name, summary in table.COMMANDS.items():
        quoted = summary.replace("'", "\\'")
        lines.append(f"complete -c laminar -n '__fish_use_subcommand' -a {name} -d '{quoted}'")
        behind = f"complete -c laminar -n '__fish_seen_subcommand_from {name}'"
        options = [word.removeprefix("--") for word in words[name] if word.startswith("--")]
        lines += [f"{behind} -l {option}" for option in options]
        lines += [f"{behind} -f -a {word}" for word in words[name] if not word.startswith("--")]
    return "\n".join(lines) + "\n"

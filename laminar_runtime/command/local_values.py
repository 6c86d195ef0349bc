"""The options ``--var`` and ``--volume``: what a run on this machine has in the place of variables and volumes."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from laminar_runtime import _records
from laminar_runtime.command.targets import Target
from laminar_runtime.configurations import volume_folders
from laminar_runtime.exceptions import FlowError
from laminar_runtime.variables import PREFIX, Variable

__all__ = ["add_values", "parse_variable", "parse_volume", "set_values"]


def add_values(parser: argparse.ArgumentParser) -> None:
    """Add the options.

    Args:
        parser: The parser of a command that runs a flow.
    """
    parser.add_argument(
        "--var",
        action="append",
        default=[],
        type=parse_variable,
        metavar="NAME=VALUE",
        help="the value of a Variable in a run on this machine; may be given again (default: that of the environment "
        "variable TF_VAR_NAME, else the Variable's own)",
    )
    parser.add_argument(
        "--volume",
        action="append",
        default=[],
        type=parse_volume,
        metavar="NAME=DIR",
        help="the folder of a volume in a run on this machine; may be given again (default: that of the environment "
        "variable LAMINAR_VOLUME_NAME, else one in .laminar)",
    )


def parse_variable(text: str) -> tuple[str, str]:
    """Return the name and the value of a variable.

    Args:
        text: ``NAME=VALUE``.

    Raises:
        ArgumentTypeError: If it does not have that form.

    Example:
        >>> parse_variable("table=orders")
        ('table', 'orders')
    """
    name, equals, value = text.partition("=")
    if not (equals and name):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def parse_volume(text: str) -> tuple[str, str]:
    """Return the name of a volume and its folder, as an absolute path.

    Args:
        text: ``NAME=DIR``.

    Raises:
        ArgumentTypeError: If it does not have that form.
    """
    try:
        return volume_folders.parse(text)
    except FlowError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def set_values(target: Target, options: argparse.Namespace) -> None:
    """Set the environment variables that the tasks of a run on this machine read, as the options say.

    Args:
        target: What is run.
        options: The parsed arguments.

    Raises:
        FlowError: If it does not run on this machine, its flows have no such variable or volume, or there is no such
            folder.
    """
    if not (options.var or options.volume):
        return
    from laminar_runtime.command.local_target import LocalTarget

    if not isinstance(target, LocalTarget):
        msg = (
            "--var and --volume are of runs on this machine: a deployment has the values of its Terraform variables, "
            "and `laminar-codegen rehearse` has options of these names"
        )
        raise FlowError(msg)
    parts = [*_parts_of(target)]
    variables = {item.name for part in parts for item in _variables_in(part)}
    volumes = {volume.name for part in parts for volume in getattr(part, "volumes", ())}
    problems = [
        *_unknown("--var", "Variable", options.var, variables),
        *_unknown(volume_folders.OPTION, "volume", options.volume, volumes),
    ]
    if problems:
        raise FlowError("\n".join(problems))
    os.environ.update({f"{PREFIX}{name}": value for name, value in options.var})
    os.environ.update({volume_folders.variable_of(name): folder for name, folder in options.volume})
    for name, _ in options.volume:
        volume_folders.find_folder(name)


def _parts_of(target: Any) -> Iterator[Any]:
    """Yield what tasks of a target have: the containers and executors of its flows."""
    for flow in target.flows:
        yield flow.configuration.executor
        for definition in flow.registry.values():
            yield definition.configuration.container
            yield definition.configuration.executor


def _variables_in(value: Any) -> Iterator[Variable]:
    """Yield the variables in a value, which may have values in it."""
    match value:
        case Variable():
            yield value
        case Mapping():
            yield from _variables_in([*value.values()])
        case list() | tuple():
            for item in value:
                yield from _variables_in(item)
        case _ if _records.has_fields(type(value)):
            yield from _variables_in(_records.plain(value))


def _unknown(option: str, what: str, given: Iterable[tuple[str, str]], known: Iterable[str]) -> Iterator[str]:
    if unknown := sorted({name for name, _ in given} - {*known}):
        there = f"those of the flow are {', '.join(sorted(known))}" if known else "the flow has none"
        yield f"{option} {', '.join(unknown)}: no container of the flow has such a {what}; {there}"

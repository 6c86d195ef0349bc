"""What is rehearsed: a flow, and the documents that deploy it.

Before: the words of the command. After: the flow, loaded, and what is deployed for it.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from laminar_codegen import pipeline
from laminar_codegen.command.options import scheduling_of
from laminar_codegen.frontend.loader import Source, load
from laminar_codegen.ir.graph import Graph
from laminar_codegen.planning.durations_file import read_profiles
from laminar_codegen.rehearsal.deploy import document_of
from laminar_codegen.rehearsal.document.configuration import Configuration, read_configuration, read_text
from laminar_codegen.rehearsal.document.errors import DocumentError
from laminar_codegen.rehearsal.document.given import Given, read_values
from laminar_codegen.rehearsal.document.texts import read_file
from laminar_codegen.rehearsal.sample_event import read_event

__all__ = ["Subject", "find_subject"]

_QUEUE = re.compile(r"arn:[a-z-]+:batch:([a-z0-9-]+):[0-9]{12}:job-queue/.+")
_REGION = "us-east-1"


@attrs.frozen(eq=False)
class Subject:
    """What is rehearsed.

    Args:
        source: The flow, and those that follow it.
        graphs: Their graphs.
        given: The values of variables that the user gives.
        configuration: What documents in JSON declare, None if Terraform is to read them.
        folder: The folder of the documents, if they are not compiled for the rehearsal.
        durations: How many seconds a task of each layer takes on AWS, if there is a profile that says so.
        event: The event that starts it, None if an application does.
    """

    source: Source
    graphs: tuple[Graph, ...]
    given: Given
    configuration: Configuration | None
    folder: Path | None = None
    durations: Mapping[str, float] | None = None
    event: Mapping[str, Any] | None = None

    @property
    def region(self) -> str:
        """The region that it is deployed to: that of its provider, or of its job queue, if one is known."""
        providers = self.configuration.of_kind("provider") if self.configuration else ()
        named = [block.body.get("region") for block in providers if "alias" not in block.body]
        values = {**self.given.values, **self.given.texts}.values()
        queues = [found[1] for value in values if isinstance(value, str) and (found := _QUEUE.fullmatch(value))]
        of_folder = _region_of(self.folder) if self.folder else None
        known = (
            name for name in (*named, of_folder, *queues) if isinstance(name, str) and re.fullmatch("[a-z0-9-]+", name)
        )
        return next(known, _REGION)


def find_subject(options: argparse.Namespace, environment: Mapping[str, str]) -> Subject:
    """Find what the words of the command name.

    Args:
        options: The parsed words.
        environment: The environment, which may have values of variables.

    Raises:
        CompileError: If there is no such flow, or it cannot be compiled.
        DocumentError: If the documents cannot be read.
        OSError: If a file cannot be read.
    """
    event = None if options.event is None else read_event(options.event)
    path: Path | None = options.document
    if path is None:
        compilation = pipeline.compile_flow(options.flow, scheduling_of(options))
        given = read_values(None, options.var, options.var_file, environment)
        durations = _merge(*(unit.profile.task_seconds for unit in compilation.units if unit.profile))
        compiled = read_text(document_of(compilation))
        return Subject(compilation.source, compilation.graphs, given, compiled, durations=durations, event=event)
    if not path.exists():
        raise DocumentError(f"--document {path}: there is no such file or folder")
    source = load(options.flow)
    folder = path if path.is_dir() else path.parent
    given = read_values(folder, options.var, options.var_file, environment)
    configuration = None if _needs_terraform(path) else read_configuration(path)
    if configuration is not None and any(configuration.of_kind("module")):
        configuration = None
    graphs = pipeline.graphs_with_targets(source, scheduling_of(options))
    profiles = read_profiles(options.profile, [graph.flow for graph in graphs]) if options.profile else ()
    durations = _merge(*(profile.task_seconds for profile in profiles))
    return Subject(source, graphs, given, configuration, folder, durations, event)


def _merge(*known: Mapping[str, float]) -> Mapping[str, float] | None:
    """Return the durations of several flows, None if none of them has any."""
    return {name: seconds for found in known for name, seconds in found.items()} if known else None


def _needs_terraform(path: Path) -> bool:
    """Whether documents are in HCL, or override each other."""
    if not path.is_dir():
        return not path.name.endswith(".json")
    overrides = [*path.glob("*_override.tf.json"), *path.glob("override.tf.json")]
    return bool(overrides) or any(_declares(read_file(file)) for file in path.glob("*.tf"))


def _declares(text: str) -> bool:
    """Whether a file in HCL says more than who applies it, and from where: as versions.tf and backend.tf do."""
    heads = re.findall(r"^[A-Za-z_][\w-]*", text, re.MULTILINE)
    return not {*heads} <= {"terraform", "provider"}


def _region_of(folder: Path) -> str | None:
    """Return the region of the provider that a folder has in HCL."""
    for file in sorted(folder.glob("*.tf")):
        found = re.search(
            r'^provider\s+"?aws"?\s*\{(?:(?!^\}|alias)[\s\S])*?^\s*region\s*=\s*"([a-z0-9-]+)"',
            read_file(file),
            re.MULTILINE,
        )
        if found is not None:
            return found[1]
    return None

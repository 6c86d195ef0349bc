"""The command ``laminar-codegen init``: writes a repository with a flow, its tests, image, Terraform and pipeline.

The files are those of the folder `template`, with other names. It is a project that works as it is: the name of its
flow is `_SAMPLE`, the class is `_SAMPLE_CLASS`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import keyword
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from laminar_codegen.command import folder, modules, shipped
from laminar_codegen.command.exits import Exit, explain
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.problems import NotWrittenError
from laminar_runtime import __version__

__all__ = ["DESCRIPTION", "EXITS", "add_arguments", "class_of", "render", "run"]

DESCRIPTION = """\
Writes a small repository into a new folder: a flow with a test, its image, its Terraform, and a pipeline that tests,
plans and applies it. Its README has the next steps.

  laminar-codegen init sales-report
  laminar-codegen init sales-report --with gitlab --layers lambda
"""

#: The exit codes, for the help.
EXITS = explain()

_SAMPLE, _SAMPLE_CLASS, _SAMPLE_VERSION = "sample-flow", "SampleFlow", "LAMINAR_VERSION"
#: The platform's name is the name and the environment, and has at most 28 characters.
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 23
_PIPELINES = ("github", "gitlab", "none")
_LAYERS = ("batch", "lambda")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Args:
        parser: Its parser.
    """
    parser.add_argument(
        "name", type=_name, metavar="NAME", help="the name of the flow, and of the folder: sales-report"
    )
    parser.add_argument(
        "--with", dest="pipeline", choices=_PIPELINES, default="github", help="whose pipeline (default: github)"
    )
    parser.add_argument(
        "--layers", choices=_LAYERS, default="batch", help="where layers run: AWS Batch or AWS Lambda (default: batch)"
    )


def _name(text: str) -> str:
    """Check the name of a flow."""
    if not _NAME.fullmatch(text) or len(text) > _LONGEST or keyword.iskeyword(text):
        msg = f"must be at most {_LONGEST} lower-case letters, digits and single hyphens, a letter first, not {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return text


def class_of(name: str) -> str:
    """Return the name of a flow's class.

    Args:
        name: The name of the flow.

    Example:
        >>> class_of("sales-report")
        'SalesReport'
    """
    return "".join(part.capitalize() for part in name.split("-"))


def render(name: str, pipeline: str, layers: str) -> dict[str, str]:
    """Return the files of a new repository by their paths, without what is compiled.

    Args:
        name: The name of the flow.
        pipeline: Whose pipeline: ``github``, ``gitlab`` or ``none``.
        layers: Where layers run: ``batch`` or ``lambda``.
    """
    template = shipped.folder("template")
    files = {path: text for part in ("common", layers, pipeline) for path, text in _files_of(template / part)}
    names = {_SAMPLE: name, _SAMPLE_CLASS: class_of(name), _SAMPLE_VERSION: __version__}
    pattern = re.compile("|".join(names))
    return {path: pattern.sub(lambda found: names[found[0]], text) for path, text in sorted(files.items())}


def _files_of(part: Path) -> Iterator[tuple[str, str]]:
    """Yield the files of a part of the template; what it does not change has no folder."""
    for file in sorted(part.rglob("*")):
        if file.is_file() and not {"__pycache__", ".ruff_cache"} & {*file.parts}:
            yield file.relative_to(part).as_posix(), file.read_text(encoding="utf-8")


def run(options: argparse.Namespace) -> int:
    """Write the repository.

    Args:
        options: The parsed arguments.

    Returns:
        The exit code.

    Raises:
        NotWrittenError: If there is a file or a folder with its name, which is left as it is.
    """
    target = Path(options.name)
    if target.exists():
        raise NotWrittenError(f"{target} exists, and init overwrites nothing: take another name, or another folder")
    with tempfile.TemporaryDirectory(prefix=".laminar-", dir=target.parent) as aside:
        made = Path(aside, options.name)
        for path, text in render(options.name, options.pipeline, options.layers).items():
            file = made / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        modules.write(made / "terraform" / "modules", modules.files_of(shipped.folder("terraform_modules")))
        with contextlib.redirect_stderr(io.StringIO()):  # the names of the files aside
            folder.write(compile_flow(str(made / "main.py")).document, "hcl", made / "terraform" / "flow")
        shutil.rmtree(made / "__pycache__", ignore_errors=True)
        made.rename(target)
    print(f"wrote {target}: its README has the next steps", file=sys.stderr)
    return Exit.OK

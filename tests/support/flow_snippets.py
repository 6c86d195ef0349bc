"""Flow files in a few lines, for cases: imports are put before them, and they have a folder of their own.

A snippet knows the flow ``F``, the names of the runtime that flows use, and ``each`` for a fan-out::

    @F.register(foreach=each(A, "rows"))
    class B(Layer):
        def __call__(self, a: A) -> None:
            self.row = a.rows

A line ``== name.py`` begins another file; the lines before it are in ``flow.py``.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from laminar_codegen.frontend.loader import Source, load
from tests.support.shown import or_problems

__all__ = ["PRELUDE_LINES", "folder_of", "of_snippet", "without_folder"]

#: Two lines: the numbers of lines in messages are those of the snippet, without them.
_PRELUDE = (
    "import functools, os, sys; from laminar_runtime import Execution, Flow, Layer, Parameters; "
    "from laminar_runtime.configurations import datastores, executors, hooks, layers, schedulers; "
    "from laminar_runtime.configurations.layers import Catch, Configuration, Container, ForEach, Parameter, Retry; "
    "each = lambda layer, name, **more: ForEach(parameters=[Parameter(layer, name, None)], **more)\n"
    "class F(Flow): ...\n"
)
PRELUDE_LINES = _PRELUDE.count("\n")
_FILE = re.compile(r"^== (.+)\n", re.MULTILINE)


@contextlib.contextmanager
def folder_of(text: str, *, prelude: str = _PRELUDE, ending: str = "") -> Iterator[Path]:
    """Have the files of a snippet in a folder, which is the working directory meanwhile.

    Args:
        text: The snippet.
        prelude: The text before that of ``flow.py``.
        ending: The text after it.
    """
    first, *others = _FILE.split(text)
    files = {
        **({"flow.py": f"{prelude}{first}{ending}"} if first.strip() else {}),
        **dict(zip(others[::2], others[1::2], strict=True)),
    }
    known, path = {*sys.modules}, [*sys.path]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        for file, content in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(content, encoding="utf-8")
        try:
            with contextlib.chdir(folder):
                yield folder
        finally:
            sys.path[:] = path
            for module in {*sys.modules} - known:
                if _within(sys.modules[module], folder):
                    del sys.modules[module]


def _within(module: object, folder: Path) -> bool:
    places = [getattr(module, "__file__", None), *(getattr(module, "__path__", None) or ())]
    return any(place is not None and folder in Path(place).parents for place in places)


def without_folder(text: str, folder: Path) -> str:
    """Return a text with the lines of a snippet, and without the name of its folder.

    Args:
        text: The text.
        folder: The folder.
    """
    text = text.replace(f"{folder}/", "").replace(str(folder), ".")
    return re.sub(r"(flow\.py:)(\d+)", lambda found: f"{found[1]}{int(found[2]) - PRELUDE_LINES}", text)


def of_snippet(run: Callable[[Source], str]) -> Callable[[str], str]:
    """Return a runner of cases whose input is a snippet, and whose output is made of its flow.

    Args:
        run: Makes the output of the flow. What it prints to standard error stands before that.
    """

    def runner(text: str) -> str:
        errors = io.StringIO()
        with folder_of(text) as folder, contextlib.redirect_stderr(errors):
            output = or_problems(lambda: run(load("flow.py")))
            return without_folder(f"{errors.getvalue()}{output}", folder)

    return runner

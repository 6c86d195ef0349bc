"""The configuration of Sphinx: `make docs` builds the site into ``build/docs``, and each warning is an error."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

import laminar_runtime

project = "Laminar for Terraform"
copyright = "the contributors of Laminar for Terraform"  # noqa: A001 - Sphinx names it so
release = laminar_runtime.__version__

extensions = [
    "myst_parser",  # pages in Markdown
    "sphinx.ext.autodoc",  # the reference pages of the packages, from their docstrings
    "sphinx.ext.napoleon",  # docstrings in Google's style
]

# Each reference in a text must lead somewhere.
nitpicky = True
#: Two classes are named Configuration, that of layers and that of flows: an annotation names the one of its module.
suppress_warnings = ["ref.python"]
nitpick_ignore_regex = [
    # Annotations: mypy checks them. Many name the standard library, type variables and modules that have no page.
    (r"py:class", r".*"),
    # Docstrings put names of arguments and short code in single backticks, too. Names of classes have capitals.
    (r"py:obj", r"[^A-Z]*"),
    (r"py:obj", r"typing\..*"),
]

# Pages link to sections as hosts of repositories do, by the section's title.
myst_heading_anchors = 3

default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True

html_theme = "furo"
html_title = f"{project} {release}"


def resolve_by_last_name(
    app: Sphinx, env: BuildEnvironment, node: nodes.Element, content: nodes.TextElement
) -> nodes.reference | None:
    """Resolve a reference to a name that is documented under its public path.

    Docstrings and annotations say ``FlowError`` or name the module that defines a class. The page documents it in the
    module that exports it.

    Args:
        app: The application.
        env: What is known of all pages.
        node: The reference.
        content: The text of the reference.

    Returns:
        The link, or None if no documented name, or more than one, ends in the same words.
    """
    objects = env.domains.python_domain.objects
    words = node["reftarget"].split("(")[0].split(".")
    # As written; by its last word; and the class, where what it has is not documented apart.
    for name in (".".join(words), words[-1], words[-2] if len(words) > 1 else ""):
        if not name or name.islower():
            continue  # the name of an argument
        # One class has an entry under each of its paths, and all of them lead to the same place.
        found = {(at.docname, at.node_id) for key, at in objects.items() if f".{key}".endswith(f".{name}")}
        if len(found) == 1:
            ((page, anchor),) = found
            return make_refnode(app.builder, node["refdoc"], page, anchor, [content])
    return None


def keep_first_line(app: Sphinx, kind: str, name: str, value: object, options: object, lines: list[str]) -> None:
    """Put an empty line before the docstring of a property, of which napoleon takes the first for ``type: text``.

    Args:
        app: The application.
        kind: The kind of what is documented.
        name: Its path.
        value: What is documented.
        options: The options of the directive.
        lines: The docstring, which this function changes.
    """
    if kind in {"attribute", "property"}:
        lines.insert(0, "")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect what this file adds to Sphinx."""
    app.connect("missing-reference", resolve_by_last_name)
    app.connect("autodoc-process-docstring", keep_first_line, priority=400)  # before napoleon, which has 500
    return {"parallel_read_safe": True}

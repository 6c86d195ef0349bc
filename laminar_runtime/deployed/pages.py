"""What a notebook shows of deployed flows. All texts are escaped: they are of users, and of AWS."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING

from laminar_runtime.exceptions import LaminarError
from laminar_runtime.failures.console import execution_link

if TYPE_CHECKING:
    from laminar_runtime.deployed.deployment import Deployment
    from laminar_runtime.deployed.execution import DeployedExecution

__all__ = ["of_deployment", "of_execution"]


def of_deployment(deployment: Deployment) -> str:
    """Return what a notebook shows of a deployment.

    Args:
        deployment: The deployment.
    """
    rows = [
        ("deployment", deployment.name),
        *([("flows", " → ".join(deployment.flows))] if deployment.flows else []),
        ("state machine", deployment.state_machine_arn),
        ("datastore", deployment.datastore_root),
    ]
    return _table((name, html.escape(value)) for name, value in rows)


def of_execution(execution: DeployedExecution) -> str:
    """Return what a notebook shows of an execution: it asks AWS how far it is.

    Args:
        execution: The execution.
    """
    link, name = html.escape(execution_link(execution.arn), quote=True), html.escape(execution.id)
    rows = [
        ("execution", f'<a href="{link}" target="_blank" rel="noopener">{name}</a>' if link else name),
        ("deployment", html.escape(execution.deployment.name)),
    ]
    try:
        described = execution.describe()
        rows.append(("status", html.escape(str(described["status"]))))
        for what, field in (("started", "startDate"), ("ended", "stopDate")):
            if field in described:
                rows.append((what, html.escape(f"{described[field]:%Y-%m-%d %H:%M:%S %Z}".strip())))
        rows += [("failure", html.escape(one.headline)) for one in execution.failures(most=3)]
    except LaminarError as error:
        rows.append(("status", html.escape(str(error))))
    return _table(rows)


def _table(rows: Iterable[tuple[str, str]]) -> str:
    """Return a table of names, and of values that are HTML."""
    lines = "".join(f'<tr><th style="text-align:left">{name}</th><td>{value}</td></tr>' for name, value in rows)
    return f"<table>{lines}</table>"

"""The page of an execution: a record of what happened, and one HTML file that shows it.

::

    handle --collect_report--> Report --render_page--> HTML

The record knows neither the flow's code nor where the execution ran, so all kinds of runs have the same page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from laminar_runtime.handles import ExecutionHandle

if TYPE_CHECKING:
    from laminar_runtime.flow import Flow

__all__ = ["write_page"]


def write_page(handle: ExecutionHandle, *, flow: Flow | None = None, previews: bool = False, resume: str = "") -> str:
    """Write the page of an execution, of any kind.

    Args:
        handle: The execution.
        flow: Its flow, if its code is there. Without it the page has what the execution itself has noted.
        previews: Whether to read values that are not plain for previews. That unpickles them: it runs code of the flow,
            and of whoever wrote to the datastore.
        resume: The command that resumes it; empty for that of the handle.

    Returns:
        The HTML: one file, which loads nothing from the network.

    Raises:
        LaminarError: If the times of the execution cannot be read.
    """
    # Imported here: `laminar_runtime.report.drawing` alone needs none of it.
    from laminar_runtime.report.collect import collect_report
    from laminar_runtime.report.page import render_page

    return render_page(collect_report(handle, flow=flow, previews=previews, resume=resume))

"""The lines of ``laminar-codegen check`` about layers of `AWS.Auto`: where each of them runs, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from laminar_codegen.planning.choose_targets import FUNCTION_START_UP, Choice, Forecast
from laminar_codegen.planning.pack_costs import USUAL_COSTS

__all__ = ["report_choices"]

_ASSUMED = f"a job starts in {USUAL_COSTS.start_up:g} s, a function in {FUNCTION_START_UP:g} s"


def report_choices(choices: Iterable[Choice]) -> Iterator[str]:
    """Yield a line for each layer whose target the compiler chose, and what it assumed.

    Args:
        choices: The choices.
    """
    compared = False
    for choice in choices:
        compared = compared or choice.job is not None
        yield f"  placed          {choice.layer.name}: {choice.layer.executor.service}, {_reason(choice)}"
    if compared:
        yield f"                  {_ASSUMED}"


def _reason(choice: Choice) -> str:
    if choice.job is None or choice.function is None:
        return str(choice.obstacle)
    job, function = f"a job {_text(choice.job)}", f"a function {_text(choice.function)}"
    compared = f"{function}, {job}" if choice.moves else f"{job}, {function}"
    return f"{choice.obstacle}: {compared}" if choice.obstacle else compared


def _text(forecast: Forecast) -> str:
    return f"{forecast.seconds:,.1f} s and ${forecast.dollars:,.6f}"

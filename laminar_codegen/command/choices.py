"""The lines of ``laminar-codegen check`` about layers of `AWS.Auto`: where each of them runs, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from laminar_codegen.planning.choose_targets import Choice, Forecast

__all__ = ["report_choices"]


def report_choices(choices: Iterable[Choice]) -> Iterator[str]:
    """Yield a line for each layer whose target the compiler chose, and what it assumed.

    Args:
        choices: The choices.
    """
    assumed: dict[str, None] = {}
    for choice in choices:
        if choice.job is not None and choice.function is not None:
            assumed[f"a job starts in {_start_up(choice.job)}, a function in {_start_up(choice.function)}"] = None
        yield f"  placed          {choice.layer.name}: {choice.layer.executor.service}, {_reason(choice)}"
    yield from (f"                  {line}" for line in assumed)


def _start_up(forecast: Forecast) -> str:
    return f"{forecast.start_up:g} s{' as measured' if forecast.measured else ''}"


def _reason(choice: Choice) -> str:
    if choice.job is None or choice.function is None:
        return str(choice.obstacle)
    job, function = f"a job {_text(choice.job)}", f"a function {_text(choice.function)}"
    compared = f"{function}, {job}" if choice.moves else f"{job}, {function}"
    return f"{choice.obstacle}: {compared}" if choice.obstacle else compared


def _text(forecast: Forecast) -> str:
    return f"{forecast.seconds:,.1f} s and ${forecast.dollars:,.6f}"

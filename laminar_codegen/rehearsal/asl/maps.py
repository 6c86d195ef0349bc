"""Map states: a machine for each of some items, in the execution or, if it is distributed, in executions of their own.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map.html
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from laminar_codegen.limits import DISTRIBUTED_MAP_CHILDREN, MAP_CONCURRENCY
from laminar_codegen.rehearsal.asl.clock import AbortedError
from laminar_codegen.rehearsal.asl.definition import Map
from laminar_codegen.rehearsal.asl.errors import QUERY, NamedError
from laminar_codegen.rehearsal.asl.evaluation import Evaluation
from laminar_codegen.rehearsal.asl.execution import Execution
from laminar_codegen.rehearsal.asl.scopes import Scope, check_size
from laminar_codegen.rehearsal.asl.templates import View

__all__ = ["MapServices", "run_children", "run_items"]

_EXCEEDED = "States.ExceedToleratedFailureThreshold"
_UNREADABLE = "States.ItemReaderFailed"


@attrs.frozen
class MapServices:
    """What distributed Maps need.

    Args:
        live: Runs a child to its end, however that is.
        read: Gives the text of an object of S3, given the evaluation, the state's name and the arguments.
    """

    live: Callable[[Execution], Any]
    read: Callable[[Evaluation, str, Mapping[str, Any]], Any]


async def run_items(
    evaluation: Evaluation, scope: Scope, state: Map, retries: int, run: Callable[[Scope], Any]
) -> list[Any]:
    """Run the items of a Map in the execution, and give their outputs."""
    view = evaluation.view(scope, state, retries=retries)
    limit = evaluation.number(scope, state.concurrency, view, "MaxConcurrency") or MAP_CONCURRENCY
    if not scope.inner:  # else it is redriven: iterations that ended are not run again
        items = scope.payload if state.items is None else evaluation.evaluate(scope, state.items, view)
        scope.inner = [
            Scope(state.processor, payload, scope.visible, item)
            for item, payload in _payloads(evaluation, scope, state, retries, items)
        ]
    evaluation.note(scope, "MapStateStarted", length=len(scope.inner))
    waiting = iter([(place, inner) for place, inner in enumerate(scope.inner) if not inner.ended])

    async def work() -> None:
        for place, inner in waiting:
            inner.last = scope.last
            about = {"name": state.name, "index": place}
            evaluation.note(inner, "MapIterationStarted", **about)
            try:
                await run(inner)
            except (NamedError, AbortedError) as error:
                failed = isinstance(error, NamedError)
                evaluation.note_end(inner, "MapIterationFailed" if failed else "MapIterationAborted", **about)
                if isinstance(error, NamedError):
                    error.event = inner.last
                raise
            evaluation.note(inner, "MapIterationSucceeded", **about)

    workers = min(limit, MAP_CONCURRENCY, len(scope.inner))
    await evaluation.clock.gather(work() for _ in range(workers))
    scope.last = max([inner.last for inner in scope.inner], default=scope.last)
    return _results(evaluation, scope, [inner.payload for inner in scope.inner])


async def run_children(
    evaluation: Evaluation, scope: Scope, state: Map, retries: int, services: MapServices
) -> list[Any]:
    """Run the items of a Map in executions of their own, and give their outputs; None of those that failed."""
    view = evaluation.view(scope, state, retries=retries)
    limit = evaluation.number(scope, state.concurrency, view, "MaxConcurrency") or DISTRIBUTED_MAP_CHILDREN
    if not scope.children:
        items = await _distributed_items(evaluation, scope, state, view, services)
        scope.children = list(_children(evaluation, scope, state, retries, items))
    evaluation.note(scope, "MapStateStarted", length=len(scope.children))
    evaluation.note(scope, "MapRunStarted", mapRunArn=_map_run(evaluation.execution, state))
    waiting = iter([child for child in scope.children if child.status != "SUCCEEDED"])
    failed = 0

    async def work() -> None:
        nonlocal failed
        for child in waiting:
            if child.status != "RUNNING":
                child.restart()
            await services.live(child)
            failed += child.status != "SUCCEEDED"
            if not _is_tolerated(evaluation, scope, state, view, failed):
                error = NamedError(_EXCEEDED, "The specified tolerated failure threshold was exceeded")
                evaluation.note_end(scope, "MapRunFailed", **error.details)
                raise error

    workers = min(limit, DISTRIBUTED_MAP_CHILDREN, len(scope.children))
    await evaluation.clock.gather(work() for _ in range(workers))
    evaluation.note(scope, "MapRunSucceeded")
    return _results(evaluation, scope, [child.output for child in scope.children])


async def _distributed_items(
    evaluation: Evaluation, scope: Scope, state: Map, view: View, services: MapServices
) -> Any:
    if state.reader is None:
        return scope.payload if state.items is None else evaluation.evaluate(scope, state.items, view)
    arguments = evaluation.evaluate(scope, state.reader, view)
    try:
        return json.loads(await services.read(evaluation, state.name, arguments))
    except (NamedError, ValueError) as error:
        raise NamedError(_UNREADABLE, str(error)) from error


def _map_run(execution: Execution, state: Map) -> str:
    machine = execution.arn.replace(":execution:", ":mapRun:").rpartition(":")[0]
    return f"{machine}/{state.label}:{_identifier(execution.arn, state.name)}"


def _identifier(*names: object) -> uuid.UUID:
    """Return an id that is the same each time."""
    return uuid.uuid5(uuid.NAMESPACE_URL, "/".join(map(str, names)))


def _is_tolerated(evaluation: Evaluation, scope: Scope, state: Map, view: View, failed: int) -> bool:
    if not failed:
        return True
    count, percentage = (
        None if template is None else evaluation.number(scope, template, view, "A tolerance")
        for template in (state.tolerated_count, state.tolerated_percentage)
    )
    if count is None and percentage is None:
        return False
    beyond = count is not None and failed > count
    return not beyond and (percentage is None or 100 * failed / len(scope.children) <= percentage)


def _children(evaluation: Evaluation, scope: Scope, state: Map, retries: int, items: Any) -> Iterator[Execution]:
    """Yield the executions. They do not see the variables outside."""
    parent = evaluation.execution
    for item, payload in _payloads(evaluation, scope, state, retries, items):
        name = str(_identifier(parent.arn, state.name, retries, item["Index"]))
        machine = f"{parent.machine_arn}/{state.label}"
        yield Execution(state.processor, machine, name, payload, parent.clock, parent.role)


def _payloads(
    evaluation: Evaluation, scope: Scope, state: Map, retries: int, items: Any
) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield each item as the context shows it, with what its machine is given."""
    if not isinstance(items, list):
        problem = f"The items of {state.name!r} are no array: {items!r}"
        raise evaluation.refusal(scope, NamedError(QUERY, problem))
    for index, value in enumerate(items):
        item, payload = {"Index": index, "Value": value}, value
        if state.selector is not None:
            inner = evaluation.view(scope, state, retries=retries, item=item)
            payload = evaluation.evaluate(scope, state.selector, inner)
        check_size(payload, "An item")
        yield item, payload


def _results(evaluation: Evaluation, scope: Scope, results: list[Any]) -> list[Any]:
    check_size(results, "The result of a state")
    evaluation.note(scope, "MapStateSucceeded")
    return results

"""Replays of the state machines of compiled flows, with known durations of their layers."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.ir.plan import Pack
from laminar_codegen.planning.pack_schedule import pack_seconds
from laminar_codegen.rehearsal.asl.errors import NamedError
from laminar_codegen.rehearsal.simulated.replaying import Replayed, replay
from laminar_codegen.rehearsal.simulated.services import (
    Attempt,
    BatchJobs,
    Call,
    Functions,
    Invocation,
    Objects,
    Services,
)
from laminar_codegen.render.terraform_json import render_machine
from laminar_runtime import _records, indexes, task_environment
from laminar_runtime.planner.job_groups import arrays
from laminar_runtime.planner.planner import LayerPlan
from laminar_runtime.splits.packing import splits_per_job
from laminar_runtime.storage.layout import answer_key, cache_prefix

__all__ = ["profiled_services", "replay_flow"]

#: The references to planners, as `laminar_codegen.ir.labels.planner_functions` labels them.
_PLANNER = re.compile(r"aws_lambda_function\.(\w+_)?planner(_[0-9a-f]+)?\.arn")

_ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:"


def replay_flow(
    machines: Sequence[StateMachine],
    *,
    services: Services,
    references: Mapping[str, str] | None = None,
    **options: Any,
) -> Replayed:
    """Replay the state machines of a flow.

    Args:
        machines: The state machines that `laminar_codegen.lower_states.states` emits.
        services: The services that its tasks call, for example `profiled_services`.
        references: The values of Terraform references that matter. The value of any other reference is its own text.
        **options: More options of `laminar_codegen.rehearsal.simulated.replay`: ``input``, ``name``, ``overhead`` and
            ``seed``.

    Returns:
        The result of the replay.

    Example:
        ``replay_flow(compile_flow("flow.py").machines, services=profiled_services({"Load": 60})).seconds``
    """
    # Events start companions, and here are none.
    machines = [machine for machine in machines if not machine.companion]
    arns = {f"aws_sfn_state_machine.{machine.name}.arn": f"{_ARN}{machine.name}" for machine in machines}
    known = _References(
        {
            "local.partition": "aws",
            "local.datastore_bucket": "bucket",
            "local.datastore_prefix": "",
            **arns,
            **(references or {}),
        }
    )
    main, *nested = (render_machine(machine, known) for machine in machines)
    others = dict(zip(list(arns.values())[1:], nested, strict=True))
    return replay(main, services=services, machines=others, **options)


def profiled_services(  # noqa: PLR0913 - what the time of an execution depends on, all but the layers by name
    seconds: Mapping[str, float],
    *,
    splits: Mapping[str, int] | None = None,
    limits: Mapping[str, int] | None = None,
    otherwise: float = 0,
    planning: float = 0,
    packs: Iterable[Pack] = (),
    start_up: float = 0,
) -> Services:
    """Return services for a compiled flow: all jobs and functions succeed, with known durations.

    The planner lets every layer run. Its functions are recognised by the references to them, its jobs by the question
    in their environment: a job leaves its answer where the state after it reads it.

    Args:
        seconds: The duration of each layer: of its job, of each child of its array job, or of each call of a function.
        splits: The number of splits of layers; the default is 1.
        limits: The ``max_concurrency`` of layers that have one: their children run one split after the other.
        otherwise: The duration of the other layers.
        planning: The duration of each answer of the planner.
        packs: The packs of the plan. A job of one takes as long as its layers do in their order.
        start_up: Seconds before the layers of a job start.

    Returns:
        The services.
    """
    planner, objects = _Planner(splits or {}, limits or {}), _Objects()

    packed = {task_environment.spell_pack(pack.cpu, pack.memory, pack.names): pack for pack in packs}

    def take(attempt: Attempt) -> float:
        if _question(attempt) is not None:
            return planning
        if task_environment.PACK in attempt.environment:
            pack = packed[attempt.environment[task_environment.PACK]]
            return start_up + pack_seconds(pack, {name: seconds.get(name, otherwise) for name in pack.names})
        return start_up + seconds.get(attempt.layer, otherwise) * _splits_of(attempt)

    def answer(attempt: Attempt) -> None:
        question = _question(attempt)
        if question is not None:
            plan = planner.plan(attempt.layer, json.loads(question))
            objects.answers[answer_key("", "", attempt.job.id)] = json.dumps(plan)

    def run(invocation: Invocation) -> Any:
        return planner.plan(invocation.payload["layer"], invocation.payload) if _plans(invocation) else None

    def duration(invocation: Invocation) -> float:
        return planning if _plans(invocation) else seconds.get(invocation.payload["layer"], otherwise)

    jobs = BatchJobs(run=answer, seconds=take)
    return Services(jobs=jobs, functions=Functions(run=run, seconds=duration), objects=objects)


def _question(attempt: Attempt) -> str | None:
    """Return the question to a planner that is a job, None if a job is no planner."""
    return attempt.job.request.environment.get(task_environment.PLAN_QUESTION)


def _plans(invocation: Invocation) -> bool:
    return _PLANNER.fullmatch(invocation.name) is not None


@attrs.define
class _Objects(Objects):
    """The objects, and the answers of planners that are jobs, whatever the bucket and the flow of their keys are."""

    answers: dict[str, str] = attrs.field(factory=dict)

    def _text(self, call: Call) -> str:
        flow, _, rest = str(call.arguments.get("Key", "")).partition(cache_prefix(""))
        known = self.answers.get(f"{cache_prefix('')}{rest[rest.find('/') :]}") if flow else None
        return super()._text(call) if known is None else known


@attrs.frozen
class _Planner:
    """Plans layers like `laminar_runtime.planner`. No layer is skipped, and each has one attempt."""

    splits: Mapping[str, int]
    limits: Mapping[str, int]

    def plan(self, layer: str, request: Mapping[str, Any]) -> Any:
        """Return the answer to a question about a layer."""
        if "record" in request:
            return {}
        if "plan" in request:
            raise NamedError("ExecutionError", f"layer '{layer}' failed")
        splits = self.splits.get(layer, 1)
        limit = self.limits.get(layer, splits)
        if "split_seconds" in request:
            limit = math.ceil(splits / splits_per_job(request["split_seconds"], splits))
        plan = LayerPlan(splits=splits, groups=[_group(group, splits, limit) for group in arrays(range(splits))])
        return _records.plain(plan)


def _splits_of(attempt: Attempt) -> int:
    """Return how many splits a job runs: one, or its share if it claims them and all take the same time."""
    _, _, children = attempt.environment.get(task_environment.LAYER_CLAIMS, "").rpartition(".")
    splits = int(attempt.environment.get(task_environment.LAYER_SPLITS, "1"))
    return len(range(attempt.index or 0, splits, int(children))) if children else 1


def _group(group: Sequence[int], splits: int, limit: int) -> dict[str, Any]:
    spelled, size = indexes.spell(group), min(limit, len(group))
    # The fields that hooks may change are present, with the values of the job definition.
    chosen: dict[str, Any] = {"attempt": 1, "command": [], "resources": [], "claims": f"1-0.{size}"}
    return {"size": size, "indexes": spelled, "splits": splits, **chosen}


class _References(dict[str, str]):
    """The values of references. The value of an unknown reference is its own text."""

    def __missing__(self, expression: str) -> str:
        return expression

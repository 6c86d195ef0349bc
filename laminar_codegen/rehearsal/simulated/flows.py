"""Replays the state machines of compiled flows, whose layers take as long as is known of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from laminar_codegen.ir.asl import StateMachine
from laminar_codegen.rehearsal.asl.errors import NamedError
from laminar_codegen.rehearsal.simulated.replaying import Replayed, replay
from laminar_codegen.rehearsal.simulated.services import BatchJobs, Functions, Invocation, Services
from laminar_codegen.render.terraform_json import render_machine
from laminar_runtime import _records, indexes
from laminar_runtime.planner.job_groups import arrays
from laminar_runtime.planner.planner import LayerPlan

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
        machines: What `laminar_codegen.lower_states.states` emits of it.
        services: What answers its tasks, such as `profiled_services`.
        references: The values of Terraform's references that matter. The others stand for themselves.
        **options: Further options of `laminar_codegen.rehearsal.simulated.replay`: ``input``, ``name``, ``overhead``
            and ``seed``.

    Returns:
        How it went.

    Example:
        ``replay_flow(compile_flow("flow.py").machines, services=profiled_services({"Load": 60})).seconds``
    """
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


def profiled_services(
    seconds: Mapping[str, float], *, splits: Mapping[str, int] | None = None, otherwise: float = 0
) -> Services:
    """Services that run a compiled flow: each layer's jobs and functions take as long as is known, and succeed.

    The planner takes no time, and lets every layer run. Its functions are known by the references to them.

    Args:
        seconds: How long each layer takes: its job, each child of its array job, or each call of its function.
        splits: Into how many splits layers fan out, one unless given.
        otherwise: How long the other layers take.

    Returns:
        The services.
    """
    jobs = BatchJobs(seconds=lambda attempt: seconds.get(attempt.layer, otherwise))
    planner = _Planner(splits or {})

    def run(invocation: Invocation) -> Any:
        return planner.plan(invocation) if _plans(invocation) else None

    def taken(invocation: Invocation) -> float:
        return 0 if _plans(invocation) else seconds.get(invocation.payload["layer"], otherwise)

    return Services(jobs=jobs, functions=Functions(run=run, seconds=taken))


def _plans(invocation: Invocation) -> bool:
    return _PLANNER.fullmatch(invocation.name) is not None


@attrs.frozen
class _Planner:
    """Answers as `laminar_runtime.planner` does, of layers that are not skipped and have one attempt."""

    splits: Mapping[str, int]

    def plan(self, invocation: Invocation) -> Any:
        """Return the plan of the layer that an invocation asks about."""
        layer = invocation.payload["layer"]
        if "record" in invocation.payload:
            return {}
        if "plan" in invocation.payload:
            raise NamedError("ExecutionError", f"layer '{layer}' failed")
        splits = self.splits.get(layer, 1)
        plan = LayerPlan(splits=splits, groups=[_group(group, splits) for group in arrays(range(splits))])
        return _records.plain(plan)


def _group(group: Sequence[int], splits: int) -> dict[str, Any]:
    spelled = indexes.spell(group)
    # What hooks may decide is there, too: as the job definition has it.
    return {"size": len(group), "indexes": spelled, "splits": splits, "attempt": 1, "command": [], "resources": []}


class _References(dict[str, str]):
    """The values of references, of those that are not known themselves."""

    def __missing__(self, expression: str) -> str:
        return expression

"""State machines of random flows, run by sfnx, an interpreter that is not ours."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sfnx.testing import Call, Execution, Failure, run

from laminar_codegen.ir.asl import all_states
from laminar_codegen.ir.graph import Graph
from laminar_codegen.lower_states.states import emit_states
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.render.terraform_json import render_machine
from tests.support.random_graphs import dags, graph_of, in_order

Depends = dict[str, set[str]]
WIDTHS = (0, 1, 2, 5)


class References(dict[str, str]):
    """Values of the references that matter here; the others stand for themselves."""

    def __missing__(self, expression: str) -> str:
        return expression


REFERENCES = References(
    {
        "local.partition": "aws",
        "local.datastore_bucket": "bucket",
        "local.datastore_prefix": "pre/fix/",
    }
)


@attrs.define
class Services:
    """Lambda, Batch and S3 as far as a state machine calls them."""

    widths: Mapping[str, int] = attrs.field(factory=dict)
    failures: dict[str, int] = attrs.field(factory=dict)
    jobs: list[tuple[str, dict[str, Any]]] = attrs.field(factory=list)
    objects: dict[str, Any] = attrs.field(factory=dict)
    records: dict[str, Any] = attrs.field(factory=dict)
    done: list[str] = attrs.field(factory=list)
    answers: dict[str, str] = attrs.field(factory=dict)

    def __call__(self, call: Call) -> object:
        """Answer a call."""
        arguments: Any = call.arguments
        service = call.resource.removeprefix("arn:aws:states:::")
        if service == "lambda:invoke":
            assert set(arguments) == {"FunctionName", "Payload"}
            assert arguments["Payload"]["execution"] == "execution"
            payload = arguments["Payload"]
            return {"Payload": self._plan(payload["layer"], payload), "StatusCode": 200, "Big": "x" * 999}
        if service == "aws-sdk:s3:putObject":
            self.objects[f"{arguments['Bucket']}/{arguments['Key']}"] = arguments["Body"]
            return {"ETag": "x" * 99}
        if service == "aws-sdk:s3:getObject":
            return {"Body": self.answers[arguments["Key"].rpartition("/")[2]], "Big": "x" * 999}
        assert service == "batch:submitJob.sync"
        environment = {item["Name"]: item["Value"] for item in arguments["ContainerOverrides"]["Environment"]}
        assert all(isinstance(text, str) for text in environment.values())
        layer = environment["LAMINAR_LAYER_NAME"]
        if "LAMINAR_PLAN_QUESTION" in environment:
            job = f"plan-{len(self.answers)}"
            self.answers[f"{job}.json"] = json.dumps(
                self._plan(layer, json.loads(environment["LAMINAR_PLAN_QUESTION"]))
            )
            return {"JobId": job}
        self.jobs.append((layer, {**arguments, "Environment": environment}))
        if self.failures.get(layer, 0):
            self.failures[layer] -= 1
            raise Failure("States.TaskFailed", "it failed")
        self.done.append(layer)
        return {"JobId": "job", "Container": {"Command": ["x" * 999]}}

    def _plan(self, layer: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer of the planner: of a function, or of a job."""
        splits = self.widths[layer]
        if "record" in request:
            self.records[layer] = request["record"]
            return {}
        edges = [splits * place // max(1, -(-splits // 10_000)) for place in range(-(-splits // 10_000) + 1)]
        groups = [
            {"size": end - start, "indexes": f"{start}-{end - 1}", "splits": splits, "attempt": 1}
            for start, end in itertools.pairwise(edges)
        ]
        return {"run": True, "splits": splits, "attempt": 1, "wait": 0, "groups": groups}


def _run(graph: Graph, services: Services, given: object = None) -> Execution:
    (machine,) = emit_states(graph, make_plan(graph))
    names = [state.name for state in all_states(machine.states)]
    assert len(set(names)) == len(names)
    assert all(0 < len(name) <= 80 for name in names)
    return run(json.loads(render_machine(machine, REFERENCES)), {} if given is None else given, services)


@given(dags(most=15), st.data())
def test_layers_run_once_and_after_what_they_depend_on(depends: Depends, data: st.DataObject) -> None:
    """Each layer's job is submitted once, after those of all layers that it depends on ended."""
    wide = data.draw(st.sets(st.sampled_from(sorted(depends))))
    services = Services({name: data.draw(st.sampled_from(WIDTHS[1:])) for name in wide})
    ended = _run(graph_of(depends, fans_out=wide), services)
    assert sorted(services.done) == sorted(depends)
    assert in_order(depends, services.done)
    assert len(json.dumps(ended.output)) < 100


@given(dags(most=15))
def test_no_state_is_there_for_nothing(depends: Depends) -> None:
    """A flow without fan-outs takes a transition for its input, each layer, and each group of branches."""
    graph = graph_of(depends)
    services = Services()
    ended = _run(graph, services)
    parallel = [state for state in all_states(emit_states(graph, make_plan(graph))[0].states) if "|" in state.name]
    assert len(ended.states) == 1 + len(depends) + len(parallel)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_fan_out_goes_the_way_of_its_width(width: int) -> None:
    """No split is only noted, one is a plain job, more are one array job: at most four transitions either way."""
    graph = graph_of({"Before": set(), "Wide": {"Before"}, "After": {"Wide"}}, fans_out=["Wide"])
    services = Services({"Wide": width})
    ended = _run(graph, services, {"parameters": {"items": [1]}})
    steps = [state for state in ended.states if state.startswith("Wide")]
    assert steps == ["Wide plan", "Wide splits", *(["Wide"] * bool(width)), "Wide record"]
    jobs = [job for layer, job in services.jobs if layer == "Wide"]
    assert [job.get("ArrayProperties") for job in jobs] == {0: [], 1: [{}]}.get(width, [{"Size": width}])
    assert [job["Environment"]["LAMINAR_LAYER_SPLITS"] for job in jobs] == [str(width)] * bool(width)
    assert [job["Environment"]["LAMINAR_LAYER_INDEXES"] for job in jobs] == [f"0-{width - 1}"] * bool(width)
    assert services.objects == {"bucket/pre/fix/Random/.cache/execution/.input.json": {"parameters": {"items": [1]}}}
    assert services.records == {"Wide": {"splits": width}}
    assert ended.states[-1] == "After"
    assert ended.output == {}


@pytest.mark.parametrize("length", [1, 2, 10, 60])
def test_a_chain_takes_a_transition_for_each_layer(length: int) -> None:
    """What N layers one after the other cost is N transitions, and one to keep the input, whoever reads it."""
    depends = {f"L{i}": {f"L{i - 1}"} if i else set() for i in range(length)}
    assert len(_run(graph_of(depends), Services()).states) == length + 1
    with_parameters = {**depends, "L0": {"Parameters"}}
    assert len(_run(graph_of(with_parameters), Services()).states) == length + 1


@pytest.mark.parametrize("execution_input", [{}, {"parameters": {"day": "{% $states %}"}}, [1], "text", 0])
def test_the_input_is_kept_as_it_is(execution_input: object) -> None:
    """Whatever an execution is started with is kept for the tasks, and reaches no state as its payload."""
    services = Services()
    ended = _run(graph_of({"A": {"Parameters"}, "B": {"A"}}), services, execution_input)
    assert services.objects == {"bucket/pre/fix/Random/.cache/execution/.input.json": execution_input}
    assert ended.output == {}


@pytest.mark.parametrize("width", [10_000, 10_001, 1_000_000])
def test_a_wide_fan_out_is_as_few_array_jobs_as_there_can_be(width: int) -> None:
    """Ten thousand splits take four transitions, a million 103."""
    services = Services({"Wide": width})
    ended = _run(graph_of({"Wide": set()}, fans_out=["Wide"]), services)
    arrays = -(-width // 10_000)
    # The flow's parameters, over which it fans out, are kept first.
    assert len(ended.states) - 1 == 3 + arrays
    sizes = [job["ArrayProperties"]["Size"] for _, job in services.jobs]
    assert sum(sizes) == width
    assert all(2 <= size <= 10_000 for size in sizes)


@given(st.integers(1, 6), st.integers(0, 8))
def test_a_failed_job_is_submitted_again(attempts: int, failures: int) -> None:
    """A layer is tried as often as it asks for, and finds out itself which attempt it is; then the execution fails."""
    graph = graph_of({"A": set()}, attempts={"A": attempts})
    services = Services({}, {"A": failures})
    ended = _run(graph, services)
    tried = min(attempts, failures + 1)
    assert ["LAMINAR_LAYER_ATTEMPT" in job["Environment"] for _, job in services.jobs] == [False] * tried
    assert ended.error == (None if failures < attempts else "States.TaskFailed")
    assert services.done == (["A"] if failures < attempts else [])


@pytest.mark.parametrize(("attempts", "starts"), [(1, None), (2, 5), (7, 10), (10, 10)])
def test_splits_are_retried_by_batch(attempts: int, starts: int | None) -> None:
    """An array job is submitted once: Batch starts each child again, three times more than the layer has attempts.

    So splits that finished are not run twice, and a container that does not start takes no attempt.
    """
    services = Services({"A": 3}, {"A": 1})
    ended = _run(graph_of({"A": set()}, fans_out=["A"], attempts={"A": attempts}), services)
    assert ended.error == "States.TaskFailed"
    ((_, job),) = services.jobs
    assert job.get("RetryStrategy", {"Attempts": None})["Attempts"] == starts
    assert "LAMINAR_LAYER_ATTEMPT" not in job["Environment"]


def test_nothing_follows_a_failure() -> None:
    """When a branch fails for good, what depends on it does not start and the error is the execution's."""
    services = Services({}, {"Bad": 1})
    ended = _run(graph_of({"Start": set(), "Bad": {"Start"}, "Good": {"Start"}, "End": {"Bad", "Good"}}), services)
    assert ended.error == "States.TaskFailed"
    assert "End" not in services.done


@given(st.lists(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,63}", fullmatch=True), min_size=2, max_size=12, unique=True))
def test_state_names_are_unique_and_short_whatever_layers_are_called(names: list[str]) -> None:
    """Names as long as the compiler allows them make state names that Step Functions takes, each once."""
    names = [name for name in names if name != "Parameters"]
    first, rest = names[0], names[1:]
    depends: Depends = {first: set(), **{name: {first} for name in rest[::2]}, **{name: set() for name in rest[1::2]}}
    ended = _run(graph_of(depends, fans_out=names), Services(dict.fromkeys(names, 2)))
    assert ended.output == {}
    assert len([state for state in ended.states if "|" not in state]) == 4 * len(names) + 1

"""The rules that a flow must keep, at their edges: the golden invalid flows show how their breach is reported."""

from __future__ import annotations

import math
from typing import Any

import attrs
import pytest

from laminar_codegen.allocate import longest_name
from laminar_codegen.checks.graph import CHAIN_RULES, RULES, check, check_definitions
from laminar_codegen.ir.graph import Container, Dimension, Graph, LayerNode, Retry
from laminar_codegen.ir.placement import Target
from laminar_codegen.ir.state_names import parallel
from laminar_codegen.lower_states.states import emit_states
from laminar_codegen.planning.make_plan import make_plan
from laminar_codegen.problems import CompileError, Location, Problem
from laminar_codegen.problems.rules import LAM007, LAM010, LAM011, LAM020
from laminar_codegen.targets.aws_lambda.target import LambdaTarget
from laminar_codegen.targets.batch.target import BatchTarget
from laminar_runtime.splits.job_container import FARGATE_MEMORY, fargate_size

LAYER = LayerNode(
    name="A",
    location=Location("flow.py", 7),
    summary="",
    depends=(),
    hints=(),
    hooks=(),
    container=Container(("python", "main.py"), 1, 1500, None, None),
    foreach=(),
    retry=Retry(1, 0.1, 2, 0.1),
    executor=BatchTarget(),
)
GRAPH = Graph("Report", Location("flow.py", 3), "", (LAYER,), in_memory=False, timeout=86400)
EDGE = (Dimension("Parameters", "items", 0),)


def _codes(graph: Graph) -> list[str]:
    try:
        check([graph])
    except CompileError as error:
        return [problem.code for problem in error.problems]
    return []


def _with(**changes: Any) -> Graph:
    return attrs.evolve(GRAPH, layers=(attrs.evolve(LAYER, **changes),))


FARGATE, EC2, LAMBDA = BatchTarget(), BatchTarget("EC2"), LambdaTarget(40, 900)
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:splunk-AbCdEf"
SPLUNK = (("splunk-token", ARN), ("splunk-url", "https://logs.example.com"))


def _placed(executor: Target, **container: Any) -> Graph:
    """Return a flow of one layer, in a container like the default one, run by something."""
    return _with(executor=executor, container=attrs.evolve(LAYER.container, **container))


def _fanned(**container: Any) -> Graph:
    """Return a flow of one layer that fans out, in a container like the default one."""
    return _with(foreach=EDGE, container=attrs.evolve(LAYER.container, **container))


def _beside(one: Graph, other: Graph) -> Graph:
    """Return a flow of the layers of two."""
    return attrs.evolve(one, layers=(*one.layers, *(attrs.evolve(layer, name="B") for layer in other.layers)))


@pytest.mark.parametrize(
    ("graph", "codes"),
    [
        (GRAPH, []),
        (attrs.evolve(GRAPH, layers=()), ["LAM007"]),
        (attrs.evolve(GRAPH, in_memory=True), ["LAM021"]),
        (attrs.evolve(GRAPH, flow="F" * 46), []),
        (attrs.evolve(GRAPH, flow="F" * 47), ["LAM026"]),
        (attrs.evolve(GRAPH, flow="Überblick"), ["LAM026"]),
        (attrs.evolve(GRAPH, timeout=60), []),
        (attrs.evolve(GRAPH, timeout=59.9), ["LAM027"]),
        (attrs.evolve(GRAPH, timeout=1_209_600), []),
        (attrs.evolve(GRAPH, timeout=1_209_601), ["LAM027"]),
        (attrs.evolve(GRAPH, timeout=math.inf), ["LAM027"]),
        (attrs.evolve(GRAPH, timeout=math.nan), ["LAM027"]),
        (_with(name="L" * 64), []),
        (_with(name="L" * 65), ["LAM026"]),
        (_with(depends=("A",)), ["LAM020"]),
        (_with(depends=("Parameters",)), []),
        (_with(hooks=(("execution", "around"),)), []),
        (_with(hooks=(("submission", "larger"), ("retry", "more"))), []),
        (_with(hooks=(("entry", "gate"), ("execution", "around"))), []),
        (_with(foreach=EDGE), []),
        (_with(foreach=(Dimension("Gone", "items", None),)), ["LAM014"]),
        (_with(foreach=EDGE, retry=Retry(10, 0.1, 2, 0.1)), []),
        (_with(foreach=EDGE, retry=Retry(11, 0.1, 2, 0.1)), ["LAM025"]),
        (_with(retry=Retry(100, 0.1, 2, 0.1)), []),
        (_with(retry=Retry(2, 99_999_999, 2, 0.1)), []),
        (_with(retry=Retry(2, 100_000_000, 2, 0.1)), ["LAM029"]),
        (_with(retry=Retry(100_000_000, 0.1, 2, 0.1)), ["LAM029"]),
        (_with(retry=Retry(2, math.inf, 2, 0.1)), ["LAM029"]),
        (_with(retry=Retry(2, math.nan, 2, 0.1)), ["LAM029"]),
        (_with(retry=Retry(2, 1, math.inf, 0.1)), ["LAM029"]),
        (_with(container=Container((), 1, 1500, None, None)), ["LAM024"]),
        (_with(container=Container(("x",), 32, 249_856, None, None)), []),
        (_with(container=Container(("x",), 32, 249_857, None, None)), ["LAM023"]),
        (_with(container=Container(("x",), 32.1, 512, None, None)), ["LAM023"]),
        (_with(container=Container(("x",), 0.01, 1, None, None)), []),
        (_with(container=Container(("x",), 0, 512, None, None)), ["LAM023"]),
        (_with(container=Container(("x",), 1, 0, None, None)), ["LAM023"]),
        (_with(container=Container(("x",), -1, 512, None, None)), ["LAM023"]),
        (_placed(FARGATE, gpu=1), ["LAM031"]),
        (_placed(EC2, gpu=1), []),
        (_placed(EC2, cpu=3, memory=4), []),
        (_placed(EC2, cpu=200, memory=2_000_000), []),
        (_placed(EC2, cpu=2.5), ["LAM035"]),
        (_placed(EC2, cpu=0), ["LAM035"]),
        (_placed(EC2, memory=3), ["LAM035"]),
        (_placed(FARGATE, architecture="arm64", spot=True), []),
        (_placed(EC2, architecture="arm64"), []),
        (_placed(FARGATE, ephemeral_storage=20), ["LAM033"]),
        (_placed(FARGATE, ephemeral_storage=21), []),
        (_placed(FARGATE, ephemeral_storage=200), []),
        (_placed(FARGATE, ephemeral_storage=201), ["LAM033"]),
        (_placed(EC2, ephemeral_storage=100), ["LAM033"]),
        (_placed(LAMBDA, ephemeral_storage=1), []),
        (_placed(LAMBDA, ephemeral_storage=10), []),
        (_placed(LAMBDA, ephemeral_storage=11), ["LAM033"]),
        (_placed(FARGATE, log_driver="gelf"), ["LAM034"]),
        (_placed(EC2, log_driver="gelf"), []),
        (_placed(EC2, log_driver="awsfirelens"), ["LAM034"]),
        (_placed(FARGATE, log_options=(("awslogs-region", "eu-west-1"),)), ["LAM034"]),
        (_placed(FARGATE, log_options=(("mode", "non-blocking"),)), []),
        (_placed(FARGATE, log_driver="splunk"), ["LAM034"]),
        (_placed(FARGATE, log_driver="splunk", log_options=SPLUNK), []),
        (_placed(FARGATE, log_driver="splunk", log_options=(("splunk-token", "hush"), SPLUNK[1])), ["LAM034"]),
        (_placed(LAMBDA, memory=128), []),
        (_placed(LAMBDA, memory=127), ["LAM036"]),
        (_placed(LAMBDA, memory=10_240), []),
        (_placed(LAMBDA, memory=10_241), ["LAM036"]),
        (_placed(LambdaTarget(40, 1)), []),
        (_placed(LambdaTarget(40, 0.5)), ["LAM037"]),
        (_placed(LambdaTarget(40, 901)), ["LAM037"]),
        (_placed(LambdaTarget(40)), ["LAM037"]),
        (attrs.evolve(_placed(LambdaTarget(40)), timeout=30), []),
        (_placed(BatchTarget("EC2", 30)), ["LAM027"]),
        (attrs.evolve(_placed(BatchTarget("EC2", 60)), timeout=30), []),
        (_placed(LAMBDA, cpu=2), ["LAM038"]),
        (_placed(LAMBDA, gpu=1, spot=True), ["LAM038"] * 2),
        (_placed(LAMBDA, secrets=(("TOKEN", ARN),)), ["LAM038"]),
        (_placed(LAMBDA, log_driver="splunk", log_options=SPLUNK), ["LAM038"] * 2),
        (_placed(LAMBDA, image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/flow:1"), []),
        (_placed(LAMBDA, image="public.ecr.aws/team/flow:1"), ["LAM039"]),
        (_placed(FARGATE, image="public.ecr.aws/team/flow:1"), []),
        (attrs.evolve(_placed(FARGATE, image="public.ecr.aws/team/flow:1"), linked=True), ["LAM039"]),
        (_fanned(image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/flow:1"), []),
        (_fanned(image="public.ecr.aws/team/flow:1"), ["LAM039"]),
        (_beside(_placed(EC2), _placed(EC2, architecture="arm64")), ["LAM032"]),
        (_beside(_placed(EC2), _placed(EC2, architecture="arm64", spot=True)), []),
        (_beside(_placed(EC2), _placed(FARGATE, architecture="arm64")), []),
        (_beside(_placed(LAMBDA), _placed(FARGATE, architecture="arm64")), ["LAM040"]),
        (_beside(_placed(LAMBDA), _placed(FARGATE, architecture="arm64", image="other:1")), []),
        (_beside(_with(foreach=EDGE), _placed(FARGATE, architecture="arm64")), ["LAM040"]),
        (attrs.evolve(_beside(_placed(FARGATE), _placed(FARGATE, architecture="arm64")), linked=True), ["LAM040"]),
    ],
)
def test_each_rule_at_its_edge(graph: Graph, codes: list[str]) -> None:
    """What is just allowed is compiled, and what is just not is refused with its own code."""
    assert _codes(graph) == codes


@pytest.mark.parametrize(
    ("cpu", "memory", "size"),
    [
        (0.25, 512, (0.25, 512)),
        (0.25, 513, (0.25, 1024)),
        (0.25, 2049, (0.5, 3072)),
        (0.5, 512, (0.5, 1024)),
        (0.5, 4097, (1, 5120)),
        (1, 512, (1, 2048)),
        (1, 1500, (1, 2048)),
        (1, 8193, (2, 9216)),
        (2, 16_385, (4, 17_408)),
        (3, 512, (4, 8192)),
        (4, 30_720, (4, 30_720)),
        (4, 30_721, (8, 32_768)),
        (8, 16_385, (8, 20_480)),
        (8, 61_441, (16, 65_536)),
        (16, 32_769, (16, 40_960)),
        (16, 122_881, (32, 249_856)),
        (17, 1, (32, 61_440)),
        (32, 61_441, (32, 122_880)),
        (32, 249_857, None),
        (33, 1, None),
    ],
)
def test_the_smallest_size_that_holds_a_container(cpu: float, memory: int, size: tuple[float, int] | None) -> None:
    """A container is rounded up to the smallest size that AWS Fargate offers, or refused if none holds it."""
    assert fargate_size(cpu, memory) == size


def test_the_sizes_of_fargate() -> None:
    """The table is AWS's: https://docs.aws.amazon.com/batch/latest/APIReference/API_ResourceRequirement.html."""
    steps = {0.5: (1024, 4096, 1024), 1: (2048, 8192, 1024), 2: (4096, 16384, 1024), 4: (8192, 30720, 1024)}
    steps |= {8: (16384, 61440, 4096), 16: (32768, 122880, 8192)}
    listed: dict[float, tuple[int, ...]] = {0.25: (512, 1024, 2048), 32: (61440, 122880, 249856)}
    listed |= {cpu: tuple(range(low, high + 1, step)) for cpu, (low, high, step) in steps.items()}
    assert listed == FARGATE_MEMORY


def test_every_rule_is_named_for_what_it_checks() -> None:
    """Rules are functions with a sentence each, and none stands twice in the list."""
    rules = (*RULES, *CHAIN_RULES)
    assert all(rule.__doc__ and rule.__doc__.splitlines()[0].endswith(".") for rule in rules)
    assert len(set(rules)) == len(rules)


def test_problems_are_reported_in_the_order_of_the_file() -> None:
    """All problems are reported at once, by line and then by code, each with where, what and how to mend it."""
    problems = [
        Problem(Location("flow.py", 10), LAM011, "ten", "mend ten"),
        Problem(Location("flow.py", 9), LAM020, "nine", "mend nine", "Report.Nine"),
        Problem(Location("flow.py", 9), LAM010, "first", "mend first"),
        Problem(Location("flow.py"), LAM007, "whole", "mend all"),
    ]
    assert str(CompileError(problems)) == (
        "flow.py: LAM007 whole\n  fix  mend all\n"
        "flow.py:9: LAM010 first\n  fix  mend first\n"
        "flow.py:9: LAM020 nine\n  at   Report.Nine\n  fix  mend nine\n"
        "flow.py:10: LAM011 ten\n  fix  mend ten"
    )


@pytest.mark.parametrize(("layers", "fits"), [(1000, True), (2500, False)])
def test_a_definition_that_is_too_large_is_refused(layers: int, fits: bool) -> None:  # noqa: FBT001
    """Step Functions accepts definitions of 1 MB: the error for a larger flow has the figure and the way out."""
    graph = attrs.evolve(GRAPH, layers=tuple(attrs.evolve(LAYER, name=f"Layer{i}") for i in range(layers)))
    machine = emit_states(graph, make_plan(graph))
    if fits:
        check_definitions(graph, machine)
        return
    with pytest.raises(CompileError, match=r"^flow.py:3: LAM028 .* bytes; Step Functions accepts 1048576\n  fix "):
        check_definitions(graph, machine)


@pytest.mark.parametrize("names", [["A" * 64, "B" * 64], ["A" * 64] * 99, ["A", "B"] * 500, ["A" * 39, "B" * 38]])
def test_names_of_parallel_states_are_short(names: list[str]) -> None:
    """However many layers a Parallel state runs, its name is one that Step Functions accepts, and one to read."""
    name = parallel(names)
    assert 0 < len(name) <= 80
    assert name == name.strip(" |")


def test_parts_of_a_chained_flow_have_names() -> None:
    """A deployment's longest name leaves room for those of the machines that a large flow of a chain is nested in."""
    first = attrs.evolve(GRAPH, flow="F" * 37, prefix=f"{'f' * 37}_")
    chain = (first, attrs.evolve(GRAPH, flow="G", prefix="g_", linked=True))
    assert longest_name(chain) == 80 - len(f"-{first.prefix}part_999")


def test_a_chain_has_a_flow_once() -> None:
    """Two flows of a chain with one name, or nearly one, would share labels and results."""
    graph = attrs.evolve(GRAPH, prefix="report_")
    with pytest.raises(CompileError) as refused:
        check([graph, attrs.evolve(graph, linked=True)])
    assert [problem.code for problem in refused.value.problems] == ["LAM042"]


def test_names_of_a_chain_leave_room_for_a_deployment() -> None:
    """State machines are named after the deployment and the flow: two long names are too long together."""
    graphs = [
        attrs.evolve(GRAPH, flow=letter * 40, prefix=f"{letter.lower() * 40}_", linked=letter == "B") for letter in "AB"
    ]
    with pytest.raises(CompileError) as refused:
        check(graphs)
    assert [problem.code for problem in refused.value.problems] == ["LAM043"]

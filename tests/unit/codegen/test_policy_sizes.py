"""Policies stay within what IAM takes, however many containers, secrets, repositories and flows there are."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from laminar_codegen.limits import ROLE_POLICY_CHARACTERS
from laminar_codegen.lower_terraform.iam_roles import permissions
from laminar_codegen.lower_terraform.policy_limits import policy_warnings
from laminar_codegen.pipeline import Compilation
from laminar_codegen.policies.sizes import prefix_patterns
from laminar_codegen.problems import CompileError
from tests.support.policies import NAME, allows, policies

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
BEGIN = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import Container, ForEach, Parameter

class Report(Flow): ...
"""
LAYER = """
@Report.register({options})
class Step{number}(Layer):
    def __call__(self) -> None: ...
"""


def flow(options: list[str]) -> str:
    """Return a flow of a layer for each options of a registration."""
    return BEGIN + "".join(LAYER.format(options=one, number=place) for place, one in enumerate(options))


def images(count: int) -> list[str]:
    """Return layers of images of their own."""
    return [f"container=Container(image='{HOST}/tools/tool-{number}:1.0')" for number in range(count)]


def lengths(compilation: Compilation) -> dict[str, int]:
    """Return how long they are, as IAM counts."""
    found = policies(compilation)
    return {label: len(json.dumps(policy, separators=(",", ":"))) for label, policy in found.items()}


def definition(label: str, name: str = NAME) -> str:
    """Return the ARN of a revision of a job definition."""
    return f"arn:aws-us-gov:batch:us-isof-south-1:123456789012:job-definition/{name}-{label}:7"


@pytest.mark.parametrize("count", [1, 20, 57, 60, 300])
def test_many_containers(compiled: Callable[[str], Compilation], count: int) -> None:
    """Layers of images of their own have policies that fit, under the longest name, and that permit each of them."""
    compilation = compiled(flow(images(count)))
    assert max(lengths(compilation).values()) <= ROLE_POLICY_CHARACTERS
    found = policies(compilation)
    labels = [block.label for block in compilation.document.resources if block.type == "aws_batch_job_definition"]
    assert len(labels) == count
    assert all(allows(found["state_machine"], "batch:SubmitJob", definition(label)) for label in labels)
    pulled = [f"arn:aws-us-gov:ecr:eu-west-1:123456789012:repository/tools/tool-{number}" for number in range(count)]
    assert all(allows(found["execution"], "ecr:BatchGetImage", repository) for repository in pulled)


def test_patterns_stay_within_the_deployment(compiled: Callable[[str], Compilation]) -> None:
    """What is beyond names is of this deployment, not of one whose name begins as its own; nor of another namespace."""
    found = policies(compiled(flow(images(300))), "report")
    for other in (definition("fargate_x", "report-2"), definition("fargate", "reports"), definition("x", "other")):
        assert not allows(found["state_machine"], "batch:SubmitJob", other)
    for other in ("tools/else", "others/tool-1", "tool-1"):
        arn = f"arn:aws-us-gov:ecr:eu-west-1:123456789012:repository/{other}"
        assert not allows(found["execution"], "ecr:BatchGetImage", arn)


def test_what_fits_is_named(compiled: Callable[[str], Compilation]) -> None:
    """Policies have no patterns as long as they can do without: they are as narrow as can be, and stay as they were."""
    statements = policies(compiled(flow(images(20))))["state_machine"]["Statement"]
    (submitting,) = (body for body in statements if body["Sid"] == "SubmitJobs")
    assert len([item for item in submitting["Resource"] if "/N" in item]) == 40


def secrets(names: list[str]) -> str:
    """Return a flow of layers with many secrets each."""
    parts = [names[at : at + 20] for at in range(0, len(names), 20)]
    return flow(
        [
            f"container=Container(secrets={ {f'S{place}': f'{SECRET}{name}' for place, name in enumerate(part)}!r})"
            for part in parts
        ]
    )


@pytest.mark.parametrize("suffix", ["-AbCdEf", "", "-AbCdEf:key::"])
def test_many_secrets(compiled: Callable[[str], Compilation], suffix: str) -> None:
    """Secrets whose names begin alike may all be read, and no others, where there are too many to be named."""
    names = [f"report/step-{number}{suffix}" for number in range(240)]
    compilation = compiled(secrets(names))
    assert max(lengths(compilation).values()) <= ROLE_POLICY_CHARACTERS
    policy = policies(compilation)["execution"]
    for number in range(240):
        assert allows(policy, "secretsmanager:GetSecretValue", f"{SECRET}report/step-{number}-AbCdEf")
    for other in ("report/other-AbCdEf", "reports/step-1-AbCdEf", "x-AbCdEf"):
        assert not allows(policy, "secretsmanager:GetSecretValue", f"{SECRET}{other}")


def test_secrets_that_share_nothing(compiled: Callable[[str], Compilation]) -> None:
    """What cannot be named and has no beginning in common is refused, with the figure and what helps."""
    with pytest.raises(
        CompileError, match=r"LAM056 the policy of the role that starts the containers .* is up to \d"
    ) as raised:
        compiled(secrets([f"{number}x-AbCdEf" for number in range(240)]))
    assert "keep several values under keys of one secret, as in ARN:key::" in str(raised.value)


def test_wider_than_named_is_found(compiled: Callable[[str], Compilation]) -> None:
    """That secrets and images are had by patterns is a warning; that names within the deployment are is none."""
    wide, narrow = compiled(flow(images(150))), compiled(flow(images(60)))
    (warning,) = policy_warnings(wide.deployment)
    assert (
        str(warning)
        .partition(" ")[2]
        .startswith("LAM057 warning: the role that starts the containers of tasks may read")
    )
    assert policy_warnings(narrow.deployment) == []


def test_many_functions(compiled: Callable[[str], Compilation]) -> None:
    """Functions, and the logs of functions, are named after the deployment."""
    compilation = compiled(flow(["executor=executors.AWS.Lambda(timeout=60)"] * 300))
    assert max(lengths(compilation).values()) <= ROLE_POLICY_CHARACTERS


LINKER = """
from laminar_runtime import Parameters

def link(execution):
    return Parameters()
"""
CHAINED = """
class F{number}{name}(Flow): ...

@F{number}{name}.register
class A(Layer):
    def __call__(self) -> None:
        self.shard(x=[1])

@F{number}{name}.register(foreach=ForEach(parameters=[Parameter(layer=A, attribute="x")]))
class B(Layer):
    def __call__(self, a: A) -> None: ...
"""


@pytest.mark.parametrize("count", [2, 12, 20])
def test_many_flows(compiled: Callable[[str], Compilation], count: int) -> None:
    """A chain of flows has policies that fit: its machines are named after the deployment."""
    texts = [CHAINED.format(number=number, name="OfTheChain") for number in range(count)]
    rest = "".join(f".next(flow=F{number}OfTheChain(), linker=link)" for number in range(1, count))
    compilation = compiled(
        BEGIN.replace("class Report(Flow): ...", LINKER) + "".join(texts) + f"\nF0OfTheChain()(){rest}\n"
    )
    name = "N" * 20
    found = policies(compilation, name)
    assert max(len(json.dumps(policy, separators=(",", ":"))) for policy in found.values()) <= ROLE_POLICY_CHARACTERS
    machine = f"arn:aws-us-gov:states:us-isof-south-1:123456789012:stateMachine:{name}-f{count - 1}-of-the-chain-flow"
    assert allows(found["state_machine"], "states:StartExecution", machine)


def test_a_chain_that_is_too_long(compiled: Callable[[str], Compilation]) -> None:
    """Where even that is too much it is refused, with what helps."""
    texts = [CHAINED.format(number=number, name="OfTheChain") for number in range(60)]
    rest = "".join(f".next(flow=F{number}OfTheChain(), linker=link)" for number in range(1, 60))
    with pytest.raises(CompileError, match="LAM056 the policy of the role that the planner has is up to") as raised:
        compiled(BEGIN.replace("class Report(Flow): ...", LINKER) + "".join(texts) + f"\nF0OfTheChain()(){rest}\n")
    assert "deploy the flows of the chain as several chains" in str(raised.value)


def test_lengths_are_not_guessed_too_low(compiled: Callable[[str], Compilation]) -> None:
    """What the compiler counts with is at least what IAM gets, and not much more."""
    compilation = compiled(flow(images(30)))
    counted = {label: granted.length for label, granted in permissions(compilation.deployment).items()}
    for label, length in lengths(compilation).items():
        assert length <= counted[label] <= length + 1_000


@pytest.mark.parametrize(
    ("texts", "most", "patterns"),
    [
        (["a", "b"], 2, ["a", "b"]),
        (["a/x", "a/y", "b"], 2, ["a/*", "b"]),
        (["a/x", "a/y", "b/x", "b/y"], 3, ["a/*", "b/x", "b/y"]),
        (["a/b/x", "a/b/y", "a/c"], 1, ["a/*"]),
        (["ab", "ac"], 1, ["ab", "ac"]),
        (["t-1", "t-10", "t-11"], 1, ["t-*"]),
        ([], 1, []),
    ],
)
def test_beginnings(texts: list[str], most: int, patterns: list[str]) -> None:
    """The patterns are as narrow as can be, end where a part of a name ends, and are never for everything."""
    assert prefix_patterns(texts, most) == patterns

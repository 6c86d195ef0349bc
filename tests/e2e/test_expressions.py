"""What Terraform itself makes of expressions in a document: what variables take, and which repositories there are."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.allocate import allocate
from laminar_codegen.frontend.build_graph import build_graph
from laminar_codegen.frontend.loader import load
from laminar_codegen.ir import ecr
from laminar_codegen.lower_terraform.variables import emit_variables
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.render.terraform_json import render_document
from tests.support.terraform_harness import terraform_executable

pytestmark = pytest.mark.e2e

Evaluate = Callable[[Mapping[str, str]], dict[str, Any]]

FLOW = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations import executors

class Report(Flow): ...

@Report.register(executor=executors.AWS.Lambda(timeout=60))
class A(Layer):
    def __call__(self) -> None: ...

@Report.register
class B(Layer):
    def __call__(self) -> None: ...
"""
ACCOUNT = "123456789012"
#: Every form of the host of a registry, by region and domain.
HOSTS = [
    f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com",
    f"{ACCOUNT}.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
    f"{ACCOUNT}.dkr-ecr.eu-west-1.on.aws",
    f"{ACCOUNT}.dkr-ecr-fips.us-east-1.on.aws",
    f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn",
    f"{ACCOUNT}.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
    f"{ACCOUNT}.dkr.ecr.eusc-de-east-1.amazonaws.eu",
    f"{ACCOUNT}.dkr-ecr.eusc-de-east-1.on.amazonwebservices.eu",
    f"{ACCOUNT}.dkr.ecr.us-iso-east-1.c2s.ic.gov",
    f"{ACCOUNT}.dkr.ecr.us-isob-east-1.sc2s.sgov.gov",
    f"{ACCOUNT}.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk",
    f"{ACCOUNT}.dkr.ecr.us-isof-south-1.csp.hci.ic.gov",
    f"{ACCOUNT}.dkr-ecr.us-iso-east-1.on.aws.ic.gov",
    f"{ACCOUNT}.dkr-ecr.us-isob-east-1.on.aws.scloud",
    f"{ACCOUNT}.dkr-ecr.eu-isoe-west-1.on.cloud-aws.adc-e.uk",
    f"{ACCOUNT}.dkr-ecr.us-isof-south-1.on.aws.hci.ic.gov",
]
ELSEWHERE = [
    "public.ecr.aws/docker/library/python:3.12",
    "ghcr.io/team/flow:1",
    f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com.evil.example/flow:1",
    f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.org/flow:1",
    f"evil.example/{HOSTS[0]}/flow:1",
    "12345.dkr.ecr.eu-west-1.amazonaws.com/flow:1",
    f"{HOSTS[0]}/*",
]


@pytest.fixture
def evaluate(tmp_path: Path) -> Evaluate:
    """Gives the values of expressions, all by one run of Terraform."""

    def run(*words: str) -> str:
        command = [terraform_executable(), *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def values(expressions: Mapping[str, str]) -> dict[str, Any]:
        outputs = {f"o{place}": {"value": f"${{{text}}}"} for place, text in enumerate(expressions.values())}
        (tmp_path / "main.tf.json").write_text(json.dumps({"output": outputs}), encoding="utf-8")
        run("apply", "-auto-approve", "-input=false")
        found = json.loads(run("output", "-json"))
        return {name: found[f"o{place}"]["value"] for place, name in enumerate(expressions)}

    return values


def accepted(variable: str, values: list[Any], evaluate: Evaluate, folder: Path) -> list[Any]:
    """Return the values that a variable of a document accepts."""
    file = folder / "flow.py"
    file.write_text(FLOW, encoding="utf-8")
    (found,) = (item for item in emit_variables(allocate([build_graph(load(str(file)))], ())) if item.name == variable)
    conditions = [f"({item.condition})" for item in found.validation]
    assert conditions
    asked = {
        str(place): " && ".join(conditions).replace(f"var.{variable}", json.dumps(value))
        for place, value in enumerate(values)
    }
    return [value for value, taken in zip(values, evaluate(asked).values(), strict=True) if taken]


@pytest.mark.parametrize(
    ("variable", "good", "bad"),
    [
        (
            "datastore_root",
            ["s3://bucket", "s3://bucket/", "s3://team.bucket-1/a/b_c.d(e)=f!/"],
            [
                "s3://bucket/*",
                "s3://bucket/a*/b",
                "s3://bucket/?",
                "s3://b*t/x",
                "s3://bucket//a",
                "s3://bucket/../other",
                "s3://bucket/.",
                "/srv/artifacts",
                "s3://bucket/a b",
            ],
        ),
        (
            "kms_key_arn",
            [None, "arn:aws:kms:eu-west-1:123456789012:key/mrk-0123456789abcdef0123456789abcdef"],
            ["arn:aws:kms:eu-west-1:123456789012:key/*", "arn:aws:kms:*:123456789012:key/a", "arn:aws:kms:a:1:key/a"],
        ),
        ("datastore_kms_key_arn", [None], ["arn:aws:kms:eu-west-1:123456789012:key/?"]),
        (
            "job_queue_arn",
            ["arn:aws:batch:eu-west-1:123456789012:job-queue/a_B-1"],
            ["arn:aws:batch:eu-west-1:123456789012:job-queue/*", "arn:aws:batch:eu-west-1:123456789012:job-queue/a?"],
        ),
        (
            "task_role_arn",
            [None, "arn:aws:iam::123456789012:role/path/a+b=c,d.e@f_g-h"],
            ["arn:aws:iam::123456789012:role/*", "arn:aws:iam::123456789012:role/a?"],
        ),
        (
            "permissions_boundary_arn",
            [None, "arn:aws:iam::aws:policy/PowerUserAccess"],
            ["arn:aws:iam::123456789012:policy/*"],
        ),
        ("name", ["Report", "r-1_b"], ["*", "Report*", "Rep?rt", "1", ""]),
        ("image", [f"{host}/team/flow:1" for host in HOSTS], ELSEWHERE[:-1]),
    ],
)
def test_what_variables_take(
    variable: str, good: list[Any], bad: list[Any], evaluate: Evaluate, tmp_path: Path
) -> None:
    """No value that would be a pattern in a policy, or another place than it says, passes the validation."""
    assert accepted(variable, [*good, *bad], evaluate, tmp_path) == good


def test_repositories(evaluate: Evaluate) -> None:
    """All forms of hosts are known, here as by Terraform, and nothing else is taken for one of them."""
    images = [*(f"{host}/team/flow@sha256:ab" for host in HOSTS), f"{HOSTS[0]}/a.b_c-d/e:1", *ELSEWHERE]
    found = evaluate({image: f'regexall("{ecr.REPOSITORY}", {json.dumps(image)})' for image in images})
    here = {image: ecr.repository_of(image) for image in images}
    assert found == {image: [[part.account, part.region, part.name]] if part else [] for image, part in here.items()}
    assert [image for image in images if here[image] is None] == ELSEWHERE
    assert {part.region for part in here.values() if part} >= {"eu-west-1", "us-gov-west-1", "us-isob-east-1"}


def test_more_repositories_than_a_policy_can_name(evaluate: Evaluate, tmp_path: Path) -> None:
    """The repository of the deployment's image is found besides the patterns of the others."""
    layers = "".join(
        f"""
@Report.register(container=Container(image="{HOSTS[0]}/tools/tool-{number}:1"))
class L{number}(Layer):
    def __call__(self) -> None: ...
"""
        for number in range(150)
    )
    begin = "from laminar_runtime.configurations.layers import Container\n"
    file = tmp_path / "flow.py"
    file.write_text(begin + FLOW + layers, encoding="utf-8")
    local = json.loads(render_document(compile_flow(str(file)).document))["locals"]
    assert local["images"] == ["${var.image}"]
    expression = local["repositories"].removeprefix("${").removesuffix("}")
    patterns = [item.replace("${local.partition}", "aws") for item in local["repository_patterns"]]
    for name, value in (
        ("local.images", [f"{HOSTS[2]}/team/flow:7"]),
        ("local.repository_patterns", patterns),
        ("local.partition", "aws"),
    ):
        expression = expression.replace(name, json.dumps(value))
    own = f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/team/flow"
    assert evaluate({"found": expression})["found"] == [own, *patterns]
    assert len(patterns) <= 64

"""Documents are deployed as they stand: what is declared is made, and what is not understood is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.pipeline import compile_flow
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.rehearsal.deploy import account_of, document_of, find_deployment
from laminar_codegen.rehearsal.document.configuration import read_text
from laminar_codegen.rehearsal.document.deploying import Deployed, deploy_configuration
from laminar_codegen.rehearsal.document.errors import DocumentError
from laminar_codegen.rehearsal.document.given import Given

GOLDEN = Path(__file__).parents[2] / "golden"
CASES = sorted(file.parent.name for file in GOLDEN.glob("*/flow.py"))
#: What the rehearsal says of goldens: no value of these secrets is in the environment.
SECRETS = {
    "ec2": ["PASSWORD", "TOKEN"],
    "environments": ["BY_ARN", "GIVEN_PARAMETER", "GIVEN_SECRET", "PARAMETER", "SECRET"],
}
STATEMENT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    with EmbeddedAws(workspace=Workspace(directory=tmp_path_factory.mktemp("image"))) as aws:
        yield aws


@pytest.fixture
def aws(embedded: EmbeddedAws) -> EmbeddedAws:
    """Give an embedded AWS in which nothing is."""
    embedded.reset()
    return embedded


Deploy = Callable[..., tuple[Deployed, list[str]]]


@pytest.fixture
def deploy(aws: EmbeddedAws) -> Deploy:
    """Give a function that deploys a document, and returns its warnings, too."""

    def deployed(document: Any, given: Given | None = None) -> tuple[Deployed, list[str]]:
        warnings: list[str] = []
        text = document if isinstance(document, str) else json.dumps(document)
        return deploy_configuration(read_text(text), given or Given(), account_of(aws), warnings.append), warnings

    return deployed


def resource(type_: str, label: str = "x", **arguments: Any) -> dict[str, Any]:
    return {"resource": {type_: {label: arguments}}}


@pytest.mark.parametrize("case", CASES)
def test_goldens(case: str, deploy: Deploy, aws: EmbeddedAws) -> None:
    """The document of each golden flow is deployed, all of it is understood, and applications find the flow."""
    compilation = compile_flow(str(GOLDEN / case / "flow.py"))
    text = document_of(compilation)
    deployed, warnings = deploy(text)
    of_this_machine = (
        "the folder of the volume is made",
        "jobs are processes here",
        "is not applied",
        "(vpc_config) are not applied",
    )
    warnings = [warning for warning in warnings if not any(text in warning for text in of_this_machine)]
    assert [warning.split(" has the value", 1)[0].rpartition(" ")[2] for warning in warnings] == SECRETS.get(case, [])
    declared = {f"{type_}.{label}" for type_, labels in json.loads(text)["resource"].items() for label in labels}
    assert {made.address.partition("[")[0] for made in deployed.resources} == declared
    found = find_deployment(aws, compilation.source.flow.name)
    assert found.state_machine_arn == deployed.outputs["state_machine_arn"]
    assert found.name == deployed.outputs["deployment"]


def test_a_job_definition_has_all_that_is_declared(deploy: Deploy, aws: EmbeddedAws) -> None:
    """The registered job definition is that of the document, argument by argument."""
    compilation = compile_flow(str(GOLDEN / "ec2" / "flow.py"))
    text, flow = document_of(compilation), compilation.source.flow.name
    deploy(text)
    declared = json.loads(text)["resource"]["aws_batch_job_definition"]
    found = {item["jobDefinitionName"]: item for item in _all_definitions(aws)}
    assert len(found) == len(declared)
    for label, block in declared.items():
        made = found[block["name"].replace("${var.name}", flow)]
        assert made["platformCapabilities"] == block["platform_capabilities"], label
        assert made["timeout"] == {"attemptDurationSeconds": block["timeout"]["attempt_duration_seconds"]}
        assert made["retryStrategy"]["attempts"] == block["retry_strategy"]["attempts"]
        assert len(made["retryStrategy"]["evaluateOnExit"]) == len(block["retry_strategy"]["evaluate_on_exit"])
        assert made["propagateTags"] is True
    spot = found[f"{flow}-ec2_gpu_1_spot"]["containerProperties"]
    assert {"type": "GPU", "value": "1"} in spot["resourceRequirements"]


def _all_definitions(aws: EmbeddedAws) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = aws.client("batch").describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    return found


def test_what_is_not_rehearsed_is_named(deploy: Deploy) -> None:
    """A type, a data source, a block or an argument that is not understood is a line with its place."""
    document = {
        "resource": {
            "aws_vpc": {"main": {"cidr_block": "10.0.0.0/16"}},
            "aws_cloudwatch_log_group": {"x": {"name": "a", "colour": "${aws_vpc.main.id}", "tags": {"a": "b"}}},
            "aws_scheduler_schedule": {
                "x": {
                    "name": "a",
                    "flexible_time_window": {"mode": "OFF", "minutes": 1},
                    "schedule_expression": "rate(1 hour)",
                    "target": {
                        "arn": "arn:aws:sqs:us-east-1:123456789012:q",
                        "role_arn": "arn:aws:iam::123456789012:role/r",
                    },
                }
            },
        },
        "data": {"aws_vpcs": {"all": {}}},
        "import": {"id": "a", "to": "aws_vpc.main"},
    }
    assert deploy(document)[1] == [
        "main.tf.json: the block import is not rehearsed",
        "main.tf.json: aws_vpc.main: the resource type aws_vpc is not rehearsed; its attributes are made up",
        "main.tf.json: aws_cloudwatch_log_group.x: argument colour is not rehearsed",
        "main.tf.json: aws_scheduler_schedule.x: argument flexible_time_window.minutes is not rehearsed",
        "main.tf.json: data.aws_vpcs.all: the data source aws_vpcs is not rehearsed; its attributes are made up",
    ]


def test_a_schedule_that_aws_refuses(deploy: Deploy) -> None:
    """A variable may have any value, so both texts are checked when the schedule is made."""
    schedule = {
        "name": "a",
        "flexible_time_window": {"mode": "OFF"},
        "schedule_expression": "cron(bad)",
        "schedule_expression_timezone": "${var.zone}",
        "target": {"arn": "arn:aws:sqs:us-east-1:123456789012:q", "role_arn": "arn:aws:iam::123456789012:role/r"},
    }
    document = {"resource": {"aws_scheduler_schedule": {"x": schedule}}, "variable": {"zone": {"default": "Mars/Base"}}}
    with pytest.raises(
        DocumentError, match=r"aws_scheduler_schedule.x: AWS refuses .*'cron\(bad\)': it is neither"
    ) as error:
        deploy(document)
    assert "AWS refuses the schedule_expression_timezone 'Mars/Base': the IANA database has no such" in str(error.value)


def test_all_problems_at_once(deploy: Deploy) -> None:
    """What AWS refuses, or has no value, is reported with its place, each of them; what depends on it is left out."""
    document = {
        "resource": {
            "aws_iam_role": {"a": {"name": "a", "assume_role_policy": "{}"}, "b": {"name": "${local.x.y}"}},
            "aws_iam_role_policy": {
                "a": {"role": "${aws_iam_role.a.id}", "policy": "{}"},
                "b": {"role": "${aws_iam_role.b.id}", "policy": "{}"},
            },
            "aws_cloudwatch_log_group": {"n": {"name": "n", "retention_in_days": "${null + 1}"}},
            "aws_batch_job_definition": {"d": {"name": "d", "type": "container", "container_properties": "no"}},
            "aws_sfn_state_machine": {"s": {"name": "s", "definition": "{}"}},
        },
        "locals": {"x": {}},
    }
    with pytest.raises(DocumentError) as caught:
        deploy(document)
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[1] for line in lines] == [
        "aws_iam_role.b",
        "aws_iam_role_policy.a",
        "aws_cloudwatch_log_group.n",
        "aws_batch_job_definition.d",
        "aws_sfn_state_machine.s",
    ]
    assert "PutRolePolicy is refused: MalformedPolicyDocument" in lines[1]
    assert lines[0].endswith("argument name: ${local.x.y}: there is no attribute 'y'")
    assert lines[2].endswith("argument retention_in_days: ${null + 1}: a number is needed, and this is a null")
    assert "argument container_properties is not JSON" in lines[3]
    assert 'Missing required parameter in input: "roleArn"' in lines[4]


def test_instances(deploy: Deploy) -> None:
    """`count` and `for_each` make instances, `dynamic` blocks, and conditions are held."""
    document = {
        "variable": {"names": {"type": "set(string)", "default": ["b", "a"]}},
        "locals": {"policy": {"Version": "2012-10-17", "Statement": [STATEMENT]}},
        "resource": {
            "terraform_data": {
                "counted": {"count": 2, "input": "${count.index}"},
                "each": {"for_each": "${var.names}", "input": "${each.key}-${each.value}"},
            },
            "aws_iam_role": {
                "r": {
                    "name": "r",
                    "assume_role_policy": "{}",
                    "dynamic": {
                        "inline_policy": {
                            "for_each": "${var.names}",
                            "content": {"name": "${inline_policy.value}", "policy": "${jsonencode(local.policy)}"},
                        }
                    },
                }
            },
        },
        "output": {
            "counted": {"value": "${terraform_data.counted[*].output}"},
            "each": {"value": '${terraform_data.each["a"].output}'},
            "inline": {"value": "${aws_iam_role.r.inline_policy[*].name}"},
        },
    }
    assert deploy(document)[0].outputs == {"counted": [0, 1], "each": "a-a", "inline": ["a", "b"]}
    broken = resource(
        "terraform_data",
        input="a",
        lifecycle={"postcondition": {"condition": '${self.output == "b"}', "error_message": "It is ${self.output}."}},
    )
    with pytest.raises(DocumentError, match=r"^main\.tf\.json: terraform_data\.x: It is a\.$"):
        deploy(broken)


def test_variables(deploy: Deploy) -> None:
    """Variables have the values that are given, of their types; their rules are held, and all are needed."""
    document = {
        "variable": {
            "n": {"type": "number"},
            "tags": {"type": "map(string)", "default": {}},
            "s": {
                "type": "string",
                "default": "a",
                "validation": {"condition": "${length(var.s) == 1}", "error_message": "One letter."},
            },
        },
        "output": {"all": {"value": ["${var.n}", "${var.tags}", "${var.s}"]}},
    }
    given = Given(values={"tags": {"a": 1}}, texts={"n": "1", "s": "b"})
    assert deploy(document, given)[0].outputs == {"all": [1, {"a": "1"}, "b"]}
    with pytest.raises(DocumentError) as caught:
        deploy(document, Given(texts={"s": "bb", "m": "1"}, options=frozenset({"s", "m"})))
    assert str(caught.value).splitlines() == [
        "--var m: the document has no variable of that name",
        "main.tf.json: var.n: it has no value: give it one, --var n=VALUE",
        "main.tf.json: var.s: One letter.",
    ]


def test_what_a_platform_has_is_made(deploy: Deploy, aws: EmbeddedAws) -> None:
    """A queue and a bucket that are given are made here, by their names."""
    document = {
        "variable": {name: {"type": "string"} for name in ("job_queue_arn", "datastore_root", "image")},
        "output": {"all": {"value": ["${var.job_queue_arn}", "${var.datastore_root}", "${var.image}"]}},
    }
    given = {
        "job_queue_arn": "arn:aws:batch:eu-west-1:999999999999:job-queue/team",
        "datastore_root": "s3://team-artifacts/x",
        "image": "team/flow:1",
    }
    deployed, warnings = deploy(document, Given(values=given))
    here = "arn:aws:batch:us-east-1:123456789012:job-queue/team"
    assert deployed.outputs["all"] == [here, "s3://team-artifacts/x", "team/flow:1"]
    assert warnings == [f"main.tf.json: variable job_queue_arn: a queue of that name was made here, {here}"]
    assert [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]] == ["team-artifacts"]


def test_a_deployment_that_is_not_found(aws: EmbeddedAws) -> None:
    """Without the SSM parameter an application finds nothing, and of several one is to be chosen."""
    with pytest.raises(DocumentError, match="the flow 'Report' is not deployed"):
        find_deployment(aws, "Report")
    for name in ("dev", "prod"):
        aws.client("ssm").put_parameter(Name=f"/laminar/{name}", Value="{}", Type="String")
    with pytest.raises(DocumentError, match=r"choose one, --deployment dev\|prod"):
        find_deployment(aws, "Report")
    assert find_deployment(aws, "Report", "dev").name == "dev"
    with pytest.raises(DocumentError, match="no deployment is named 'test': there are dev, prod"):
        find_deployment(aws, "Report", "test")

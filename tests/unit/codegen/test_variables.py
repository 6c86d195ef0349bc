"""Variables of a flow become variables of its document."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from laminar_codegen.command.main import main
from laminar_codegen.ir.inputs import variables_in
from laminar_codegen.lower_terraform.variable_names import check_variables
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.policies.statement import regional
from laminar_codegen.problems import CompileError
from laminar_codegen.rehearsal.document.evaluation import evaluate_json
from laminar_codegen.render.hcl import render_hcl
from laminar_codegen.targets.batch.secrets import read_statements
from laminar_codegen.targets.batch.validations import validations
from laminar_runtime import Variable
from tests.support.golden import CASES, document_of

FLOW = """
from laminar_runtime import Flow, Layer, Variable
from laminar_runtime.configurations import executors
from laminar_runtime.configurations.layers import EFS, Container, ForEach, Host, Parameter


class Report(Flow): ...


@Report.register(container=Container(image={one}))
class Load(Layer):
    def __call__(self) -> None: ...


@Report.register(container=Container(image={two}), executor={executor})
class Score(Layer):
    def __call__(self) -> None: ...


flow = Report()
"""


PLACE = {"local": {"partition": "aws", "region": "eu-west-1", "account_id": "123456789012"}}
HERE = "eu-west-1:123456789012"
NAMED = "arn:${{local.partition}}:ssm:${{local.region}}:${{local.account_id}}:parameter/{}"
TOKENS = ("hush", "secretsmanager:db-secret", "secretsmanager:db-secret-AbCdEf1:key::")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, one: str, two: str = "None", executor: str = "None") -> Path:
    file = folder / "flow.py"
    file.write_text(FLOW.format(one=one, two=two, executor=executor), encoding="utf-8")
    return file


def compiled(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert main([*options, "flow.py"]) == 0, capsys.readouterr().err
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_an_image_of_a_variable_is_a_reference(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The document declares it, uses it for the job, and finds its repository. The user's text stays text."""
    write(folder, 'Variable("worker", description="Costs ${5}.", default="own:1")')
    for options in ((), ("--module", "../flow")):
        document = compiled(capsys, *options)
        declared = document["variable"]["worker"]
        assert declared["description"] == "Costs ${5}."
        assert declared["default"] == "own:1"
        assert declared["type"] == "string"
        assert declared["nullable"] is False
        assert declared["validation"][0]["condition"] == '${can(regex("^[^[:space:]]+$", var.worker))}'
        images = {item["image"] for item in document["locals"]["containers"].values()}
        assert images == {"${var.image}", "${var.worker}"}
        assert document["locals"]["images"] == ["${var.image}", "${var.worker}"]
        assert document["locals"]["layers"]["Load"]["image"] == "${var.worker}"
    assert '  description = "Costs $${5}."\n  type        = string\n  default     = "own:1"\n' in render_hcl(
        compile_flow("flow.py").document
    )


def test_the_image_of_a_function_must_be_in_ecr(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """AWS Lambda accepts no other: the plan refuses one, as it does for the variable image."""
    write(folder, "None", 'Variable("model")', "executors.AWS.Lambda()")
    document = compiled(capsys)
    assert "dkr[.-]ecr" in document["variable"]["model"]["validation"][0]["condition"]
    assert "default" not in document["variable"]["model"]
    (function,) = document["resource"]["aws_lambda_function"].values()
    assert function["image_uri"] == "${var.model}"


def test_a_label_follows_from_the_name_of_a_variable(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A new default changes no label, another name does."""
    labels = []
    for variable in ('"one", default="a"', '"one", default="b"', '"two", default="a"'):
        write(folder, f"Variable({variable})")
        labels.append([*compiled(capsys)["resource"]["aws_batch_job_definition"]])
    assert labels[0] == labels[1] != labels[2]


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        (
            'Variable("worker", default="a")',
            'Variable("worker", default="b")',
            "flow.py:15: LAM080 layer 'Score' has Variable(name='worker', description='', default='b'), and layer",
        ),
        ('Variable("tags")', '"own:1"', "flow.py:10: LAM081 layer 'Load' has the Variable 'tags', and the document"),
    ],
)
def test_names_are_of_one_variable(folder: Path, one: str, two: str, expected: str) -> None:
    """Two that differ, and one with the name of the document's own, are refused with their places."""
    write(folder, one, two)
    with pytest.raises(CompileError) as error:
        compile_flow("flow.py")
    assert expected in str(error.value)
    write(folder, 'Variable("worker", default="a")', 'Variable("worker", default="a")')
    check_variables(compile_flow("flow.py").deployment)


def test_variables_are_found_wherever_they_are() -> None:
    """In maps, lists, and objects of both kinds of declarations."""
    value = {"a": [Variable("one")], "b": (1, None, {"c": Variable("two")})}
    assert [item.name for item in variables_in(value)] == ["one", "two"]


SECRETS = """
from laminar_runtime import Flow, Layer, Variable
from laminar_runtime.configurations.layers import Container


class Report(Flow): ...


@Report.register(container=Container({options}))
class Load(Layer):
    def __call__(self) -> None: ...


flow = Report()
"""


def local_value(document: dict[str, Any], name: str, scope: dict[str, Any]) -> Any:
    return evaluate_json(document["locals"][name], scope)


@pytest.mark.parametrize(
    ("given", "arn", "resource"),
    [
        ("ssm:/a/b", f"arn:aws:ssm:{HERE}:parameter/a/b", f"arn:aws:ssm:{HERE}:parameter/a/b"),
        ("ssm:a", f"arn:aws:ssm:{HERE}:parameter/a", f"arn:aws:ssm:{HERE}:parameter/a"),
        (
            "secretsmanager:team/db:key::",
            f"arn:aws:secretsmanager:{HERE}:secret:team/db:key::",
            f"arn:aws:secretsmanager:{HERE}:secret:team/db-??????",
        ),
        (
            "arn:aws:secretsmanager:us-east-1:210987654321:secret:db-AbCdEf:key:AWSCURRENT:",
            "arn:aws:secretsmanager:us-east-1:210987654321:secret:db-AbCdEf:key:AWSCURRENT:",
            "arn:aws:secretsmanager:us-east-1:210987654321:secret:db-AbCdEf",
        ),
    ],
)
def test_a_secret_is_the_same_by_its_name_and_by_a_variable(
    folder: Path, capsys: pytest.CaptureFixture[str], given: str, arn: str, resource: str
) -> None:
    """AWS Batch gets an ARN, and the execution role may read this secret and no other."""
    (folder / "flow.py").write_text(
        SECRETS.format(options=f"secrets={{'A': {given!r}, 'B': Variable('b-1', default={given!r})}}")
    )
    document = compiled(capsys)
    (container,) = document["locals"]["containers"].values()
    scope: dict[str, Any] = {**PLACE, "var": {"b-1": given}}
    local = {**PLACE["local"], "secret_arns": local_value(document, "secret_arns", scope)}
    scope["local"] = {**local, "read_secrets": local_value(document, "read_secrets", {**scope, "local": local})}
    assert [evaluate_json(item["valueFrom"], scope) for item in container["secrets"]] == [arn, arn]
    granted = {
        statement["Sid"]: evaluate_json(statement["Resource"], scope)
        for statement in document["locals"]["statements"]["execution"]
        if statement["Sid"].startswith("Read")
    }
    kind, other = ("Parameters", "Secrets") if ":ssm:" in resource else ("Secrets", "Parameters")
    assert granted == {f"Read{kind}": [resource], f"ReadGiven{kind}": [resource], f"ReadGiven{other}": []}


def test_many_names_become_patterns() -> None:
    """As for ARNs, so that a policy stays below IAM's limit; the names of one account and region are together."""
    names = [f"ssm:/report/token_{number}" for number in range(9)]
    (statement,) = read_statements(names, 8)
    assert statement.resources == (regional("ssm", "parameter/", "report/token_*"),)
    assert [len(statement.resources) for statement in read_statements(names, None)] == [9]


def test_a_variable_is_a_secret_where_an_option_always_is_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The token of splunk is one; another option of a variable is plain text."""
    options = (
        "log_driver='splunk', log_options={'splunk-token': Variable('token'), 'splunk-url': Variable('url', "
        "default='https://x'), 'splunk-index': 'ssm:/index'}"
    )
    (folder / "flow.py").write_text(SECRETS.format(options=options))
    document = compiled(capsys)
    (container,) = document["locals"]["containers"].values()
    assert container["logConfiguration"] == {
        "logDriver": "splunk",
        "options": {"splunk-url": "${var.url}"},
        "secretOptions": [
            {"name": "splunk-index", "valueFrom": NAMED.format("index")},
            {"name": "splunk-token", "valueFrom": '${local.secret_arns["token"]}'},
        ],
    }
    rules = document["variable"]["token"]["validation"]
    refused = [[evaluate_json(rule["condition"], {"var": {"token": text}}) for rule in rules] for text in TOKENS]
    assert refused == [[False, True], [True, False], [True, True]]
    assert "validation" not in document["variable"]["url"]


#: The number of an account, and the name of a region.
PINNED = re.compile(r"(?<![0-9a-f])[0-9]{12}(?![0-9a-f])|\b(?:us|eu|ap|ca|sa|me|af|il|cn)(?:-[a-z]+)+-[0-9]\b")
TEXTS_FOR_READERS = {"//", "description", "error_message"}


def pinned(value: Any) -> list[str]:
    """Return the accounts and regions in a document, except those of its texts for readers."""
    if isinstance(value, dict):
        return [found for key, item in value.items() if key not in TEXTS_FOR_READERS for found in pinned([key, item])]
    if isinstance(value, list):
        return [found for item in value for found in pinned(item)]
    return PINNED.findall(value) if isinstance(value, str) else []


@pytest.mark.parametrize("case", sorted(CASES))
def test_a_document_names_no_account_and_no_region(case: str) -> None:
    """One document serves all of them. Only ARNs and images that a flow itself names are of one place."""
    own = PINNED.findall((CASES[case] / "flow.py").read_text(encoding="utf-8"))
    assert {*pinned(document_of(case))} <= {*own}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("share", "research", None),
        ("share", "a" * 256, "The identifier of a share must be of 1 to 255 letters and digits."),
        ("share", "", "The identifier of a share must be of 1 to 255 letters and digits."),
        ("team", "größe: 1", None),
        ("team", "{% $states.input %}", "A tag must have at most 256 letters"),
        ("team", "a" * 257, "A tag must have at most 256 letters"),
        ("stage", "prod", None),
        ("stage", "", "A variable of an environment must not be empty: AWS Batch drops it."),
        ("login", "secretsmanager:registry", None),
        ("login", "ssm:registry", "The credentials of a registry must be a secret of Secrets Manager."),
        ("user", "1000:data", None),
        ("user", "", "The user of a task must be a name or a number"),
        ("user", "a:b:c", "The user of a task must be a name or a number"),
        ("folder", "/", None),
        ("folder", "/mod els/v1..2", None),
        ("folder", "models", "The value must be an absolute folder such as /models"),
        ("folder", "/models/", "The value must be an absolute folder such as /models"),
        ("folder", "/a/../b", "The value must be an absolute folder such as /models"),
        ("folder", "/a\\b", "The value must be an absolute folder such as /models"),
        ("folder", "/a" * 2049, "The value must be an absolute folder such as /models"),
        ("disk", '/a"b', "The value must be an absolute folder such as /models"),
        ("disk", "/mnt/disk.1", None),
    ],
)
def test_a_variable_has_what_aws_batch_accepts(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, value: str, expected: str | None
) -> None:
    """A plan refuses a share, a tag, a folder or a user that AWS Batch would refuse for each job."""
    container = 'None, registry_credentials=Variable("login"), tags={"team": Variable("team")}'
    container += ', environment={"STAGE": Variable("stage")}, user=Variable("user"), volumes=[EFS("fs-0123abcd", '
    container += '"/mnt/a", root=Variable("folder")), Host(Variable("disk"), "/mnt/b")]'
    on = 'executors.AWS.Batch(platform="EC2", queue="big", share_identifier=Variable("share"))'
    write(folder, "None", container, on)
    rules = compiled(capsys)["variable"][name]["validation"]
    (own,) = (
        rules for item, rules in validations(compile_flow("flow.py").deployment).items() if name in item.expression
    )
    assert [rule.message for rule in own] == [rule["error_message"] for rule in rules]
    broken = [rule["error_message"] for rule in rules if not evaluate_json(rule["condition"], {"var": {name: value}})]
    assert bool(broken) == bool(expected)
    assert all(message.startswith(expected or "") for message in broken)


def test_credentials_of_a_registry_are_found_by_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An environment names them as it names secrets: a job definition has the ARN."""
    write(folder, 'None, registry_credentials=Variable("login")')
    found = compiled(capsys)["locals"]
    (secret,) = {
        item["repositoryCredentials"]["credentialsParameter"]
        for item in found["containers"].values()
        if "repositoryCredentials" in item
    }
    arns = evaluate_json(found["secret_arns"], {**PLACE, "var": {"login": "secretsmanager:registry"}})
    arn = f"arn:aws:secretsmanager:{HERE}:secret:registry"
    assert evaluate_json(secret, {"local": {"secret_arns": arns}}) == arn


def test_an_empty_default_of_an_environment_is_refused(folder: Path) -> None:
    """AWS Batch would drop the variable, as it does with an empty text."""
    write(folder, 'None, environment={"STAGE": Variable("stage", default="")}')
    with pytest.raises(CompileError, match="LAM090 the environment of layer 'Load' has empty variables: STAGE"):
        compile_flow("flow.py")


SCHEDULED = """
from laminar_runtime import Flow, Layer, Variable
from laminar_runtime.configurations import schedulers
from laminar_runtime.configurations.triggers import Schedule


class Report(Flow): ...


@Report.register
class Load(Layer):
    def __call__(self) -> None: ...


flow = Report(scheduler=schedulers.AWS.StepFunctions({arguments}))
"""


@pytest.mark.parametrize("options", [(), ("--module", "../flow")])
@pytest.mark.parametrize(
    "arguments",
    [
        'schedule=Variable("every"), timezone=Variable("zone")',
        'triggers=[Schedule(Variable("every"), timezone=Variable("zone"), parameters={"a": 1})]',
    ],
)
def test_the_variables_of_a_schedule_have_a_form(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: str, options: tuple[str, ...]
) -> None:
    """A plan refuses a cron of five fields without its name, and a zone with a space."""
    (folder / "flow.py").write_text(SCHEDULED.format(arguments=arguments), encoding="utf-8")
    declared = compiled(capsys, *options)["variable"]
    for name, good, bad in (("every", "rate(1 day)", "0 6 * * *"), ("zone", "Europe/Berlin", "Europe/New York")):
        (rule,) = declared[name]["validation"]
        assert [evaluate_json(rule["condition"], {"var": {name: text}}) for text in (good, bad)] == [True, False]


def test_the_time_of_a_schedule_may_be_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty variable is no time."""
    given = 'triggers=[Schedule("rate(1 day)", end=Variable("end", default=""))]'
    (folder / "flow.py").write_text(SCHEDULED.format(arguments=given), encoding="utf-8")
    document = compiled(capsys)
    end = document["resource"]["aws_scheduler_schedule"]["schedule"]["end_date"]
    (rule,) = document["variable"]["end"]["validation"]
    for text, expected, valid in (("", None, True), ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", True)):
        assert evaluate_json(end, {"var": {"end": text}}) == expected
        assert evaluate_json(rule["condition"], {"var": {"end": text}}) is valid
    assert evaluate_json(rule["condition"], {"var": {"end": "soon"}}) is False

"""A self-contained document and one that calls the module ``flow`` deploy the same, argument by argument.

Both forms of a few flows, which between them have every kind of resource, are applied to an AWS that is empty each
time, each form by one plan. What they left in their states is compared. `test_flow_module.py` goes over from one form
to the other.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from laminar_codegen.ir.terraform import Document, Module
from laminar_codegen.pipeline import compile_flow
from laminar_codegen.rehearsal.aws import EmbeddedAws, Workspace
from laminar_codegen.render.terraform_json import render_document
from tests.e2e.conftest import provide
from tests.support.golden import CASES, document_of
from tests.support.terraform_harness import Terraform, serving_provider

MODULE = Path(__file__).parents[2] / "terraform_modules" / "flow"
#: The flows, by the name of their deployment: a schedule, functions, several flows and machines, jobs that are stopped,
#: reports and a dashboard.
FLOWS = {
    "everything-set": "scheduled",
    "roles-given": "scheduled",
    "Functions": "lambda",
    "Linked": "linked",
    "Stopped": "one_to_one",
    "Reported": "reported",
}
_KEYS = {
    "datastore_kms_key_arn": "arn:aws:kms:us-east-1:123456789012:key/1",
    "kms_key_arn": "arn:aws:kms:us-east-1:123456789012:key/2",
    "tags": {"team": "data"},
}
#: Values of the variables of a deployment, where they are not the usual ones.
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "everything-set": {
        "assign_public_ip": True,
        "alarm_actions": ["arn:aws:sns:us-east-1:123456789012:alarms"],
        "datastore_root": "s3://team-artifacts/",
        "keep_logs": True,
        "log_retention_in_days": 30,
        "permissions_boundary_arn": "arn:aws:iam::aws:policy/PowerUserAccess",
        "region_in_role_names": True,
        "schedule_enabled": False,
        **_KEYS,
    },
    # Its nested state machines, too, are encrypted.
    "Linked": _KEYS,
    "roles-given": {
        "role_arns": {"task": "arn:aws:iam::123456789012:role/ours"},
        "schedule_role_arn": "arn:aws:iam::123456789012:role/path/starts",
    },
}
#: What may differ, by the type of the resource, with the reason.
ALLOWED: Mapping[str, Mapping[str, str]] = {
    "aws_cloudwatch_query_definition": dict.fromkeys(("arn", "id", "query_definition_id"), "drawn by CloudWatch Logs"),
    "aws_iam_role": {"create_date": "a time", "unique_id": "drawn by IAM"},
    "aws_lambda_function": {"last_modified": "a time"},
    "aws_sfn_state_machine": {"creation_date": "a time"},
    "terraform_data": {"id": "drawn by Terraform"},
}
#: Changes of the module: the file, a pattern of what is there, what is put there, and which argument differs then.
SPOILT = (
    ("alarms.tf", r"threshold( *)= 0", r"threshold\1= 1", "aws_cloudwatch_metric_alarm.threshold"),
    ("alarms.tf", r'"ExecutionThrottled"', r'"ExecutionsThrottled"', "aws_cloudwatch_metric_alarm.metric_name"),
    ("iam.tf", r'"aws:SourceAccount"', r'"aws:PrincipalAccount"', "aws_iam_role.assume_role_policy"),
    ("main.tf", r"var\.log_retention_in_days", r"14", "aws_cloudwatch_log_group.retention_in_days"),
    ("main.tf", r'delete( *)= "60m"', r'delete\1= "30m"', "aws_sfn_state_machine.timeouts"),
    ("main.tf", r"( = )var\.log_level\n", '\\1"FATAL"\n', "aws_sfn_state_machine.logging_configuration"),
    ("main.tf", r'trimsuffix\(var\.datastore_root, "/"\)', r"var.datastore_root", "aws_ssm_parameter.value"),
    ("schedule.tf", r"1209600", r"86400", "aws_sqs_queue.message_retention_seconds"),
    ("schedule.tf", r'role_arns\["schedule"\]', r'role_arns["state_machine"]', "aws_scheduler_schedule.target"),
    ("schedule.tf", r"Starts the state machine", r"Starts the flow", "aws_scheduler_schedule.description"),
)


@attrs.frozen
class Forms:
    """The resources of both forms by their addresses in the self-contained one, each with its type and its values."""

    alone: Mapping[str, Any]
    called: Mapping[str, Any]
    outputs: tuple[Mapping[str, Any], Mapping[str, Any]]
    terraform: Terraform


def compiled(deployment: str, *, called: bool) -> Document:
    """Return the document of a flow: the self-contained one, or the one that calls the module."""
    module = Module(f"../../{MODULE.name}") if called else None
    return compile_flow(str(CASES[FLOWS[deployment]] / "flow.py"), module=module).document


def write_root(folder: Path, given: Mapping[str, Any], *, called: bool) -> None:
    """Write a root module that calls the documents of all flows, in one form."""
    calls, outputs = {}, {}
    for deployment in FLOWS:
        document = compiled(deployment, called=called)
        (folder / deployment).mkdir(parents=True)
        (folder / deployment / "main.tf.json").write_text(render_document(document), encoding="utf-8")
        needed = (variable.name for variable in document.variables if variable.default is None)
        variables = {name: given["job_queue_arn" if name.endswith("job_queue_arn") else name] for name in needed}
        settings = SETTINGS.get(deployment, {})
        calls[deployment] = {"source": f"./{deployment}", **variables, "name": deployment, **settings}
        outputs[deployment] = {"value": f"${{module.{deployment}}}"}
    (folder / "main.tf.json").write_text(json.dumps({"module": calls, "output": outputs}), encoding="utf-8")


def former_addresses() -> dict[str, str]:
    """Return addresses in self-contained documents, by those in documents that call the module."""
    return {
        f"module.{deployment}.{new}": f"module.{deployment}.{old}"
        for deployment in FLOWS
        for old, new in compiled(deployment, called=True).moved
    }


def resources_in(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the resources of a state, or of a plan, by their addresses."""

    def within(module: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for resource in module.get("resources", ()):
            yield resource["address"], resource
        for child in module.get("child_modules", ()):
            yield from within(child)

    return dict(within(values["root_module"]))


def renamed(resources: Mapping[str, Any]) -> dict[str, Any]:
    """Return resources of documents that call the module, by their addresses in self-contained documents."""
    names = former_addresses()
    return {names.get(address, address): resource for address, resource in resources.items()}


def differences(alone: Mapping[str, Any], called: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """Return the differences: the address and the argument, each with both values, except the allowed ones."""
    found: dict[tuple[str, str], Any] = {}
    for address in sorted({*alone, *called}):
        if address not in alone or address not in called:
            found[address, ""] = ("alone" if address in alone else "called") + " only"
            continue
        one, other = alone[address]["values"], called[address]["values"]
        for name in sorted({*one, *other} - {*ALLOWED.get(alone[address]["type"], ())}):
            if one.get(name) != other.get(name):
                found[address, name] = (one.get(name), other.get(name))
    return found


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory, mirror: Path) -> Iterator[Forms]:
    """Both forms applied, each to an AWS that is empty but for what a platform gives."""
    folder = tmp_path_factory.mktemp("forms")
    shutil.copytree(MODULE, folder / MODULE.name, ignore=shutil.ignore_patterns(".terraform*"))
    (folder / "image").mkdir()
    with (
        EmbeddedAws(workspace=Workspace(directory=folder / "image")) as aws,
        serving_provider(aws.environment) as environment,
    ):
        states = []
        for form in ("alone", "called"):
            aws.reset()
            topic = {"on_call_topic": "arn:aws:sns:us-east-1:123456789012:on-call"}
            write_root(folder / form, provide(aws) | topic, called=form == "called")
            terraform = Terraform(folder / form, mirror, environment)
            terraform.init()
            terraform.apply()
            states.append(json.loads(terraform._run("show", "-json"))["values"])
        alone, called = map(resources_in, states)
        yield Forms(alone, renamed(called), (states[0]["outputs"], states[1]["outputs"]), terraform)


def test_every_kind_of_resource_is_compared(forms: Forms) -> None:
    """No golden flow has a type of resource that is not compared, and each variable of a document is set."""
    known = {kind for case in CASES for kind in document_of(case)["resource"]}
    assert known == {resource["type"] for resource in forms.alone.values() if resource["mode"] == "managed"}
    optional = {variable.name for variable in compiled("everything-set", called=False).variables if variable.default}
    given = {name for settings in SETTINGS.values() for name in settings}
    # The region of the bucket is compared, and roles are given in either way.
    assert optional - given - {"name"} == {
        "check_datastore_region",
        "execution_role_arn",
        "state_machine_role_arn",
        "task_role_arn",
    }


def test_both_forms_deploy_the_same(forms: Forms) -> None:
    """Each resource has a counterpart of the same values."""
    assert differences(forms.alone, forms.called) == {}
    assert forms.outputs[0] == forms.outputs[1]


def test_what_may_differ_does(forms: Forms) -> None:
    """No argument is on the list without need."""
    types = {resource["type"]: resource["values"] for resource in forms.alone.values()}
    assert {kind: {*names} - {*types[kind]} for kind, names in ALLOWED.items()} == {kind: set() for kind in ALLOWED}


def test_a_difference_is_found(forms: Forms) -> None:
    """Whatever is changed in the module alone is found, and nothing else."""
    module = forms.terraform.directory.parent / MODULE.name
    for name, pattern, replacement, _ in SPOILT:
        text = (module / name).read_text(encoding="utf-8")
        spoilt, count = re.subn(pattern, replacement, text)
        assert count, f"{name} has no {pattern}"
        (module / name).write_text(spoilt, encoding="utf-8")
    planned = resources_in(forms.terraform.plan().document["planned_values"])
    found = differences(forms.alone, {**forms.called, **renamed(planned)})
    named = {f"{forms.alone[address]['type']}.{argument}" for address, argument in found}
    # The version follows from the value.
    assert named - {"aws_ssm_parameter.version"} == {argument for *_, argument in SPOILT}

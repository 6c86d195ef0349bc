"""The document and its roles: nothing refers to what is not there, nothing is there that nothing uses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from laminar_codegen.pipeline import Compilation
from tests.support.golden import CASES, GOLDEN, document_of

_REFERENCE = re.compile(r"\b(data\.)?([a-z][a-z0-9_]*)\.([A-Za-z_][A-Za-z0-9_-]*)(?:\.([A-Za-z_][A-Za-z0-9_-]*))?")


_document = document_of


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _expressions(text: str) -> Iterator[str]:
    """Yield what stands in the ``${...}`` of a template, innermost braces counted; escaped ones are text."""
    place = 0
    while (start := text.find("${", place)) >= 0:
        if text[:start].endswith("$"):
            place = start + 2
            continue
        depth, end = 1, start + 2
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        yield text[start + 2 : end - 1]
        place = end


def _declared(document: dict[str, Any]) -> set[str]:
    names = {f"var.{name}" for name in document["variable"]} | {f"local.{name}" for name in document["locals"]}
    names |= {f"local.containers.{name}" for name in document["locals"].get("containers", {})}
    names |= {f"data.{kind}.{label}" for kind, blocks in document["data"].items() for label in blocks}
    return names | {f"{kind}.{label}" for kind, blocks in document["resource"].items() for label in blocks}


def _referred(value: Any) -> set[str]:
    found = set()
    for text in _texts(value):
        for expression in _expressions(text):
            plain = re.sub(r'"(?:[^"\\$]|\\.|\$(?!\{))*"', '""', expression)
            for data, kind, label, attribute in _REFERENCE.findall(plain):
                if kind in ("each", "self", "statement"):
                    continue  # what the expression itself has names for
                if data:
                    found.add(f"data.{kind}.{label}")
                elif (kind, label) == ("local", "containers"):
                    found |= {"local.containers", f"local.containers.{attribute}"}
                else:
                    found.add(f"{kind}.{label}")
    return found


def _with_depends_on(document: dict[str, Any]) -> set[str]:
    resources = [body for blocks in document["resource"].values() for body in blocks.values()]
    return _referred(document) | {name for body in resources for name in body.get("depends_on", [])}


@pytest.mark.parametrize("case", CASES)
def test_references_are_to_what_is_declared(case: str) -> None:
    """Each reference names a variable, local, data source or resource of the same document."""
    document = _document(case)
    assert _with_depends_on(document) <= _declared(document)


@pytest.mark.parametrize("case", CASES)
def test_what_is_declared_is_used(case: str) -> None:
    """Each variable, local, role, function and job definition is referred to."""
    document = _document(case)
    used = _with_depends_on(document)
    leaves = {"aws_cloudwatch_metric_alarm", "aws_iam_role_policy", "aws_scheduler_schedule", "aws_ssm_parameter"}
    leaves |= {"aws_cloudwatch_event_target", "aws_sfn_state_machine", "data", "terraform_data"}
    leaves |= {"aws_cloudwatch_dashboard", "aws_cloudwatch_query_definition"}
    assert {name for name in _declared(document) if name.partition(".")[0] not in leaves} <= used
    assert {f"aws_iam_role_policy.{role}" for role in ("state_machine",)} <= used


@pytest.mark.parametrize("case", CASES)
def test_the_provider_has_what_is_declared(case: str) -> None:
    """From this version of the provider on its types have all arguments that documents set; the next one may not."""
    versions = {"aws": {"source": "hashicorp/aws", "version": ">= 6.25, < 7"}}
    assert _document(case)["terraform"] == {"required_providers": versions}


def _definitions(document: dict[str, Any]) -> str:
    """Return the definitions of all state machines, as one text."""
    return json.dumps([value for key, value in document["locals"].items() if key.startswith("definition")])


def _statements(document: dict[str, Any], role: str) -> dict[str, dict[str, Any]]:
    return {statement["Sid"]: statement for statement in document["locals"]["statements"][role]}


@pytest.mark.parametrize("case", CASES)
def test_the_state_machine_may_do_what_its_states_do(case: str) -> None:
    """Each kind of state brings its own statements, and a kind that is not there brings none."""
    document = _document(case)
    definition = _definitions(document)
    sids = set(_statements(document, "state_machine"))
    expected = {"DeliverLogs", "EncryptExecutions", "EncryptLogs", "SendTraces"}
    expected |= (
        {"SubmitJobs", "TagJobs", "StopJobs", "WatchJobs", "AwaitJobs"} if "batch:submitJob" in definition else set()
    )
    expected |= {"InvokePlanner"} if re.search(r"aws_lambda_function\.\w*planner", definition) else set()
    expected |= {"RunParts", "WatchParts", "AwaitParts"} if "startExecution" in definition else set()
    expected |= {"FindJobs", "LookAtExecutions"} if "definition_stop_jobs" in document["locals"] else set()
    reports = "definition_notify" in document["locals"]
    expected |= {"ReadExecutions", "ListFailures", "ReadFailures", "FindFailedJobs"} if reports else set()
    expected |= {"ReportToEventBus", "ReportToTopics", "EncryptReports", "UseDatastoreKey"} if reports else set()
    expected |= {"RunTasks"} if "aws_lambda_function.run_" in definition else set()
    expected |= {"WriteNotes", "UseDatastoreKey"} if "s3:putObject" in definition else set()
    expected |= {"ReadAnswers"} if "/.answers/" in definition else set()
    expected |= {"FindTurns"} if "definition_part_turns" in document["locals"] else set()
    expected |= {"StartForTriggers"} if "definition_starter" in document["locals"] else set()
    assert sids == expected


@pytest.mark.parametrize("case", CASES)
def test_a_planner_is_there_if_a_layer_fans_out(case: str) -> None:
    """The planner, its log group and its role are declared with a fan-out, and only then; all functions are invoked."""
    document = _document(case)
    plan = (GOLDEN / case / "plan.txt").read_text(encoding="utf-8")
    fans_out = "FanOut" in plan or "PipelinedFanOut" in plan
    resources = document["resource"]
    # Planners that are jobs write to the log of all jobs.
    by_jobs = any("planner" in label for label in resources.get("aws_batch_job_definition", ()))
    assert any("planner" in label for label in resources.get("aws_lambda_function", ())) == (fans_out and not by_jobs)
    assert ("planner" in resources["aws_iam_role"]) == fans_out
    assert any("planner" in label for label in resources["aws_cloudwatch_log_group"]) == (fans_out and not by_jobs)
    invoked = set(re.findall(r"aws_lambda_function\.(\w+)\.arn", _definitions(document)))
    assert invoked == set(resources.get("aws_lambda_function", {}))
    statements = _statements(document, "state_machine")
    allowed = [arn for sid in ("InvokePlanner", "RunTasks") for arn in statements.get(sid, {}).get("Resource", [])]
    named = {function["function_name"] for function in resources.get("aws_lambda_function", {}).values()}
    assert {arn.partition(":function:")[2] for arn in allowed} == named


@pytest.mark.parametrize("case", CASES)
def test_policies_are_known_when_terraform_plans(case: str) -> None:
    """No policy refers to a resource, or to what is read: else it would be shown as changed whenever that is.

    So it would be at each new image, or where the document is in a module that depends on something with changes.
    """
    document = _document(case)
    referred = _referred([document["locals"][name] for name in ("statements", "trust", "policies")])
    assert {name for name in referred if not name.startswith(("local.", "var."))} == set()


@pytest.mark.parametrize("case", CASES)
def test_what_is_read_is_kept(case: str) -> None:
    """Data sources are read into what is kept of them, and checked: nothing else changes when they are read later."""
    document = _document(case)
    kept = document["resource"]["terraform_data"]["place"]
    assert kept["lifecycle"]["ignore_changes"] == ["input"]
    document["resource"]["terraform_data"] = {}
    document["data"] = {}
    assert {name for name in _referred(document) if name.startswith("data.")} == set()
    read = {f"data.{kind}.current" for kind in ("aws_caller_identity", "aws_partition", "aws_region")}
    assert {name for name in _referred(kept) if name.startswith("data.")} == read


@pytest.mark.parametrize("case", CASES)
def test_logs_are_written_to_groups_that_are_there(case: str) -> None:
    """Roles write to the log groups of the document, by their names."""
    document = _document(case)
    groups = {group["name"] for group in document["resource"]["aws_cloudwatch_log_group"].values()}
    roles = document["resource"]["aws_iam_role"]
    written = [arn for role in roles for arn in _statements(document, role).get("WriteLogs", {}).get("Resource", [])]
    named = {arn.partition(":log-group:")[2].removesuffix(":log-stream:*") for arn in written}
    assert named == groups - {"/aws/vendedlogs/states/${var.name}"}


@pytest.mark.parametrize("case", CASES)
def test_no_action_is_a_pattern(case: str) -> None:
    """Roles name each action in full; all resources are granted only where AWS knows no other."""
    statements = [item for items in _document(case)["locals"]["statements"].values() for item in items]
    assert all(re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9]+", action) for item in statements for action in item["Action"])
    anywhere = (["*"], '${length(local.repositories) > 0 ? ["*"] : []}')
    everywhere = {item["Sid"] for item in statements if item["Resource"] in anywhere or "*" in item["Resource"][:1]}
    of_networks = {"DescribeNetwork", "KeepCodeFromNetwork"}  # the second one denies
    of_jobs = {"FindFailedJobs", "FindJobs", "WatchJobs"}
    assert everywhere <= {"DeliverLogs", "LogInToRegistries", "SendTraces", *of_jobs, *of_networks}


@pytest.mark.parametrize("case", CASES)
def test_submitted_jobs_are_defined_and_allowed(case: str) -> None:
    """Each job definition that a state submits is declared, and may be submitted, in any revision."""
    document = _document(case)
    submitted = set(re.findall(r"aws_batch_job_definition\.(\w+)\.arn\}", _definitions(document)))
    allowed = _statements(document, "state_machine").get("SubmitJobs", {}).get("Resource", [])
    assert submitted == set(document["resource"].get("aws_batch_job_definition", ()))
    queues = set(re.findall(r"\$\{var\.\w*job_queue_arn\}", _definitions(document)))
    assert queues == {name for name in allowed if "job_queue_arn" in name}
    for label in submitted:
        name = document["resource"]["aws_batch_job_definition"][label]["name"]
        named = [resource.partition(":job-definition/")[2] for resource in allowed]
        assert {name, f"{name}:*"} <= set(named)


@pytest.mark.parametrize("case", CASES)
def test_variables_are_typed_described_and_checked(case: str) -> None:
    """Each variable has a type and a description, and the image is asked for only if a layer needs it."""
    variables = _document(case)["variable"]
    assert all({"type", "description"} <= set(variable) for variable in variables.values())
    assert all("validation" in variable for variable in variables.values() if "default" not in variable)
    images = [item["image"] for item in _document(case)["locals"].get("containers", {}).values()]
    images += [item["image_uri"] for item in _document(case)["resource"].get("aws_lambda_function", {}).values()]
    assert ("image" in variables) == ("${var.image}" in images)


@pytest.mark.parametrize("case", CASES)
def test_keys_are_used_only_if_they_are_given(case: str) -> None:
    """A statement on a customer's key is there if its variable is given, and is for that key alone."""
    for statements in _document(case)["locals"]["statements"].values():
        for item in statements:
            uses = any(action.startswith("kms:") for action in item["Action"]) and item["Sid"] != "EncryptReports"
            assert uses == bool(
                re.fullmatch(
                    r"\$\{(var\.log_level == \"OFF\" \? \[\] : )?var\.\w*kms_key_arn\[\*\]\}", str(item["Resource"])
                )
            )


@pytest.mark.parametrize("case", CASES)
def test_each_deployment_has_its_alarms(case: str) -> None:
    """Failures raise alarms: of executions, of triggers, and of starts that a schedule missed."""
    resources = _document(case)["resource"]
    scheduled = "aws_scheduler_schedule" in resources
    rules = set(resources.get("aws_cloudwatch_event_rule", ())) - {"notify", "stop_jobs"}
    expected = {"failed", "timed_out", "throttled", *(["not_started"] if scheduled or rules else [])}
    expected |= {f"{rule}_failed" for rule in rules}
    # The flow asks for these.
    expected |= {"aborted", "no_success"} if case == "environments" else set()
    expected |= {"run_timed_out", "run_throttled"} if case in {"everything", "triggers"} else set()
    expected |= {"notify_failed"} if case == "reported" else set()
    expected |= {"starter_failed"} if "starter" in resources["aws_sfn_state_machine"] else set()
    assert resources["aws_cloudwatch_metric_alarm"].keys() == expected
    assert ("schedule" in resources["aws_iam_role"]) == scheduled
    assert ("aws_sqs_queue" in resources) == (scheduled or bool(rules))


@pytest.mark.parametrize("case", CASES)
def test_the_image_is_in_ecr_where_lambda_runs_it(case: str) -> None:
    """An image that AWS Lambda would refuse is refused when Terraform plans; others may come from anywhere."""
    document = _document(case)
    if "image" not in document["variable"]:
        return
    (rule,) = document["variable"]["image"]["validation"]
    functions = document["resource"].get("aws_lambda_function", {}).values()
    assert ("dkr[.-]ecr" in rule["condition"]) == any(item["image_uri"] == "${var.image}" for item in functions)


VERSIONS = """
from laminar_runtime import Flow, Layer
from laminar_runtime.configurations.layers import Container, ForEach, Parameter

class F(Flow): ...

@F.register(container=Container(image={first!r}))
class A(Layer):
    def __call__(self) -> None:
        self.shard(x=[1])

@F.register(container=Container(image={second!r}), foreach=ForEach(parameters=[Parameter(A, "x")]))
class B(Layer):
    def __call__(self, a: A) -> None: ...
"""
REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/flow"


def test_a_version_of_an_image_renames_nothing(compiled: Callable[[str], Compilation]) -> None:
    """Images of one repository, by tag or digest, have one label, and others another one."""

    def labels(first: str, second: str) -> tuple[set[str], set[str]]:
        resources = compiled(VERSIONS.format(first=first, second=second)).document.resources
        kinds = ("aws_batch_job_definition", "aws_lambda_function")
        jobs, functions = ({block.label for block in resources if block.type == kind} for kind in kinds)
        return jobs, functions

    one, two = f"{REPOSITORY}:1", f"{REPOSITORY}:2"
    (job,), (function,) = labels(one, one)
    assert labels(two, two) == labels(f"{REPOSITORY}@sha256:ab", f"{REPOSITORY}@sha256:ab") == ({job}, {function})
    (other,), _ = labels(f"{REPOSITORY}s:1", f"{REPOSITORY}s:1")
    assert other != job
    # Two versions beside each other are two job definitions; the planner is of one image and keeps its label.
    jobs, functions = labels(one, two)
    assert len(jobs) == 2
    assert functions == {function}
    # A registry's port is no tag.
    local = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/a"
    assert labels("registry:5000/x", local)[0] != labels("registry:6000/x", local)[0]

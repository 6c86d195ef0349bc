"""The policies of a compiled deployment as IAM gets them, with the longest values that variables take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from laminar_codegen.ir.expressions import Ref, resolve
from laminar_codegen.lower_terraform.iam_roles import permissions
from laminar_codegen.pipeline import Compilation
from laminar_codegen.policies.statement import Statement
from laminar_codegen.rehearsal.permissions import Need, decide, read_policy
from laminar_codegen.render.terraform_json import render_document

__all__ = ["NAME", "VALUES", "allows", "policies"]

#: A name as long as a deployment's can be, and places as long as any.
NAME = "N" * 46
VALUES = {
    "local.partition": "aws-us-gov",
    "local.region": "us-isof-south-1",
    "local.account_id": "123456789012",
    "local.datastore_bucket": "b" * 63,
    "local.datastore_prefix": "flows/",
    "var.job_queue_arn": "arn:aws-us-gov:batch:us-isof-south-1:123456789012:job-queue/" + "q" * 128,
    "var.kms_key_arn": "arn:aws-us-gov:kms:us-isof-south-1:123456789012:key/mrk-" + "0" * 32,
    "var.datastore_kms_key_arn": "arn:aws-us-gov:kms:us-isof-south-1:123456789012:key/mrk-" + "1" * 32,
    "var.name": NAME,
    "local.flow": "Report",
    "var.on_call_topic": "arn:aws-us-gov:sns:us-isof-south-1:123456789012:" + "t" * 256,
    "var.topic_key": "arn:aws-us-gov:kms:us-isof-south-1:123456789012:key/mrk-" + "2" * 32,
    'reverse(split("/", var.file_system))[0]': "fs-" + "0" * 40,
}


def policies(compilation: Compilation, name: str = NAME) -> dict[str, dict[str, Any]]:
    """Return the policies of all roles as IAM gets them, by the label of the role.

    Args:
        compilation: The flow, compiled.
        name: The name of the deployment.
    """
    queues = {f"var.{queue.variable}": VALUES["var.job_queue_arn"] for queue in compilation.deployment.queues}
    known = {**VALUES, **queues, "var.name": name, **_flows(compilation)}
    local = json.loads(render_document(compilation.document))["locals"]
    arn = "arn:aws-us-gov:{}:us-isof-south-1:123456789012:{}" + "s" * 64
    lists = {
        "local.read_secrets.secretsmanager": [arn.format("secretsmanager", "secret:") + "-??????"],
        "local.read_secrets.ssm": [arn.format("ssm", "parameter/")],
        "local.repositories": _repositories(local, known) if "repositories" in local else [],
        '["*"]': ["*"],
        **{f"var.{key}[*]": [known[f"var.{key}"]] for key in ("kms_key_arn", "datastore_kms_key_arn")},
    }

    def body(statement: Statement) -> dict[str, Any]:
        listed = statement.resources
        resources = tuple(lists[_longer(listed.expression)]) if isinstance(listed, Ref) else listed
        written: dict[str, Any] = resolve(attrs.evolve(statement, resources=resources).body(), known)
        return written

    return {
        label: {"Version": "2012-10-17", "Statement": [body(item) for item in granted.statements]}
        for label, granted in permissions(compilation.deployment).items()
    }


def _longer(expression: str) -> str:
    """Return the branch of a condition that is no empty list, or an expression without a condition itself."""
    branches = expression.partition(" ? ")[2].split(" : ")
    return next((branch for branch in branches if branch not in {"", "[]"}), expression)


def allows(policy: Mapping[str, Any], action: str, resource: str) -> bool:
    """Return whether a policy, or one statement of it, allows an action on a resource, whatever its conditions.

    Args:
        policy: The policy, or the statement.
        action: The action.
        resource: The ARN of the resource.
    """
    statements = [
        {"Effect": "Allow", "Action": body["Action"], "Resource": body["Resource"]}
        for body in policy.get("Statement", [policy])
    ]
    return decide(Need(action, resource), read_policy("policy", {"Statement": statements})).allowed


def _flows(compilation: Compilation) -> dict[str, str]:
    return {f"local.{graph.prefix}flow": graph.flow for graph in compilation.graphs}


def _repositories(local: Mapping[str, Any], known: Mapping[str, str]) -> list[str]:
    """Return the repositories that Terraform finds, and patterns besides."""
    patterns = local.get("repository_patterns", local["repositories"])
    given = patterns if isinstance(patterns, list) else []
    whole = [item.replace("${local.partition}", known["local.partition"]) for item in given]
    named = [item.partition("/")[2].partition(":")[0] for item in local.get("images", ()) if not item.startswith("$")]
    return [*whole, *(f"arn:aws-us-gov:ecr:eu-west-1:123456789012:repository/{name}" for name in named)]

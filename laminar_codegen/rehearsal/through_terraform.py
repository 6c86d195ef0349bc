"""Deploys documents by Terraform itself: those in HCL, and those that call modules.

The folder is copied, so that nothing of the user's is changed. Beside the documents in the copy a file points the AWS
provider at the embedded AWS, and state stays in the copy. https://developer.hashicorp.com/terraform/language/files/override
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from laminar_codegen.rehearsal.aws import EmbeddedAws
from laminar_codegen.rehearsal.document.configuration import parse_document
from laminar_codegen.rehearsal.document.errors import DocumentError
from laminar_codegen.rehearsal.document.given import Given, provide
from laminar_codegen.rehearsal.document.kinds import Account
from laminar_codegen.rehearsal.document.resources.batch import provide_for_jobs
from laminar_codegen.rehearsal.document.texts import read_file
from laminar_runtime.exceptions import LaminarError

__all__ = ["TerraformError", "apply_folder"]

#: Services that deployments use. Others are found by the environment.
_SERVICES = ("batch", "cloudwatch", "ec2", "ecr", "events", "iam", "kms", "lambda", "logs", "s3", "scheduler",
             "secretsmanager", "sns", "sqs", "ssm", "stepfunctions", "sts")  # fmt: skip
_NAME = "laminar_rehearsal"
#: What of a folder stays where it is: what Terraform keeps there of what is deployed elsewhere.
_NOT_COPIED = ("*.tfstate", "*.tfstate.*", ".terraform", ".terraform.lock.hcl")
_VARIABLE = re.compile(r'^\s*variable\s+"?([A-Za-z_][\w-]*)"?\s*\{', re.MULTILINE)
_PROVIDER = re.compile(r'^\s*provider\s+"?aws"?\s*\{', re.MULTILINE)
_ALIAS = re.compile(r'^\s*alias\s*=\s*"([^"]+)"', re.MULTILINE)
_DEFAULT = re.compile(r'(?:^|\{)\s*default\s*=\s*(?:"([^"]*)")?', re.MULTILINE)
_UP = re.compile(r'"((?:\.\./)+)')


class TerraformError(LaminarError):
    """Terraform, or a provider that a folder needs, is not there."""


def apply_folder(folder: Path, aws: EmbeddedAws, account: Account, given: Given, words: list[str]) -> None:
    """Deploy the documents of a folder by Terraform.

    Args:
        folder: The folder.
        aws: The embedded AWS.
        account: Its account.
        given: The values of variables that the user gives.
        words: The same as options of Terraform.

    Raises:
        TerraformError: If Terraform is not there, or does not get the providers.
        DocumentError: If it refuses the documents.
    """
    program = shutil.which("terraform")
    if program is None:
        raise TerraformError(
            f"{folder}: HCL, and calls of modules, are rehearsed by Terraform, and there is no 'terraform' on PATH. "
            "Install it, or rehearse a document in JSON that calls no module"
        )
    with tempfile.TemporaryDirectory(prefix="terraform-", dir=aws.logs) as scratch:
        copy = _copy(folder.resolve(), Path(scratch))
        texts = [read_file(file) for file in sorted(copy.glob("*.tf"))]
        documents = [parse_document(file.name, read_file(file)) for file in sorted(copy.glob("*.tf.json"))]
        _point(copy, texts, documents, aws)
        made = dict(_outcome(_declarations(texts, documents), given, account))
        options = [f"-var={name}={value}" for name, value in made.items()]
        _run(program, copy, aws, "init", [])
        _run(program, copy, aws, "apply", ["-auto-approve", *words, *options])
    provide_for_jobs(account, _warn)


def _copy(folder: Path, scratch: Path) -> Path:
    """Copy a folder. What its modules name above it is found above the copy, too."""
    files = [*folder.glob("*.tf"), *folder.glob("*.tf.json")]
    ups = [found.count("../") for file in files for found in _UP.findall(read_file(file))]
    height = min(max(ups, default=0), len(folder.parents) - 1)
    place = scratch
    for own in reversed([folder, *folder.parents][:height]):
        for neighbour in own.parent.iterdir():
            if neighbour != own:
                (place / neighbour.name).symlink_to(neighbour)
        place /= own.name
        place.mkdir()
    copy = place if height else scratch / folder.name
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(*_NOT_COPIED), dirs_exist_ok=True)
    return copy


def _point(copy: Path, texts: list[str], documents: list[Any], aws: EmbeddedAws) -> None:
    """Write the file that points the provider at the embedded AWS."""
    environment = aws.environment
    token = environment.get("AWS_SESSION_TOKEN")
    settings = {
        "access_key": environment["AWS_ACCESS_KEY_ID"],
        "secret_key": environment["AWS_SECRET_ACCESS_KEY"],
        **({"token": token} if token else {}),
        "s3_use_path_style": True,
        "skip_credentials_validation": True,
        "skip_metadata_api_check": "true",
        "skip_region_validation": True,
        "endpoints": [dict.fromkeys(_SERVICES, aws.endpoint_url)],
    }
    providers = [body for document in documents for body in _providers(document)]
    text = "\n".join(texts)
    # A block that overrides needs one that it overrides.
    there = bool(_PROVIDER.search(text)) or bool(providers)
    aliases = [
        *_ALIAS.findall("\n".join(_blocks(_PROVIDER, text))),
        *(body["alias"] for body in providers if "alias" in body),
    ]
    content = {
        "provider": {
            "aws": [
                {"region": aws.region, **settings},
                *({"alias": alias, **settings} for alias in dict.fromkeys(aliases)),
            ]
        }
    }
    end = "_override.tf.json" if there else ".tf.json"
    (copy / f"{_NAME}{end}").write_text(json.dumps(content, indent=2), encoding="utf-8")
    backend: dict[str, Any] = {"terraform": {"backend": {"local": {}}}}
    (copy / f"{_NAME}_backend_override.tf.json").write_text(json.dumps(backend), encoding="utf-8")


def _providers(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    found = document.get("provider") or {}
    for body in found if isinstance(found, list) else [found]:
        blocks = body.get("aws") or []
        yield from blocks if isinstance(blocks, list) else [blocks]


def _declarations(texts: list[str], documents: list[Any]) -> dict[str, Any]:
    """Return the variables of a folder, each with its default if that is text, else None."""
    found: dict[str, Any] = {}
    for text in texts:
        names = _VARIABLE.findall(text)
        for name, block in zip(names, _blocks(_VARIABLE, text), strict=True):
            default = _DEFAULT.search(block)
            found[name] = default and (default[1] if default[1] is not None else ...)
    for document in documents:
        variables = document.get("variable") or {}
        for body in variables if isinstance(variables, list) else [variables]:
            found |= {name: block.get("default") for name, block in body.items() if isinstance(block, dict)}
    return found


def _blocks(head: re.Pattern[str], text: str) -> Iterator[str]:
    """Yield the blocks that a pattern finds the heads of, up to the line that ends them."""
    for found in head.finditer(text):
        end = re.compile(r"^\}", re.MULTILINE).search(text, found.end())
        line = text[found.start() :].lstrip().partition("\n")[0]
        yield line if line.rstrip().endswith("}") else text[found.start() : end.start() if end else len(text)]


def _outcome(declared: Mapping[str, Any], given: Given, account: Account) -> Iterator[tuple[str, str]]:
    """Yield the variables that have other values here than they are given."""
    for name, default in declared.items():
        own = given.texts.get(name, given.values.get(name, default))
        if own is not ...:
            value = provide(name, own, account, _warn)
            if value is not None and value != own:
                yield name, value


def _warn(text: str) -> None:
    print("laminar-codegen: warning:", text, file=sys.stderr)


def _run(program: str, copy: Path, aws: EmbeddedAws, command: str, words: list[str]) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {**kept, **aws.environment, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    ran = subprocess.run(  # noqa: S603 - the user's Terraform
        [program, command, "-input=false", "-no-color", *words],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        kind = TerraformError if command == "init" else DocumentError
        raise kind(f"terraform {command} failed:\n{ran.stderr.strip()}")

"""The values of a document's variables: those that the user gives, and for the rest those made for the rehearsal.

As with Terraform, later ones win: the environment (``TF_VAR_name``), ``terraform.tfvars``, ``terraform.tfvars.json``,
``*.auto.tfvars`` and ``*.auto.tfvars.json`` in the order of their names, then the options.
https://developer.hashicorp.com/terraform/language/values/variables#variable-definition-precedence
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from laminar_codegen.rehearsal.batch_requests import UNDECIDED
from laminar_codegen.rehearsal.document.errors import DocumentError, EvaluationError, ExpressionError
from laminar_codegen.rehearsal.document.evaluation import evaluate
from laminar_codegen.rehearsal.document.kinds import Account
from laminar_codegen.rehearsal.document.parsing import parse_assignments, parse_expression
from laminar_codegen.rehearsal.document.resources.storage import make_bucket
from laminar_codegen.rehearsal.document.texts import read_file

__all__ = ["Given", "provide", "read_value", "read_values"]

_ENVIRONMENT = "TF_VAR_"
_QUEUE = re.compile(r"arn:[a-z-]+:batch:[a-z0-9-]+:[0-9]{12}:job-queue/([0-9A-Za-z_-]+)")
_ROOT = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/.*)?")
#: Ids of a network that is nowhere, by the ends of the names of variables: functions are processes of this machine.
_IDS = {"subnet_ids": "subnet-00000000000000000", "security_group_ids": "sg-00000000000000000"}
_BUCKET, _PREFIX = "rehearsal", "laminar"


@attrs.frozen
class Given:
    """Values of variables.

    Args:
        values: Values of known types, by the names of variables.
        texts: Values as text: it is read as the variable's type asks for.
        options: The names that must be those of variables.
    """

    values: Mapping[str, Any] = attrs.field(factory=dict)
    texts: Mapping[str, str] = attrs.field(factory=dict)
    options: frozenset[str] = frozenset()


def read_values(
    folder: Path | None, options: Iterable[tuple[str, str]], files: Iterable[Path], environment: Mapping[str, str]
) -> Given:
    """Read the values that the user gives.

    Args:
        folder: The folder of the documents, which may have files with values.
        options: Names and values of options.
        files: Files of options.
        environment: The environment.

    Returns:
        The values.

    Raises:
        DocumentError: If a file is not understood.
        OSError: If one cannot be read.
    """
    texts = {
        name.removeprefix(_ENVIRONMENT): value for name, value in environment.items() if name.startswith(_ENVIRONMENT)
    }
    values: dict[str, Any] = {}
    for file in (*_files(folder), *files):
        values |= _read(file)
    given = dict(options)
    return Given(
        {name: value for name, value in values.items() if name not in given},
        {name: text for name, text in texts.items() if name not in values} | given,
        frozenset(given),
    )


def _files(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        named = (folder / name for name in ("terraform.tfvars", "terraform.tfvars.json"))
        yield from (file for file in named if file.is_file())
        yield from sorted([*folder.glob("*.auto.tfvars"), *folder.glob("*.auto.tfvars.json")])


def _read(file: Path) -> dict[str, Any]:
    text = read_file(file)
    try:
        if file.suffix == ".json":
            found = _parse(text)
            if not isinstance(found, dict):
                raise DocumentError(f"{file}: this is not a JSON object")
            return {name: value for name, value in found.items() if name != "//"}
        return {name: evaluate(node, {}) for name, node in parse_assignments(text).items()}
    except (EvaluationError, ExpressionError, ValueError) as error:
        raise DocumentError(f"{file}: {error}") from error


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"this is not JSON: {error}") from error


def read_value(text: str, type_: str) -> Any:
    """Read a value that is given as text.

    Args:
        text: The text.
        type_: The type of its variable: text is text, what is of another type an expression.

    Raises:
        EvaluationError: If it is no value of that type.
        ExpressionError: If it is not understood.
    """
    return text if type_ in {"string", "any", ""} else evaluate(parse_expression(text), {})


def provide(name: str, value: Any, account: Account, note: Callable[[str], object]) -> Any:
    """Make what a variable names in the embedded AWS, where a platform would have it.

    Args:
        name: The name of the variable.
        value: Its value, None if it has none.
        account: The account.
        note: Takes what to say about it.

    Returns:
        The value, made if there was none; None if none can be made.
    """
    if name.endswith("job_queue_arn"):
        return _queue(name, value, account, note)
    if name == "datastore_root":
        return _root(value, account)
    if value is None and (name == "image" or name.endswith("_image")):
        return f"{account.account_id}.dkr.ecr.{account.region}.amazonaws.com/rehearsal:1"
    if value is None and name.endswith(("topic", "topic_arn", "topics", "topic_arns")):
        # The embedded AWS makes it when something is published to it.
        arn = account.arn("sns", name.removesuffix("_arns").removesuffix("_arn"))
        return [arn] if name.endswith("s") else arn
    for ending, one in _IDS.items():
        if value is None and name.endswith(ending):
            return [one]
    return value


def _queue(name: str, value: Any, account: Account, note: Callable[[str], object]) -> Any:
    found = _QUEUE.fullmatch(value) if isinstance(value, str) else None
    if value is not None and found is None:
        return value
    label = found[1] if found else name.removesuffix("_arn")
    client = account.client("batch")
    environment = client.create_compute_environment(
        computeEnvironmentName=label, type="UNMANAGED", serviceRole=account.service_role
    )
    order = [{"order": 1, "computeEnvironment": environment["computeEnvironmentArn"]}]
    queue = client.create_job_queue(
        jobQueueName=label, state="ENABLED", priority=1, computeEnvironmentOrder=order, tags={UNDECIDED: ""}
    )
    arn: str = queue["jobQueueArn"]
    if value not in {None, arn}:
        note(f"variable {name}: a queue of that name was made here, {arn}")
    return arn


def _root(value: Any, account: Account) -> Any:
    root = f"s3://{_BUCKET}/{_PREFIX}" if value is None else value
    found = _ROOT.fullmatch(root) if isinstance(root, str) else None
    if found is not None:
        client = account.client("s3")
        if found[1] not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
            make_bucket(client, account.region, found[1])
    return root

"""What AWS Batch accepts where flows have variables: their validations, and the rule of their defaults."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.ir.expressions import Input, Ref
from laminar_codegen.ir.graph import Graph
from laminar_codegen.ir.placement import Placement
from laminar_codegen.ir.terraform import Validation
from laminar_codegen.limits import MOST_TAGS
from laminar_codegen.problems import Problem
from laminar_codegen.targets import volumes
from laminar_codegen.targets.batch import secrets
from laminar_codegen.targets.batch.options import secrets_in
from laminar_codegen.targets.batch.target import batch_target, layers_with_jobs
from laminar_codegen.targets.forms import TAG, Form, find_faults
from laminar_runtime.configurations.container_texts import USER
from laminar_runtime.configurations.containers import JOB_TAGS

__all__ = ["check_defaults", "validations"]


#: https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html
_SHARE = Form(
    lambda reference: f'can(regex("^[A-Za-z0-9]+$", {reference})) && length({reference}) <= 255',
    lambda text: re.fullmatch("[A-Za-z0-9]{1,255}", text) is not None,
    "The identifier of a share must be of 1 to 255 letters and digits.",
)
#: The rule for a text in the flow, and for a default, is LAM090.
_TEXT = Form(
    lambda reference: f'{reference} != ""',
    lambda _: True,
    "A variable of an environment must not be empty: AWS Batch drops it.",
)
_USER = Form(
    lambda reference: f'can(regex("^[^:[:space:]]+(:[^:[:space:]]+)?$", {reference}))',
    lambda text: re.fullmatch(USER, text) is not None,
    "The user of a task must be a name or a number, and may have a group after a colon.",
)
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_RepositoryCredentials.html
_CREDENTIALS = Form(
    lambda reference: f'!can(regex("^(ssm:|arn:[^:]*:ssm:)", {reference}))',
    lambda text: re.match("ssm:|arn:[^:]*:ssm:", text) is None,
    "The credentials of a registry must be a secret of Secrets Manager.",
)


def validations(deployment: Deployment) -> Mapping[Ref, tuple[Validation, ...]]:
    """Return the validations of variables of the flows, by their references.

    Args:
        deployment: The deployment.
    """
    found: dict[Ref, tuple[Validation, ...]] = dict(_of_all_tags(deployment))
    for item, rules in _rules(deployment):
        found[item] = tuple(dict.fromkeys((*found.get(item, ()), *rules)))
    return found


def _of_all_tags(deployment: Deployment) -> Iterator[tuple[Ref, tuple[Validation, ...]]]:
    """Yield the validation of the tags of the deployment: a job with more than 50 in all fails when it starts."""
    found = [layer for graph in deployment.graphs for layer in layers_with_jobs(graph)]
    counts = [len(layer.container.requested.get("tags", ())) for layer in found]
    if counts:
        own = len(JOB_TAGS) + max(counts)
        room = MOST_TAGS - own
        text = (
            f"A job has at most {MOST_TAGS} tags. The flow gives some {own}, so the variable may have at most {room}, "
            "less the default_tags of the provider, which this validation does not see."
        )
        yield Ref("var.tags"), (Validation(f"length(var.tags) <= {room}", text),)


def _rules(deployment: Deployment) -> Iterator[tuple[Ref, Iterable[Validation]]]:
    found = (placement for graph in deployment.graphs for placement in graph.placements)
    used = [placement for placement in dict.fromkeys(found) if batch_target(placement)]
    yield from secrets.validations(secret for one in used for secret in secrets_in(one.container)).items()
    for placement in used:
        for value, form in _places(placement):
            if isinstance(value, Input):
                yield value, (form.validation(value.expression),)


def check_defaults(graph: Graph) -> Iterator[Problem]:
    """Check that AWS Batch accepts the defaults of variables where they stand."""
    for layer in graph.layers:
        if batch_target(layer.placement):
            named = [(secret, form) for secret in secrets_in(layer.container) for form in secrets.FORMS]
            yield from find_faults(layer, (*_places(layer.placement), *named))


def _places(placement: Placement) -> Iterator[tuple[Any, Form]]:
    """Yield the values of a placement that AWS Batch checks, each with its form."""
    target, requested = batch_target(placement), placement.container.requested
    yield requested.get("registry_credentials"), _CREDENTIALS
    yield requested.get("user"), _USER
    yield (target.share if target else None), _SHARE
    for _, value in requested.get("tags", ()):
        yield value, TAG
    for _, value in placement.container.environment:
        yield value, _TEXT
    yield from volumes.places(volumes.volumes_of(placement.container))

"""The validations of variables of flows by what AWS Batch accepts in their places: a plan fails, and no job does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.ir.expressions import Input, Ref
from laminar_codegen.ir.placement import Placement
from laminar_codegen.ir.terraform import Validation
from laminar_codegen.limits import MOST_TAGS
from laminar_codegen.targets.batch import secrets, volumes
from laminar_codegen.targets.batch.options import secrets_in
from laminar_codegen.targets.batch.target import batch_target
from laminar_codegen.targets.tags import validate_tag
from laminar_runtime.configurations.containers import JOB_TAGS

__all__ = ["validations"]


def _share(reference: str) -> Iterable[Validation]:
    # https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html
    yield Validation(
        f'can(regex("^[A-Za-z0-9]+$", {reference})) && length({reference}) <= 255',
        "The identifier of a share must be of 1 to 255 letters and digits.",
    )


def _text(reference: str) -> Iterable[Validation]:
    # The rule for a text in the flow is LAM090.
    yield Validation(f'{reference} != ""', "A variable of an environment must not be empty: AWS Batch drops it.")


def _tag(reference: str) -> Iterable[Validation]:
    yield validate_tag(reference)


def _credentials(reference: str) -> Iterable[Validation]:
    # https://docs.aws.amazon.com/batch/latest/APIReference/API_RepositoryCredentials.html
    yield Validation(
        f'!can(regex("^(ssm:|arn:[^:]*:ssm:)", {reference}))',
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
    found = (layer for graph in deployment.graphs for layer in graph.layers if batch_target(layer.placement))
    counts = [len(layer.container.requested.get("tags", ())) for layer in found]
    if counts:
        room = MOST_TAGS - len(JOB_TAGS) - max(counts)
        text = f"A job has at most {MOST_TAGS} tags: at most {room} besides its own, those of the provider included."
        yield Ref("var.tags"), (Validation(f"length(var.tags) <= {room}", text),)


def _rules(deployment: Deployment) -> Iterator[tuple[Ref, Iterable[Validation]]]:
    found = (placement for graph in deployment.graphs for placement in graph.placements)
    used = [placement for placement in dict.fromkeys(found) if batch_target(placement)]
    yield from secrets.validations(secret for one in used for secret in secrets_in(one.container)).items()
    for placement in used:
        for value, rules in _places(placement):
            if isinstance(value, Input):
                yield value, rules(value.expression)


def _places(placement: Placement) -> Iterator[tuple[Any, Callable[[str], Iterable[Validation]]]]:
    """Yield the values of a placement that AWS Batch checks, each with what makes its validations."""
    target, requested = batch_target(placement), placement.container.requested
    yield requested.get("registry_credentials"), _credentials
    yield (target.share if target else None), _share
    for _, value in requested.get("tags", ()):
        yield value, _tag
    for _, value in placement.container.environment:
        yield value, _text
    yield from volumes.places(volumes.volumes_of(placement.container))

"""The permissions to start the containers of jobs: to pull images, write logs, and read the requested secrets.

https://docs.aws.amazon.com/batch/latest/userguide/execution-IAM-role.html
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator

import attrs

from laminar_codegen.ir import ecr, labels
from laminar_codegen.ir.asl import PARTITION
from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.policies.sizes import Fitted, fit, prefix_patterns
from laminar_codegen.policies.statement import Statement, logs
from laminar_codegen.targets.batch import secrets
from laminar_codegen.targets.batch.job_definitions import JobDefinition
from laminar_codegen.targets.batch.options import secrets_in
from laminar_codegen.targets.batch.target import has_execution_role

__all__ = ["for_execution", "local_values"]

#: The ARNs of the repositories of the images of jobs.
_REPOSITORIES = "local.repositories"
#: The ARN of the longest name of a repository: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Repository.html
_LONGEST_REPOSITORY = "x" * (len("arn:aws-us-gov:ecr:us-isof-south-1:123456789012:repository/") + 256)
#: The actions that pull an image. The last two are for a pull-through cache, which may have to make the repository:
#: https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html
_PULL = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
    "ecr:BatchImportUpstreamImage",
    "ecr:CreateRepository",
)


@attrs.frozen(eq=False, repr=False)
class Pulled:
    """The images that a role of the document pulls.

    Args:
        images: Images whose repositories Terraform finds.
        patterns: The ARNs, or patterns, of further repositories.
    """

    images: tuple[Value, ...]
    patterns: tuple[Joined, ...] = ()


def _images_of_role(deployment: Deployment) -> Pulled:
    """Return the images that the execution role pulls."""
    return _images_and_patterns(deployment, for_execution(deployment).most)


def _images(deployment: Deployment) -> list[str | Ref]:
    """Return the images that the role pulls, those of variables first."""
    placements = [definition.placement for definition in deployment.of_type(JobDefinition)]
    given = {labels.image(placement.container) for placement in placements if has_execution_role(placement)}
    named = sorted((image for image in given if isinstance(image, Ref)), key=lambda image: image.expression)
    return [*named, *sorted(image for image in given if isinstance(image, str))]


def _images_and_patterns(deployment: Deployment, most: int | None) -> Pulled:
    images = _images(deployment)
    if most is None:
        return Pulled(tuple(images))
    found = defaultdict(list)
    for repository in (ecr.repository_of(image) for image in images if isinstance(image, str)):
        if repository is not None:
            found[repository.region, repository.account].append(repository.name)
    patterns = [
        _arn(region, account, pattern)
        for (region, account), repositories in sorted(found.items())
        for pattern in prefix_patterns(repositories, most)
    ]
    return Pulled(tuple(image for image in images if isinstance(image, Ref)), tuple(patterns))


def _arn(region: str, account: str, repository: str) -> Joined:
    return Joined("arn:", PARTITION, f":ecr:{region}:{account}:repository/{repository}")


@functools.lru_cache(maxsize=1)
def for_execution(deployment: Deployment) -> Fitted:
    """Return the permissions to start containers.

    On EC2 the instances have a role of their own for their images and logs; one that reads secrets has both roles:
    https://docs.aws.amazon.com/batch/latest/userguide/specifying-sensitive-data.html

    Args:
        deployment: The deployment.
    """
    return fit(
        deployment,
        lambda most: _for_execution(deployment, most),
        lambda most: {_REPOSITORIES: _repositories(deployment, most), **secrets.lists(_secrets(deployment))},
    )


def _repositories(deployment: Deployment, most: int | None) -> list[Value]:
    """Return the ARNs, or patterns, of the repositories, as exact as the policy's size allows."""
    found = _images_and_patterns(deployment, most)
    own = [repository for image in found.images if isinstance(image, str) and (repository := ecr.repository_of(image))]
    arns = [_arn(item.region, item.account, item.name) for item in own]
    unknown = [_LONGEST_REPOSITORY for image in found.images if isinstance(image, Ref)]
    return [*unknown, *arns, *found.patterns]


def _for_execution(deployment: Deployment, most: int | None) -> Iterator[Statement]:
    # Only if an image is in ECR. The action for the token has no resource to name.
    all_of_them = Ref(f'length({_REPOSITORIES}) > 0 ? ["*"] : []')
    yield Statement("LogInToRegistries", ("ecr:GetAuthorizationToken",), all_of_them)
    yield Statement("PullImages", _PULL, Ref(_REPOSITORIES))
    groups = tuple(group.name for group in deployment.log_groups if group.label == labels.TASKS)
    if groups:
        yield logs("WriteLogs", groups)
    yield from secrets.read_statements(_secrets(deployment), most)


def _secrets(deployment: Deployment) -> list[str | Ref]:
    """Return the secrets that the role reads."""
    containers = [definition.placement.container for definition in deployment.of_type(JobDefinition)]
    return [secret for container in containers for secret in secrets_in(container)]


def local_values(deployment: Deployment) -> dict[str, Value]:
    """Return the repositories of images and the secrets of variables, for the role that starts containers, if any.

    Args:
        deployment: The deployment.
    """
    if not deployment.has_role("execution"):
        return {}
    return {**_of_images(deployment), **secrets.local_values(_secrets(deployment))}


def _of_images(deployment: Deployment) -> dict[str, Value]:
    """Return the repositories in ECR of the images of jobs."""
    found = _images_of_role(deployment)
    arn = 'format("arn:%s:ecr:%s:%s:repository/%s", local.partition, part[1], part[0], part[2])'
    parts = f'concat([for image in local.images : regexall("{ecr.REPOSITORY}", image)]...)'
    arns = f"[for part in {parts} : {arn}]"
    if not found.patterns:
        return {"images": [*found.images], "repositories": Ref(f"distinct({arns})")}
    # Too many for a policy: Terraform finds those of variables, and patterns cover the others.
    if not found.images:
        return {"repositories": [*found.patterns]}
    return {
        "images": [*found.images],
        "repository_patterns": [*found.patterns],
        "repositories": Ref(f"distinct(concat({arns}, local.repository_patterns))"),
    }

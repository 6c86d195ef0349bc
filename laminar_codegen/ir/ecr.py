"""Images in Amazon ECR: the only pattern of their hosts, for Python and for Terraform.

A registry has hosts of IPv4 and of dual-stack, each also for FIPS, and another domain in each partition of AWS:
https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html and
https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html. The domains of isolated partitions are of
https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json.
"""

from __future__ import annotations

import re

import attrs

from laminar_codegen.ir.structs import Struct

__all__ = ["HOST", "REPOSITORY", "Repository", "repository_of"]

#: The domains of AWS, China, the European Sovereign Cloud, and isolated partitions; then those of dual-stack.
_DOMAINS = (
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
    "on.aws",
    "on.amazonwebservices.com.cn",
    "on.amazonwebservices.eu",
    "on.aws.ic.gov",
    "on.aws.scloud",
    "on.cloud-aws.adc-e.uk",
    "on.aws.hci.ic.gov",
)

#: The host of a registry, with its account and region; a pattern for Python and for Terraform.
HOST = f"([0-9]{{12}})[.]dkr[.-]ecr(?:-fips)?[.]([a-z0-9-]+)[.](?:{'|'.join(_DOMAINS).replace('.', '[.]')})"
#: The account, region and repository of an image. It matches names of repositories only, no wildcards.
REPOSITORY = f"^{HOST}/([a-z0-9][a-z0-9._/-]*)"


@attrs.frozen(eq=False, repr=False)
class Repository(Struct):
    """A repository.

    Args:
        account: The account that it is in.
        region: The region that it is in.
        name: Its name.
    """

    account: str
    region: str
    name: str


def repository_of(image: str) -> Repository | None:
    """Return the repository of an image, None if it is not in Amazon ECR.

    Args:
        image: The image.

    Example:
        >>> repository_of("123456789012.dkr-ecr.eu-west-1.on.aws/team/flow:1")
        Repository(account='123456789012', region='eu-west-1', name='team/flow')
        >>> repository_of("public.ecr.aws/docker/library/python:3.12")
    """
    found = re.match(REPOSITORY, image)
    return None if found is None else Repository(*found.groups())

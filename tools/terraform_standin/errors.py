"""The errors of the stand-in; all of them become Terraform diagnostics.

StandInError
├── NotImplementedByStandInError   declared in the schema, but not implemented here
├── InvalidConfigurationError      what the real provider would refuse before calling AWS
├── NotFoundError                  a data source or an imported resource that AWS does not have
└── RefusedError                   what AWS refuses, and the embedded AWS does not
"""

from __future__ import annotations

from botocore.exceptions import ClientError


class StandInError(Exception):
    """Anything that this provider itself refuses."""


class NotImplementedByStandInError(StandInError):
    """A type or an argument is declared to Terraform but has no implementation here."""


class InvalidConfigurationError(StandInError):
    """A configuration that the real provider refuses."""


class NotFoundError(StandInError):
    """The object asked for does not exist."""


class RefusedError(StandInError):
    """AWS would refuse what the embedded AWS would do."""


_GONE = frozenset(
    {
        "404",
        "AWS.SimpleQueueService.NonExistentQueue",
        "LifecyclePolicyNotFoundException",
        "NoSuchBucket",
        "NoSuchBucketPolicy",
        "NoSuchEntity",
        "NoSuchKey",
        "NoSuchLifecycleConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "NotFound",
        "NotFoundException",
        "OwnershipControlsNotFoundError",
        "ParameterNotFound",
        "QueueDoesNotExist",
        "RepositoryNotFoundException",
        "RepositoryPolicyNotFoundException",
        "ResourceNotFound",
        "ResourceNotFoundException",
        "ServerSideEncryptionConfigurationNotFoundError",
        "StateMachineDoesNotExist",
    }
)


def is_gone(error: ClientError) -> bool:
    """Return whether AWS says that the object does not exist."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    return code in _GONE or code.endswith(".NotFound")

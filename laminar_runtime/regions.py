"""The region of clients of AWS where botocore knows none: it reads ``AWS_DEFAULT_REGION``, and not ``AWS_REGION``.

The other SDKs of AWS and its command line read ``AWS_REGION``:
https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html
"""

from __future__ import annotations

import os

__all__ = ["choose_region"]


def choose_region(known: str | None) -> str | None:
    """Return the region of a session, else that of the environment.

    Args:
        known: The region that botocore has found in ``AWS_DEFAULT_REGION`` or in a profile.

    Example:
        >>> choose_region("eu-west-1")
        'eu-west-1'
    """
    return known or os.environ.get("AWS_REGION") or None

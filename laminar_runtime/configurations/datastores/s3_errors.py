"""Errors of S3, in the same words for each client, and how to fix them."""

from __future__ import annotations

__all__ = ["CHANGED", "THERE", "S3Error"]

#: The code for an object that changed while it was read in ranges.
CHANGED = "PreconditionFailed"
#: The codes for an object that exists, or that another client writes at the moment.
THERE = {"ConditionalRequestConflict", "PreconditionFailed"}

#: The codes of temporary refusals that neither client repeats by itself:
#: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_PASSING = {"OperationAborted", "RequestTimeout"}

_FORBIDDEN = 403
_SIGN_IN = "Sign in again (aws sso login), or renew the credentials in the environment"
_CURES = {
    "AccessDenied": "The credentials need s3:GetObject, s3:PutObject and s3:ListBucket there",
    "Certificate": "Set AWS_CA_BUNDLE to a file with the certificate of its authority",
    "Connection": "Check the network, the endpoint (AWS_ENDPOINT_URL) and the proxy (HTTPS_PROXY, NO_PROXY)",
    "Credentials": _SIGN_IN,
    "ExpiredToken": _SIGN_IN,
    "InvalidAccessKeyId": _SIGN_IN,
    "NoCredentialsError": "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the job a role",
    "NoSuchBucket": "Create the bucket, or correct the root of the datastore",
    "ProfileNotFound": "Correct AWS_PROFILE, or add the profile to ~/.aws/config",
    "RequestTimeTooSkewed": "Set the clock of this machine",
    "Timeout": "Check the network and the proxy (HTTPS_PROXY, NO_PROXY)",
}
#: The same codes for the errors of botocore.
_BOTOCORE = {
    "ConnectTimeoutError": "Timeout",
    "ConnectionClosedError": "Connection",
    "EndpointConnectionError": "Connection",
    "ProxyConnectionError": "Connection",
    "ReadTimeoutError": "Timeout",
    "SSLError": "Certificate",
    "SSOTokenLoadError": "Credentials",
    "TokenRetrievalError": "Credentials",
    "UnauthorizedSSOTokenError": "Credentials",
}


class S3Error(Exception):
    """S3 cannot be reached or refuses a request.

    Args:
        code: The code of S3, such as ``AccessDenied``, or of an error on the way, such as ``Timeout``.
        message: What happened.
        status: The status of the HTTP response, 0 if there is none.

    Example:
        >>> S3Error("EndpointConnectionError", "Could not connect").code
        'Connection'
    """

    def __init__(self, code: str, message: str, *, status: int = 0) -> None:
        self.code = f"HTTP {code}" if code.isdigit() else _BOTOCORE.get(code, code)
        self.status = status
        super().__init__(f"{self.code}: {message}" if self.code else message)

    @property
    def passes(self) -> bool:
        """Whether the same request may succeed soon."""
        return self.code in _PASSING

    @property
    def cure(self) -> str:
        """How to fix it, or '' if that is unknown."""
        known = _CURES.get(self.code, "")
        return known or (_CURES["AccessDenied"] if self.status == _FORBIDDEN else "")

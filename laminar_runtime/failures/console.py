"""Links to the console of AWS.

There are none where the environment names another endpoint than one of AWS, as in a rehearsal: AWS knows nothing of it.
"""

from __future__ import annotations

import os

__all__ = ["HOME", "HOSTS", "execution_link", "log_link"]

#: The host of the console of AWS.
HOME = "console.aws.amazon.com"
#: The hosts of the consoles of AWS' partitions. A region's name begins with the key.
HOSTS = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}

#: What is in the addresses of the endpoints of AWS, as of a VPC:
#: https://docs.aws.amazon.com/general/latest/gr/rande.html
_DOMAINS = (".amazonaws.com", ".api.aws", ".api.amazonwebservices.com.cn")


def execution_link(arn: str) -> str:
    """Return the address of an execution in the console of Step Functions.

    Args:
        arn: The ARN of the execution.

    Returns:
        The address; empty if the execution is not one of AWS.

    Example:
        >>> execution_link("arn:aws:states:eu-west-1:123456789012:execution:Report:e1")
        'https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/arn:aws:states:eu-west-1:123456789012:execution:Report:e1'
    """
    region = arn.split(":")[3]
    return "" if _is_elsewhere() else f"{_home(region, 'states')}#/v2/executions/details/{arn}"


def log_link(region: str, group: str, stream: str) -> str:
    """Return the address of a log stream in the console of CloudWatch.

    Args:
        region: The region; empty if it is unknown.
        group: The log group; empty if it is unknown.
        stream: The log stream; empty if it is unknown.

    Returns:
        The address; empty if a part of it is unknown, or the log is not one of AWS.

    Example:
        >>> log_link("us-east-1", "/laminar/report", "train/1").partition("log-group/")[2]
        '$252Flaminar$252Freport/log-events/train$252F1'
    """
    if not (region and group and stream) or _is_elsewhere():
        return ""
    return f"{_home(region, 'cloudwatch')}#logsV2:log-groups/log-group/{_quote(group)}/log-events/{_quote(stream)}"


def _is_elsewhere() -> bool:
    """Return whether calls go to something else than AWS, such as an embedded one."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    return bool(endpoint) and not any(domain in endpoint for domain in _DOMAINS)


def _home(region: str, service: str) -> str:
    host = next((host for start, host in HOSTS.items() if region.startswith(start)), HOME)
    return f"https://{region}.{host}/{service}/home?region={region}"


def _quote(name: str) -> str:
    """Return a name as this console spells it in an address: percent-encoded twice, with ``$`` for the second ``%``."""
    from urllib.parse import quote

    return quote(quote(name, safe=""), safe="").replace("%", "$")

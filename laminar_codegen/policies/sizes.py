"""Keeps the policies of roles within the length that IAM accepts: many names become patterns of their prefixes.

A role's policies have at most 10,240 characters:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html. The length of a policy is known when a flow
is compiled, except for the values of variables. Their longest values count: so a flow that compiles can be deployed
under each name that its variable accepts.

Before: a statement that names each of 60 job definitions. After: the same with ``Report-fargate*``. A statement that
fits is not changed, so that policies are as narrow as possible, and stay the same until a deployment outgrows them.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import attrs

from laminar_codegen.ir.deployment import Deployment
from laminar_codegen.ir.expressions import Ref, Value, resolve
from laminar_codegen.limits import ROLE_POLICY_CHARACTERS
from laminar_codegen.policies.statement import Statement

__all__ = ["Fitted", "fit", "length_of", "prefix_patterns"]

#: The greatest number of names or prefixes of a kind to try: all, and then fewer and fewer.
_STEPS = (None, 64, 32, 16, 8)
#: The longest names of a partition, a region, an account, a bucket, a job queue and a key; and a folder in the bucket
#: that is longer than any in use. Other references are names or ARNs.
_LONGEST = {
    "local.partition": len("aws-us-gov"),
    "local.region": len("us-isof-south-1"),
    "local.account_id": 12,
    "local.datastore_bucket": 63,
    "local.datastore_prefix": 100,
}
_OTHER = 190


@attrs.frozen(eq=False, repr=False)
class Fitted:
    """The statements of a role.

    Args:
        statements: The statements.
        length: Their greatest length in characters.
        most: The greatest number of names of a kind in them, None if they name each.
    """

    statements: tuple[Statement, ...]
    length: int
    most: int | None


def fit(
    deployment: Deployment,
    build: Callable[[int | None], Iterable[Statement]],
    lists: Callable[[int | None], Mapping[str, Sequence[Value]]] = lambda _: {},
) -> Fitted:
    """Build the statements of a role, with as many exact names as fit.

    Args:
        deployment: The deployment.
        build: Builds them with at most this many names or prefixes of a kind, None for all.
        lists: Returns the Terraform lists that such statements refer to.

    Returns:
        The first statements that fit; else the shortest ones, which are too long.
    """
    for most in _STEPS:
        statements = tuple(build(most))
        length = length_of(statements, deployment, lists(most))
        if length <= ROLE_POLICY_CHARACTERS:
            break
    return Fitted(statements, length, most)


def length_of(statements: Sequence[Statement], deployment: Deployment, lists: Mapping[str, Sequence[Value]]) -> int:
    """Return the greatest length of a policy in characters, as IAM counts them: without white space.

    Args:
        statements: Its statements.
        deployment: The deployment.
        lists: The Terraform lists that statements refer to.
    """
    longest = {
        **_LONGEST,
        "var.name": deployment.longest_name,
        **{name.expression: len(flow) for name, flow in zip(deployment.flow_names, deployment.flows, strict=True)},
    }
    known = _Longest({expression: "x" * length for expression, length in longest.items()})

    bodies = []
    for statement in statements:
        resources = statement.resources
        if isinstance(resources, Ref):
            # An unknown list has one ARN, such as that of a key.
            resources = tuple(lists.get(resources.expression, (resources,)))
        bodies.append(resolve(attrs.evolve(statement, resources=resources).body(), known))
    return len(json.dumps({"Version": "2012-10-17", "Statement": bodies}, separators=(",", ":")))


class _Longest(dict[str, str]):
    """The longest values of references."""

    def __missing__(self, expression: str) -> str:
        return "x" * _OTHER


def prefix_patterns(texts: Collection[str], most: int) -> list[str]:
    """Return patterns of texts: the texts, or common prefixes of several of them if there are too many texts.

    A prefix ends where a part of a name ends, after one of ``/-_.``. Texts without a common prefix stay as they are,
    even if the patterns are too many then.

    Args:
        texts: The texts.
        most: The greatest number of patterns.

    Returns:
        The patterns, sorted.

    Example:
        >>> prefix_patterns(["tools/one", "tools/two", "web"], 2)
        ['tools/*', 'web']
    """
    found = sorted({*texts})
    while len(found) > most:
        shared = max(itertools.starmap(_common_prefix, itertools.pairwise(found)), key=len)
        if not shared:
            break
        found = sorted({*(text for text in found if not text.startswith(shared)), f"{shared}*"})
    return found


def _common_prefix(one: str, other: str) -> str:
    """Return the common prefix of two texts, up to the end of a part."""
    same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1] != "*", zip(one, other, strict=False)))
    return one[: 1 + max(one.rfind(mark, 0, same) for mark in "/-_.")]

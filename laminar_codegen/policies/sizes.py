"""Keeps the policies of roles within what IAM takes: names what there are few of, and many by what they begin with.

A role's policies have at most 10,240 characters:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html. How many a policy takes is known when a flow
is compiled, but for the values of variables. The longest of these count: so a flow that compiles can be deployed under
each name that its variable takes.

Before: a statement that names each of 60 job definitions. After: the same with ``Report-fargate*``. What fits stays as
it is, so that policies are as narrow as can be, and those of a deployment are the same until it outgrows them.
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

__all__ = ["Fitted", "beginnings", "fit", "length_of"]

#: How many names or beginnings there are of a kind: all, and then fewer and fewer.
_STEPS = (None, 64, 32, 16, 8)
#: The longest names of a partition, a region, an account, a bucket, a job queue and a key; and a folder in the bucket
#: that is longer than any in use. What else is referred to is a name or an ARN.
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
        length: How many characters they take at most.
        most: How many names of a kind they have at most, None if they name each.
    """

    statements: tuple[Statement, ...]
    length: int
    most: int | None


def fit(
    deployment: Deployment,
    build: Callable[[int | None], Iterable[Statement]],
    lists: Callable[[int | None], Mapping[str, Sequence[Value]]] = lambda _: {},
) -> Fitted:
    """Build the statements of a role that name as much as fits.

    Args:
        deployment: The deployment.
        build: Builds them with at most this many names or prefixes of a kind, None for all.
        lists: Returns the Terraform lists that they refer to then.

    Returns:
        The first that fit; else the shortest, which is too long.
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
        lists: Lists of Terraform's that statements refer to.
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
            # A list of which nothing is known has one ARN: of a key, say, if there is one.
            resources = tuple(lists.get(resources.expression, (resources,)))
        bodies.append(resolve(attrs.evolve(statement, resources=resources).body(), known))
    return len(json.dumps({"Version": "2012-10-17", "Statement": bodies}, separators=(",", ":")))


class _Longest(dict[str, str]):
    """The longest values of references."""

    def __missing__(self, expression: str) -> str:
        return "x" * _OTHER


def beginnings(texts: Collection[str], most: int) -> list[str]:
    """Patterns of texts: each text, or fewer, longer beginnings that several share, as many as there may be at most.

    A beginning ends where a name has a part, behind one of ``/-_.``. What shares none stays, though it be too many.

    Args:
        texts: The texts.
        most: How many patterns there are at most.

    Returns:
        The patterns, sorted.

    Example:
        >>> beginnings(["tools/one", "tools/two", "web"], 2)
        ['tools/*', 'web']
    """
    found = sorted({*texts})
    while len(found) > most:
        shared = max(itertools.starmap(_shared, itertools.pairwise(found)), key=len)
        if not shared:
            break
        found = sorted({*(text for text in found if not text.startswith(shared)), f"{shared}*"})
    return found


def _shared(one: str, other: str) -> str:
    """Return the common prefix of two texts, up to the end of a part."""
    same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1] != "*", zip(one, other, strict=False)))
    return one[: 1 + max(one.rfind(mark, 0, same) for mark in "/-_.")]

"""The permissions of tasks and functions: they read and write artifacts, and functions write logs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from laminar_codegen.ir import labels
from laminar_codegen.ir.deployment import Deployment, Planner, TaskResource
from laminar_codegen.ir.expressions import Joined, Ref, Value
from laminar_codegen.ir.graph import Graph
from laminar_codegen.policies.sizes import Fitted, fit
from laminar_codegen.policies.statement import BUCKET, Statement, datastore_key, key, logs, regional, traces

__all__ = ["for_functions", "for_layers_with", "for_tasks", "invoke", "key_of", "prefixes"]

#: The greatest number of functions that a policy names one by one, and of patterns in their place.
_NAMED, _PATTERNS = 20, 4


def for_tasks(deployment: Deployment) -> Fitted:
    """Return the permissions to read and write artifacts. Without listing, S3 answers 403 for a missing object.

    Args:
        deployment: The deployment.
    """
    return fit(deployment, lambda most: _for_tasks(deployment, short=most is not None))


def for_layers_with(deployment: Deployment, role: str) -> Fitted:
    """Return the permissions of the tasks of some layers: they read artifacts of their flows, and write their own.

    Args:
        deployment: The deployment.
        role: The label of the role that the layers name.
    """
    return fit(deployment, lambda most: _for_tasks(deployment, role, short=most is not None))


def _for_tasks(deployment: Deployment, role: str | None = None, *, short: bool) -> tuple[Statement, ...]:
    named = [labels.flow(graph) for graph in deployment.graphs if role is None or _names(graph, role)]
    objects = tuple(Joined(BUCKET, "/", Ref("local.datastore_prefix"), flow, "/*") for flow in named)
    return (
        Statement("ReadAndWriteArtifacts", ("s3:GetObject", "s3:PutObject"), objects),
        # Without the condition s3:prefix: a request for one object has none, and S3 would answer 403.
        Statement("TellWhatIsMissing", ("s3:ListBucket",), (BUCKET,)),
        datastore_key(key_of(objects, short=short)),
    )


def _names(graph: Graph, role: str) -> bool:
    planner = graph.planner.target if graph.with_planner else None
    return any(layer.executor.role == role for layer in graph.layers) or (planner is not None and planner.role == role)


def for_functions(
    deployment: Deployment, functions: Sequence[Planner | TaskResource], role: str | None = None
) -> Fitted:
    """Return the permissions of functions, which read and write artifacts as tasks do.

    Args:
        deployment: The deployment.
        functions: The functions.
        role: The label of their role if layers name it.
    """
    return fit(deployment, lambda most: _for_functions(deployment, functions, role, short=most is not None))


def _for_functions(
    deployment: Deployment, functions: Sequence[Planner | TaskResource], role: str | None, *, short: bool
) -> tuple[Statement, ...]:
    patterns = _principal_names(deployment, functions, short=short)
    condition = ("StringLike", "kms:EncryptionContext:aws:lambda:FunctionArn", _functions(patterns))
    environment = attrs.evolve(key("DecryptEnvironment", condition), actions=("kms:Decrypt",))
    groups = tuple(labels.log_group(pattern) for pattern in patterns)
    sent = traces(deployment.settings.tracing)
    in_vpc = tuple(item for item in functions if item.network is not None)
    statements = (*_for_tasks(deployment, role, short=short), environment, logs("WriteLogs", groups), *sent)
    if not in_vpc:
        return statements
    from laminar_codegen.policies.network import network_access  # few functions are in a VPC

    return (*statements, *network_access(_functions(_principal_names(deployment, in_vpc, short=short))))


def _principal_names(
    deployment: Deployment, functions: Sequence[Planner | TaskResource], *, short: bool
) -> tuple[str, ...]:
    """Return the labels of functions as a policy names them: each, or patterns of their prefixes if there are many."""
    found = tuple(function.label for function in functions)
    return prefixes(deployment, found, labels.FUNCTIONS) if short or len(found) > _NAMED else found


def _functions(patterns: Iterable[str]) -> tuple[Value, ...]:
    return tuple(regional("lambda", "function:", labels.of_deployment(pattern)) for pattern in patterns)


def invoke(deployment: Deployment, sid: str, functions: Sequence[Planner | TaskResource], *, short: bool) -> Statement:
    """Return the permission to invoke functions.

    Args:
        deployment: The deployment.
        sid: The name of the statement.
        functions: The functions.
        short: Whether to name them by prefixes.
    """
    return Statement(sid, ("lambda:InvokeFunction",), _functions(_principal_names(deployment, functions, short=short)))


def prefixes(deployment: Deployment, found: tuple[str, ...], kinds: tuple[str, ...]) -> tuple[str, ...]:
    """Return patterns of labels by their prefixes, which no other deployment has.

    A chain of many flows has many prefixes. The pattern then covers all names that begin with the deployment's.

    Args:
        deployment: The deployment.
        found: The labels.
        kinds: The prefixes of labels, behind those of flows.
    """
    starts = [f"{graph.prefix}{kind}" for graph in deployment.graphs for kind in kinds]
    patterns = tuple(f"{start}*" for start in starts if any(label.startswith(start) for label in found))
    return patterns if len(patterns) <= _PATTERNS else ("*",)


def key_of(objects: tuple[Value, ...], *, short: bool) -> tuple[Value, ...]:
    """Return the objects that the bucket's key encrypts.

    Args:
        objects: The objects that other statements let a role read and write.
        short: Whether to name all objects of the bucket: the other statements are narrow enough.
    """
    return (Joined(BUCKET, "/*"),) if short else objects
